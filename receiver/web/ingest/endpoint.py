"""`POST /in/{source}[/{ref}]`: what becomes of a webhook, and what its sender is answered."""

from __future__ import annotations

from contextlib import suppress
from typing import Final, Protocol

import msgspec
import structlog
from starlette.types import Receive, Scope, Send

from receiver.contracts import Request, Source, Store
from receiver.contracts.setup import Setup
from receiver.errors import NotJson, StoreUnavailable, Unverified
from receiver.flows import bodies, intake
from receiver.flows.intake import IntakeResult
from receiver.lib.times import Clock
from receiver.providers.shared.forms import form_value
from receiver.web.http.incoming import IncomingRequest
from receiver.web.http.replies import HttpReply, reply_to
from receiver.web.ingest.bodies import read_body, read_headers
from receiver.web.ingest.refused import RefusedRequests
from receiver.web.problems import Refusal, problem_body

log = structlog.get_logger("ingest")

JSON: Final = b"application/json"
NO_SUCH_SOURCE: Final = Refusal(404, "no_such_source", "there is no such source")
NOT_POSTED: Final = Refusal(405, "method_not_allowed", "webhooks are POSTed", {"allow": "POST"})
NOT_VERIFIED: Final = Refusal(401, "not_verified", "the request is not verified")
UNAVAILABLE: Final = Refusal(503, "unavailable", "it cannot be kept now; send it again", {"retry-after": "5"})
INTERNAL: Final = Refusal(500, "internal", "this is a fault of gridhook")
_ENCODER: Final = msgspec.json.Encoder()


class IngestCounts(Protocol):
    """Counts webhooks; `source` is empty if there is no such source."""

    def count(self, source: str, outcome: str, took_ms: int) -> None:
        """What became of one, and how long that took."""
        ...

    def count_refused(self, source: str, reason: str) -> None:
        """Why one was refused."""
        ...


