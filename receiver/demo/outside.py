"""gridhook from outside: what anybody with the admin token can do over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import httpx
import msgspec

from receiver.model.events import Event, decode_event
from receiver.model.jobs import Job
from receiver.views.records import RequestView

T = TypeVar("T")
#: Seconds for one answer.
TIMEOUT: Final = 10.0
#: The most items of a list in one page.
LIMIT: Final = 500


class NotAnswered(Exception):
    """gridhook's API did not do what was asked; the message says what it answered."""


class Api:
    """`/api/v1` of one gridhook. All raise NotAnswered."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def submit(self, source: str, prompt: str) -> Job:
        """`POST /jobs`: orders an imagine."""
        body = {"source": source, "action": "imagine", "params": {"prompt": prompt}}
        return await self._ask(Job, "POST", "/jobs", body)

    async def pick(self, job_id: str, index: int) -> Job:
        """`POST /jobs/{id}/pick`: picks a tile, 1-4."""
        return await self._ask(Job, "POST", f"/jobs/{job_id}/pick", {"index": index})

    async def jobs(self) -> list[Job]:
        """`GET /jobs`, newest first."""
        return await self._list(Job, "/jobs")

    async def events(self) -> list[Event]:
        """`GET /events` that are about jobs, newest first: the forged webhooks make one for the operator."""
        found = [decode_event(msgspec.json.encode(one)) for one in await self._list(dict[str, Any], "/events")]
        return [event for event in found if isinstance(event, Event)]

    async def requests(self) -> list[RequestView]:
        """`GET /requests`: every webhook that was kept, newest first."""
        return await self._list(RequestView, "/requests")

    async def picture(self, url: str) -> bytes:
        """The bytes of a picture, without the token: it is the vendor's address."""
        return (await self._send(httpx.Request("GET", url))).content

    async def stream(self) -> AsyncIterator[Event | None]:
        """`GET /stream`: None once it is open, then every event as it happens."""
        async with self._client.stream("GET", "/stream", timeout=None) as answer:
            if answer.status_code != httpx.codes.OK:
                raise NotAnswered(f"GET /stream: HTTP {answer.status_code}")
            yield None
            async for line in answer.aiter_lines():
                if line.startswith("data: "):
                    event = decode_event(line.removeprefix("data: ").encode())
                    if isinstance(event, Event):
                        yield event

    async def _list(self, kind: type[T], path: str) -> list[T]:
        page = await self._ask(dict[str, Any], "GET", f"{path}?limit={LIMIT}")
        try:
            return msgspec.convert(page.get("items"), list[kind])  # type: ignore[valid-type]  # mypy: type as a value
        except msgspec.ValidationError as wrong:
            raise NotAnswered(f"GET {path}: {wrong}") from None

    async def _ask(self, kind: type[T], method: str, path: str, body: object = None) -> T:
        content = None if body is None else msgspec.json.encode(body)
        answer = await self._send(self._client.build_request(method, path, content=content))
        try:
            return msgspec.json.decode(answer.content, type=kind)
        except msgspec.DecodeError as wrong:
            raise NotAnswered(f"{method} {path}: {wrong}") from None

    async def _send(self, request: httpx.Request) -> httpx.Response:
        asked = f"{request.method} {request.url.path}"
        try:
            answer = await self._client.send(request)
        except httpx.HTTPError as wrong:
            raise NotAnswered(f"{asked}: no answer ({type(wrong).__name__})") from None
        if not answer.is_success:
            raise NotAnswered(f"{asked}: HTTP {answer.status_code} {answer.text[:300]}")
        return answer


@asynccontextmanager
async def outside(base: str, token: str) -> AsyncIterator[Api]:
    """The API of the gridhook at this base URL."""
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(
        base_url=f"{base}/api/v1", headers=headers, timeout=TIMEOUT, trust_env=False
    ) as client:
        yield Api(client)
