"""`POST /slack/actions` and its kin: a press is verified, read, and answered from the committed state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from receiver.contracts import ButtonHandler, Press, Sink, Store
from receiver.contracts.setup import Setup
from receiver.errors import NotFound, NotPossible, Unmapped, Unverified
from receiver.flows.asking.buttons import press
from receiver.lib.times import Clock
from receiver.web.http.incoming import IncomingRequest
from receiver.web.http.replies import HttpReply, reply_to
from receiver.web.ingest.bodies import read_body, read_headers
from receiver.web.ingest.refused import RefusedRequests
from receiver.web.problems import Refusal

log = structlog.get_logger("press")

#: Largest body of a press, bytes: it holds the message with its blocks, some 20 KB.
MAX_PRESS: Final = 1024 * 1024
NOT_VERIFIED: Final = Refusal(401, "not_verified", "the request is not verified")
NO_PRESS: Final = Refusal(400, "no_press", "this is no press of a button")
MAY_NOT: Final = Refusal(403, "not_a_decider", "you are none of those who may decide here")


class Presses:
    """Presses of the buttons under questions, for every sink that has some."""

    def __init__(
        self, store: Store, setup: Setup, clock: Clock, sinks: Mapping[str, Sink], refused: RefusedRequests
    ) -> None:
        self._store = store
        self._setup = setup
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
        """Does what a button says; 200 without a body once that is on disk."""
        headers = read_headers(request.scope["headers"])
        body = await read_body(request.receive, headers, MAX_PRESS)
        pressed = self._read(self._verified(request, headers, body), body)
        if not pressed.may_decide:
            log.warning("press.refused", by=pressed.by, reason=MAY_NOT.code)
            raise MAY_NOT
        now, key = self._clock(), self._store.ref_key
        try:
            kept = await self._store.write(lambda tx: press(tx, self._setup, key, pressed.button, pressed.by, now))
        except (NotFound, NotPossible) as wrong:
            log.info("press.refused", by=pressed.by, reason=wrong.code)
            raise
        log.info("press.taken", by=pressed.by, job_id=kept.job.id, status=kept.job.status, took_ms=self._clock() - now)
        return Response(status_code=200)

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
            raise NOT_VERIFIED
        return found

    def _read(self, handlers: list[ButtonHandler], body: bytes) -> Press:
        """The press, as the sink has it in whose channel it was; where that is not known everybody must allow it."""
        try:
            presses = [handler.read_press(body) for handler in handlers]
        except Unmapped:
            raise NO_PRESS from None
        own = [one for one in presses if one.is_own_channel] or presses
        return next((one for one in own if not one.may_decide), own[0])
