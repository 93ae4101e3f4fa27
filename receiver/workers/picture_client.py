"""Fetches pictures by the addresses that jobs tell."""

from __future__ import annotations

from collections.abc import Callable

from receiver.contracts import Answer, ForeignClient


class PictureClient:
    """A `ForeignClient` that is made when the first picture is fetched."""

    def __init__(self, make: Callable[[], ForeignClient]) -> None:
        self._make = make
        self._client: ForeignClient | None = None

    async def fetch(self, url: str, seconds: float, max_bytes: int) -> Answer:
        """The picture's bytes as an answer. Raises ForeignRefused, TransportError."""
        if self._client is None:
            self._client = self._make()
        return await self._client.fetch(url, seconds, max_bytes)
