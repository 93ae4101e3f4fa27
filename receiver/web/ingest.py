"""`POST /in/{source}[/{ref}]`: raw ASGI, since this is where every webhook passes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec
import structlog
from starlette.types import Receive, Scope, Send

from receiver import intake
from receiver.advance import Setup
from receiver.contracts import Request, Source, Store
from receiver.errors import StoreUnavailable
from receiver.intake import Taken
from receiver.times import Clock
from receiver.web.bodies import BODY_SECONDS, Bodies, Refusal, read_headers
from receiver.web.guard import SAFE_HEADERS
from receiver.web.problems import problem_body

log = structlog.get_logger("ingest")

#: Counts what became of a request: source and outcome.
Count = Callable[[str, str], None]

JSON: Final = b"application/json"
PROBLEM: Final = b"application/problem+json"
SAFE: Final = tuple(SAFE_HEADERS.items())


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
        self._store = store
        self._setup = setup
        self._clock = clock
        self._bodies = Bodies(max_body, body_seconds)
        self._count = count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI call for a path below `/in/`. Whatever comes in, the answer is one of the table in the design."""
        started = self._clock()
        name, token = _address(scope["path"])
        source = self._setup.sources.get(name)
        try:
            taken = await self._take(scope, receive, source, token, started)
        except Refusal as no:
            self._note(source, no.code, started)
            await _answer(send, no.status, problem_body(no.status, no.code, no.detail), PROBLEM, no.headers)
            return
        except StoreUnavailable as wrong:
            self._note(source, "unavailable", started, reason=str(wrong))
            body = problem_body(503, "unavailable", "it cannot be kept now; send it again")
            await _answer(send, 503, body, PROBLEM, {"retry-after": "5"})
            return
        except Exception:  # nothing of a fault is told outside
            log.exception("intake.broke", source=name if source else None)
            await _answer(send, 500, problem_body(500, "internal", "this is a fault of gridhook"), PROBLEM)
            return
        self._note(source, "duplicate" if taken.duplicate else taken.state, started, taken)
        await _answer_taken(send, taken)

    async def _take(self, scope: Scope, receive: Receive, source: Source | None, token: str | None, now: int) -> Taken:
        if source is None:
            raise Refusal(404, "no_such_source", "there is no such source")
        if scope["method"] != "POST":
            raise Refusal(405, "method_not_allowed", "webhooks are POSTed", {"allow": "POST"})
        headers = read_headers(scope["headers"])
        body = await self._bodies.read(receive, headers)
        request = Request(source=source.name, headers=headers, body=body, path_token=token, received_at=now)
        verified = intake.verify(request, source, self._store.ref_key)
        if verified is None:
            raise Refusal(401, "not_verified", "the request is not verified")
        return await intake.keep(self._store, self._setup, intake.read(request, verified, source))

    def _note(
        self, source: Source | None, outcome: str, started: int, taken: Taken | None = None, **more: object
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


def _address(path: str) -> tuple[str, str | None]:
    """Source and ref of a path below `/in/`; a source that cannot be for a path that is none of ours."""
    parts = path.removeprefix("/in/").strip("/").split("/")
    if len(parts) > 1 and parts[-1] == "callback":
        parts.pop()
    if len(parts) > 2:
        return "", None
    return parts[0], parts[1] if len(parts) == 2 else None


async def _answer_taken(send: Send, taken: Taken) -> None:
    if taken.state == "unreadable":
        body = problem_body(400, "not_json", taken.note or "not JSON", request=taken.request)
        await _answer(send, 400, body, PROBLEM)
        return
    answer = {"request": taken.request, "events": taken.events, "duplicate": taken.duplicate}
    await _answer(send, 200, msgspec.json.encode(answer), JSON)


async def _answer(
    send: Callable[[Any], Awaitable[None]],
    status: int,
    body: bytes,
    content_type: bytes,
    headers: Mapping[str, str] | None = None,
) -> None:
    length = str(len(body)).encode()
    listed = [(b"content-type", content_type), (b"content-length", length), *SAFE]
    listed += [(name.encode("latin-1"), value.encode("latin-1")) for name, value in (headers or {}).items()]
    await send({"type": "http.response.start", "status": status, "headers": listed})
    await send({"type": "http.response.body", "body": body})
