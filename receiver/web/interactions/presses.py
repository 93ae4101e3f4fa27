"""`POST /slack/actions` and its kin: a press is verified, read, and answered from the committed state."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from receiver.contracts import Acknowledgement, Acknowledger, ButtonHandler, Sink
from receiver.errors import NotAllowed, NotFound, NotPossible, Unmapped, Unverified
from receiver.lib.times import Clock
from receiver.web.http.incoming import IncomingRequest
from receiver.web.http.replies import HttpReply, reply_to
from receiver.web.ingest.bodies import read_body, read_headers
from receiver.web.ingest.refused import RefusedRequests
from receiver.web.problems import Refusal
from receiver.workers.presses import HeardPress, Presses, judged

log = structlog.get_logger("press")

#: Largest body of a press, bytes: it holds the message with its blocks, some 20 KB.
MAX_PRESS: Final = 1024 * 1024
NOT_VERIFIED: Final = Refusal(401, "not_verified", "the request is not verified")
NO_PRESS: Final = Refusal(400, "no_press", "this is no press of a button")


class PressEndpoint:
    """Where platforms post presses of the buttons in our messages, for every sink that has such."""

    def __init__(self, presses: Presses, clock: Clock, sinks: Mapping[str, Sink], refused: RefusedRequests) -> None:
        self._presses = presses
        self._clock = clock
        self._refused = refused
        #: By path: the handlers whose platform posts there.
        self._handlers: dict[str, list[ButtonHandler]] = {}
        for sink in sinks.values():
            handler = sink.handler
            if isinstance(handler, ButtonHandler) and handler.press_path is not None:
                self._handlers.setdefault(handler.press_path, []).append(handler)

    def routes(self) -> list[Route]:
        return [Route(path, self.take, methods=["POST"]) for path in self._handlers]

    def head_refusal(self, request: IncomingRequest) -> HttpReply | None:
        """The answer to a request whose head alone shows that it will be refused, else None: its body is not read."""
        announced = dict(request.headers).get(b"content-length", b"0")
        if request.path in self._handlers and (not announced.isdigit() or int(announced[:20]) > MAX_PRESS):
            return reply_to(Refusal(413, "too_large", f"the body is larger than {MAX_PRESS} bytes"))
        return None

    async def take(self, request: Request) -> Response:
        """Does what a button says; 200 once that is on disk, with what the platform wants to read there."""
        headers = read_headers(request.scope["headers"])
        body = await read_body(request.receive, headers, MAX_PRESS)
        genuine = self._verified(request, headers, body)
        handler = genuine[0]
        if not isinstance(handler, Acknowledger):
            await self._presses.take(self._read(genuine, body))
            return Response(status_code=200)
        said = _acknowledgement(handler, body)
        if not said.is_probe:
            with suppress(NotAllowed, NotFound, NotPossible):  # whoever pressed is told
                await self._presses.take(self._read(genuine, body))
        return Response(said.body, media_type="application/json")

    def _verified(self, request: Request, headers: dict[str, str], body: bytes) -> list[ButtonHandler]:
        """The handlers whose platform made this request. Raises Refusal if none did; the operator is told why."""
        found: list[ButtonHandler] = []
        reasons: list[str] = []
        for handler in self._handlers[request.url.path]:
            try:
                handler.verify_press(headers, body, self._clock())
            except Unverified as no:
                reasons.append(no.reason)
            else:
                found.append(handler)
        if not found:
            sender = request.client.host if request.client is not None else ""
            if self._refused.add(None, reasons[-1], sender, sorted(headers), is_unverified=False):
                log.info("press.refused", reason=reasons[-1], sender=sender)
            raise NOT_VERIFIED.anew()
        return found

    def _read(self, handlers: list[ButtonHandler], body: bytes) -> HeardPress:
        """The press, as the sink has it in whose channel it was. Raises Refusal if it is none."""
        try:
            return judged([HeardPress(handler, handler.read_press(body)) for handler in handlers])
        except Unmapped:
            raise NO_PRESS.anew() from None


def _acknowledgement(handler: Acknowledger, body: bytes) -> Acknowledgement:
    """Raises Refusal."""
    try:
        return handler.acknowledge(body)
    except Unmapped:
        raise NO_PRESS.anew() from None
