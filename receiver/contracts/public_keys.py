"""Public keys that a vendor publishes at an address (JWKS, RFC 7517): they prove its signatures."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec


class FetchedKeys(msgspec.Struct, frozen=True, kw_only=True):
    """The keys that stood at an address."""

    url: str
    #: 32 bytes each (Ed25519).
    keys: tuple[bytes, ...]
    #: Unix ms.
    fetched_at: int


class PublicKeys:
    """The keys of one address, as far as they are known now. A server keeps them fresh; elsewhere there are none."""

    def __init__(self, url: str) -> None:
        self.url = url
        #: 32 bytes each.
        self.keys: tuple[bytes, ...] = ()
        #: Looks at the address again, unless it was looked at a moment ago.
        self.look_again: Callable[[], Awaitable[None]] | None = None

    async def renewed(self) -> bool:
        """Whether there are other keys than a moment ago: asked when a signature fits none of them."""
        before = self.keys
        if self.look_again is not None:
            await self.look_again()
        return self.keys != before
