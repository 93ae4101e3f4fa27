"""`POST /in/{source}[/{ref}]`: what becomes of a webhook, and what its sender is answered.

Every webhook passes here, in one of two ways: whole, straight from its connection (`connection.py`), or as a raw ASGI
call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

import msgspec
import structlog
from starlette.types import Receive, Scope, Send

from receiver.contracts import Request, Source, Store
from receiver.contracts.setup import Setup
from receiver.errors import StoreUnavailable, Unverified
from receiver.flows import intake
from receiver.flows.intake import IntakeResult
from receiver.lib.times import Clock
from receiver.web.guard import SAFE_HEADERS
from receiver.web.ingest.bodies import BODY_SECONDS, Bodies, read_headers
from receiver.web.problems import Refusal, problem_body

log = structlog.get_logger("ingest")

#: Counts what became of a request: source and outcome.
Count = Callable[[str, str], None]

JSON: Final = b"application/json"
PROBLEM: Final = b"application/problem+json"
SAFE: Final = tuple(SAFE_HEADERS.items())
_ENCODER: Final = msgspec.json.Encoder()


class IngestReply(NamedTuple):
    """What a sender is answered."""

    status: int
    body: bytes
    content_type: bytes = PROBLEM
    #: Besides those about the body and the safe ones.
    headers: Mapping[str, str] = {}

    def header_lines(self) -> tuple[tuple[bytes, bytes], ...]:
        """All headers but the body's length."""
        known = ((b"content-type", self.content_type), *SAFE)
        if not self.headers:
            return known
        more = ((name.encode("latin-1"), value.encode("latin-1")) for name, value in self.headers.items())
        return (*known, *more)


class Ingest:
    """Takes webhooks: size limit, verification, parse, commit, answer."""

    def __init__(
        self,
        store: Store,
        setup: Setup,
        clock: Clock,
        max_body: int,
        count: Count,
        body_seconds: float = BODY_SECONDS,
    ) -> None:
        self.max_body = max_body
        self._store = store
        self._setup = setup
        self._clock = clock
        self._bodies = Bodies(max_body, body_seconds)
        self._count = count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI call for a path below `/in/`. Whatever comes in, the answer is one of the table in the design."""
        reply = await self._called(scope, receive)
        headers = [*reply.header_lines(), (b"content-length", b"%d" % len(reply.body))]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})

    async def _called(self, scope: Scope, receive: Receive) -> IngestReply:
        started = self._clock()
        name, token = _address(scope["path"])
        source = self._setup.sources.get(name)
        try:
            known = _known(source)
            if scope["method"] != "POST":
                raise Refusal(405, "method_not_allowed", "webhooks are POSTed", {"allow": "POST"})
            headers = read_headers(scope["headers"])
            body = await self._bodies.read(receive, headers)
        except Refusal as no:
            return self._refused(source, started, no)
        return await self._received(known, token, headers, body, started)

    async def post(self, path: str, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> IngestReply:
        """The answer to a POST that has arrived as a whole, its body no larger than `max_body`.

        Whatever comes in, the answer is one of the table in the design.
        """
        started = self._clock()
        name, token = _address(path)
        source = self._setup.sources.get(name)
        try:
            known = _known(source)
            named = read_headers(headers)
        except Refusal as no:
            return self._refused(source, started, no)
        return await self._received(known, token, named, body, started)

    async def _received(
        self, source: Source, token: str | None, headers: dict[str, str], body: bytes, started: int
    ) -> IngestReply:
        request = Request(source=source.name, headers=headers, body=body, path_token=token, received_at=started)
        try:
            result = await intake.receive(request, source, self._store, self._setup)
        except Unverified as no:
            return self._refused(source, started, Refusal(401, no.code, "the request is not verified"))
        except StoreUnavailable as wrong:
            self._note(source, "unavailable", started, reason=str(wrong))
            body = problem_body(503, "unavailable", "it cannot be kept now; send it again")
            return IngestReply(503, body, headers={"retry-after": "5"})
        except Exception:  # nothing of a fault is told outside
            log.exception("intake.broke", source=source.name)
            return IngestReply(500, problem_body(500, "internal", "this is a fault of gridhook"))
        return self._kept(source, started, result)

    def _kept(self, source: Source, started: int, taken: IntakeResult) -> IngestReply:
        self._note(source, "duplicate" if taken.duplicate else taken.state, started, taken)
        if taken.state == "unreadable":
            return IngestReply(400, problem_body(400, "not_json", taken.note or "not JSON", request=taken.request))
        answer = {"request": taken.request, "events": taken.events, "duplicate": taken.duplicate}
        return IngestReply(200, _ENCODER.encode(answer), JSON)

    def _refused(self, source: Source | None, started: int, no: Refusal) -> IngestReply:
        self._note(source, no.code, started)
        return IngestReply(no.status, problem_body(no.status, no.code, no.detail), headers=no.headers)

    def _note(
        self, source: Source | None, outcome: str, started: int, taken: IntakeResult | None = None, **more: object
    ) -> None:
        self._count(source.name if source else "", outcome)
        log.info(
            "request.received",
            source=source.name if source else None,
            outcome=outcome,
            request_id=taken.request if taken else None,
            events=taken.events if taken else 0,
            took_ms=self._clock() - started,
            **more,
        )


def _known(source: Source | None) -> Source:
    if source is None:
        raise Refusal(404, "no_such_source", "there is no such source")
    return source


def _address(path: str) -> tuple[str, str | None]:
    """Source and ref of a path below `/in/`; a source that cannot be for a path that is none of ours."""
    parts = path.removeprefix("/in/").strip("/").split("/")
    if len(parts) > 1 and parts[-1] == "callback":
        parts.pop()
    if len(parts) > 2:
        return "", None
    return parts[0], parts[1] if len(parts) == 2 else None
