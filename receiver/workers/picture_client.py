"""Fetches pictures by the addresses that jobs tell: from vendors, or what vendors sent with a webhook or an answer."""

from __future__ import annotations

from collections.abc import Callable

from receiver.contracts import Answer, ForeignClient, Store
from receiver.errors import ForeignRefused
from receiver.model.inline_pictures import inline_sha256


class PictureClient:
    """A `ForeignClient`. The one for vendors is made when it is first needed."""

    def __init__(self, make: Callable[[], ForeignClient], store: Store) -> None:
        self._make = make
        self._client: ForeignClient | None = None
        self._store = store

    async def fetch(self, url: str, seconds: float, max_bytes: int) -> Answer:
        """The picture's bytes as an answer. Raises ForeignRefused, TransportError, StoreUnavailable."""
        sha256 = inline_sha256(url)
        if sha256 is not None:
            return await self._kept(sha256, max_bytes)
        if self._client is None:
            self._client = self._make()
        return await self._client.fetch(url, seconds, max_bytes)

    async def _kept(self, sha256: bytes, max_bytes: int) -> Answer:
        body = await self._store.read(lambda tx: tx.inline_picture(sha256))
        if body is None:
            raise ForeignRefused("status", "the picture that was sent is not kept any more", 410)
        if len(body) > max_bytes:
            raise ForeignRefused("too_long", f"the picture that was sent is longer than {max_bytes} bytes")
        return Answer(status=200, body=body)
