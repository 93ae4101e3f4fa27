"""The other end of a webhook: a receiver that keeps what arrives and answers as told."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from receiver.pretend.book import LIMIT


class ReceivedPost(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook that arrived."""

    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        """The JSON value. Raises msgspec.DecodeError if it is none."""
        return msgspec.json.decode(self.raw)


class PostCollector:
    """Takes any POST. `app` is the ASGI application, `posts` what came, oldest first."""

    def __init__(self, statuses: Iterable[int] = ()) -> None:
        """`statuses` are the answers to the first webhooks; later ones get 200."""
        self.posts: Final[deque[ReceivedPost]] = deque(maxlen=LIMIT)
        self.statuses: Final[deque[int]] = deque(statuses)
        self.app = Starlette(routes=[Route("/{path:path}", self._take, methods=["POST"])])

    async def _take(self, request: Request) -> Response:
        self.posts.append(ReceivedPost(path=request.url.path, headers=dict(request.headers), raw=await request.body()))
        return Response(status_code=self.statuses.popleft() if self.statuses else 200)