class Ingest:
    """Takes webhooks in: who sent it, what becomes of it, what is answered, what is counted and told."""

    def __init__(
        self, store: Store, setup: Setup, clock: Clock, max_body: int, counts: IngestCounts, refused: RefusedRequests
    ) -> None:
        self._max_body = max_body
        self._store = store
        self._setup = setup
        self._clock = clock
        self._counts = counts
        self._refused = refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI call for a path below `/in/`, for servers that have nothing but ASGI."""
        sender = scope["client"][0] if scope.get("client") else ""
        request = IncomingRequest(scope["method"], b"/", "1.1", scope["headers"], sender)
        request.path, request.query = scope["path"], scope.get("query_string", b"")
        try:
            request.body = await read_body(receive, read_headers(scope["headers"]), self._max_body)
            reply = await self.answer(request)
        except Refusal as no:
            reply = self.refused(request, no)
        headers = [*reply.header_lines(), (b"content-length", b"%d" % len(reply.body))]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})

    async def answer(self, request: IncomingRequest) -> HttpReply:
        """The answer to a request that is here as a whole; one of the table in the design, whatever comes in."""
        started = self._clock()
        name, token = _address(request.path)
        source = self._setup.sources.get(name)
        if source is None or request.method != "POST":
            return self._not_posted(request, source, started)
        webhook = Request(
            source=name,
            headers=read_headers(request.headers),
            body=request.body,
            path_token=token,
            sender=request.sender,
            received_at=started,
        )
        try:
            result = await intake.receive(webhook, source, self._store, self._setup)
        except Unverified as no:
            return self._refuse(request, source, NOT_VERIFIED, started, no.reason)
        except StoreUnavailable as wrong:
            self._note(source, "unavailable", request, started, reason=str(wrong))
            return reply_to(UNAVAILABLE)
        except Exception:  # nothing of a fault is told outside
            log.exception("intake.broke", source=name)
            return reply_to(INTERNAL)
        challenge = self._challenge(webhook, request.query, source) if result.note is not None else None
        return self._taken(request, source, result, started) if challenge is None else challenge

    def _challenge(self, webhook: Request, query: bytes, source: Source) -> HttpReply | None:
        """The echo of a challenge in a body that was kept, or in its query; None if there is none."""
        rules = source.provider.bodies
        if not rules.challenge:
            return None
        for read in (lambda: bodies.read_body(webhook.body, webhook.headers, rules), lambda: form_value(query)):
            with suppress(NotJson):
                echo = bodies.challenge_of(read(), rules)
                if echo is not None:
                    return HttpReply(200, _ENCODER.encode(echo), JSON)
        return None

    def _not_posted(self, request: IncomingRequest, source: Source | None, started: int) -> HttpReply:
        """The answer to what is no POST to a source: a vendor may try out its address by GET."""
        if source is None:
            return self._refuse(request, source, NO_SUCH_SOURCE, started)
        if request.method != "GET" or not source.provider.bodies.challenge:
            return self._refuse(request, source, NOT_POSTED, started)
        token = _address(request.path)[1]
        asked = Request(source=source.name, headers={}, body=b"", path_token=token, received_at=started)
        try:
            echo = intake.challenge_in_query(asked, request.query, source, self._store.ref_key)
        except Unverified as no:
            return self._refuse(request, source, NOT_VERIFIED, started, no.reason)
        if echo is None:
            return self._refuse(request, source, NOT_POSTED, started)
        self._note(source, "challenge", request, started)
        return HttpReply(200, _ENCODER.encode(echo), JSON)

    def head_refusal(self, request: IncomingRequest) -> HttpReply | None:
        """The answer to a request whose head alone shows that it will be refused, else None."""
        started = self._clock()
        name, token = _address(request.path)
        source = self._setup.sources.get(name)
        if source is None or request.method != "POST":
            if source is not None and request.method == "GET" and source.provider.bodies.challenge:
                return None
            return self._refuse(request, source, NO_SUCH_SOURCE if source is None else NOT_POSTED, started)
        headers = read_headers(request.headers)
        webhook = Request(source=name, headers=headers, body=b"", path_token=token, received_at=started)
        try:
            intake.verify_head(webhook, source, self._store.ref_key)
        except Unverified as no:
            return self._refuse(request, source, NOT_VERIFIED, started, no.reason)
        return None

    def refused(self, request: IncomingRequest, refusal: Refusal) -> HttpReply:
        """The answer to a request that the server could not read to its end. It is lost, unless it is sent again."""
        reply = self.head_refusal(request)
        if reply is not None:
            return reply
        source = self._setup.sources.get(_address(request.path)[0])
        return self._refuse(request, source, refusal, self._clock())

    def _taken(self, request: IncomingRequest, source: Source, result: IntakeResult, started: int) -> HttpReply:
        outcome = "duplicate" if result.duplicate else result.state
        self._note(source, outcome, request, started, request_id=result.request, events=result.events)
        if result.state == "unreadable":
            return HttpReply(400, problem_body(400, "not_json", result.note or "not JSON", request=result.request))
        answer = {"request": result.request, "events": result.events, "duplicate": result.duplicate}
        return HttpReply(200, _ENCODER.encode(answer), JSON)

    def _refuse(
        self, request: IncomingRequest, source: Source | None, refusal: Refusal, started: int, reason: str = ""
    ) -> HttpReply:
        if refusal is NOT_VERIFIED:
            # Whether its body was read or not: what is not verified is answered alike.
            request.keep_alive = False
        name = source.name if source is not None else None
        reason = reason or refusal.code
        names = sorted({name.decode("latin-1") for name, _ in request.headers})
        self._counts.count_refused(name or "", reason)
        is_unverified = refusal is NOT_VERIFIED
        if self._refused.add(name, reason, request.sender, names, is_unverified=is_unverified):
            self._note(source, refusal.code, request, started, reason=reason)
            if refusal.code == "too_large" and name is not None:
                log.warning("request.lost", source=name, reason=refusal.detail, remedy="raise server.max_body")
        else:
            self._counts.count(name or "", refusal.code, self._clock() - started)
        return reply_to(refusal)

    def _note(
        self,
        source: Source | None,
        outcome: str,
        request: IncomingRequest,
        started: int,
        *,
        request_id: str | None = None,
        events: int = 0,
        **more: object,
    ) -> None:
        name = source.name if source is not None else None
        took_ms = self._clock() - started
        self._counts.count(name or "", outcome, took_ms)
        log.info(
            "request.received",
            source=name,
            outcome=outcome,
            request_id=request_id,
            events=events,
            sender=request.sender,
            took_ms=took_ms,
            **more,
        )


def _address(path: str) -> tuple[str, str | None]:
    """Source and ref of a path below `/in/`; a source that cannot be for a path that is none of ours."""
    parts = path.removeprefix("/in/").strip("/").split("/")
    if len(parts) > 1 and parts[-1] == "callback":
        parts.pop()
    if len(parts) > 2:
        return "", None
    return parts[0], parts[1] if len(parts) == 2 else None
