"""`POST /in/{source}[/{ref}]`: raw ASGI, since this is where every webhook passes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec
import structlog
from starlette.types import Message, Receive, Scope, Send

from receiver import intake
from receiver.advance import Setup
from receiver.contracts import Request, Source, Store
from receiver.errors import StoreUnavailable
from receiver.intake import Taken
from receiver.times import Clock
from receiver.web.problems import problem_body

log = structlog.get_logger("ingest")

#: The most that headers may take together, bytes, and how long a sender may take over its body, seconds.
MAX_HEADERS: Final = 32 * 1024
BODY_SECONDS: Final = 30.0
#: Counts what became of a request: source and outcome.
Count = Callable[[str, str], None]

JSON: Final = b"application/json"
PROBLEM: Final = b"application/problem+json"


class Refusal(Exception):
    """A request that is not taken: its answer."""

    def __init__(self, status: int, code: str, detail: str, headers: Mapping[bytes, bytes] | None = None) -> None:
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        super().__init__(code)


class Ingest:
    """Takes webhooks: size limit, verification, parse, commit, answer."""

    def __init__(self, store: Store, setup: Setup, clock: Clock, max_body: int, count: Count) -> None:
        self._store = store
        self._setup = setup
        self._clock = clock
        self._max_body = max_body
        self._count = count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI call. Whatever comes in, the answer is one of the table in the design."""
        started = self._clock()
        name, token = _address(scope)
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
            await _answer(send, 503, body, PROBLEM, {b"retry-after": b"5"})
            return
        self._note(source, "duplicate" if taken.duplicate else taken.state, started, taken)
        await _answer_taken(send, taken)

    async def _take(
        self, scope: Scope, receive: Receive, source: Source | None, token: str | None, now: int
    ) -> Taken:
        if source is None:
            raise Refusal(404, "no_such_source", "there is no such source")
        if scope["method"] != "POST":
            raise Refusal(405, "method_not_allowed", "webhooks are POSTed", {b"allow": b"POST"})
        headers = _headers(scope)
        body = await _body(receive, headers, self._max_body)
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


def _address(scope: Scope) -> tuple[str, str | None]:
    """Source and ref of a path below `/in`; a source that cannot be for a path that is none of ours."""
    path: str = scope["path"][len(scope.get("root_path", "")) :]
    parts = path.strip("/").split("/") if path.strip("/") else [""]
    if len(parts) > 1 and parts[-1] == "callback":
        parts.pop()
    if len(parts) > 2:
        return "", None
    return parts[0], parts[1] if len(parts) == 2 else None


def _headers(scope: Scope) -> dict[str, str]:
    if sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEADERS:
        raise Refusal(431, "headers_too_large", f"the headers are larger than {MAX_HEADERS} bytes")
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if name in headers and headers[name] != value:
            value = f"{headers[name]}, {value}"
        headers[name] = value
    return headers


async def _body(receive: Receive, headers: Mapping[str, str], limit: int) -> bytes:
    announced = headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced[:20]) > limit:
        raise _too_large(limit)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _read(receive, limit)
    except TimeoutError:
        raise Refusal(408, "too_slow", f"the body did not arrive within {BODY_SECONDS:g} s") from None


async def _read(receive: Receive, limit: int) -> bytes:
    message: Message = await receive()
    if not message.get("more_body") and message["type"] == "http.request":
        body: bytes = message.get("body", b"")
        if len(body) > limit:
            raise _too_large(limit)
        return body
    chunks = bytearray()
    while True:
        if message["type"] == "http.disconnect":
            raise Refusal(400, "cut_short", "the sender hung up before the body was whole")
        chunks += message.get("body", b"")
        if len(chunks) > limit:
            raise _too_large(limit)
        if not message.get("more_body"):
            return bytes(chunks)
        message = await receive()


def _too_large(limit: int) -> Refusal:
    return Refusal(413, "too_large", f"the body is larger than {limit} bytes", {b"connection": b"close"})


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
    headers: Mapping[bytes, bytes] | None = None,
) -> None:
    length = str(len(body)).encode()
    listed = [(b"content-type", content_type), (b"content-length", length), *(headers or {}).items()]
    await send({"type": "http.response.start", "status": status, "headers": listed})
    await send({"type": "http.response.body", "body": body})
