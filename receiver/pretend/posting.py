"""Posts webhooks and writes down what became of each try."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import httpx
import msgspec

from receiver.pretend.book import LIMIT
from receiver.pretend.options import (
    EventKind,
    Post,
    WebhookTarget,
)


class Postman:
    """Brings webhooks to their receiver, with the vendor's habits of trying again."""

    def __init__(self, *, four_is_final: bool, on_event: Callable[[], None]) -> None:
        """`four_is_final`: a 4xx ends the tries. `on_event` is called after every try."""
        self.posts: deque[Post] = deque(maxlen=LIMIT)
        self._four_is_final = four_is_final
        self._noted = on_event
        #: Called for each try with what became of it.
        self.on_post: Callable[[Post], None] = lambda _: None
        self._client: httpx.AsyncClient | None = None

    async def deliver(
        self,
        hook: WebhookTarget,
        job_id: str,
        kind: EventKind,
        waits: tuple[float, ...],
        timeout: float,  # noqa: ASYNC109 - handed on to httpx
    ) -> bool:
        """Tries until a 2xx, a final no or the end of `waits` (seconds between tries); whether it arrived."""
        for attempt, wait in enumerate((0.0, *waits), 1):
            await asyncio.sleep(wait)
            status = await self._post(hook, timeout)
            self._note(hook.posted(status, job_id, kind, attempt))
            if status is not None and httpx.codes.is_success(status):
                return True
            if status is not None and httpx.codes.is_client_error(status) and self._four_is_final:
                return False
        return False

    async def forge(self, hook: WebhookTarget, job_id: str, kind: EventKind, timeout: float) -> None:  # noqa: ASYNC109 - handed on to httpx
        """Posts a forgery, once."""
        status = await self._post(hook, timeout)
        self._note(msgspec.structs.replace(hook.posted(status, job_id, kind, 1), forged=True))

    async def close(self) -> None:
        """Closes its connections; a later post opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _post(self, hook: WebhookTarget, seconds: float) -> int | None:
        if self._client is None:
            self._client = httpx.AsyncClient(trust_env=False)
        headers = {"content-type": "application/json", **hook.headers}
        try:
            answer = await self._client.post(hook.url, content=hook.body, headers=headers, timeout=seconds)
        except (httpx.HTTPError, httpx.InvalidURL):
            return None
        return answer.status_code

    def _note(self, post: Post) -> None:
        self.posts.append(post)
        self.on_post(post)
        self._noted()
