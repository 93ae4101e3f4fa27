"""How often somebody may try a token."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final, NamedTuple

#: So many wrong tokens may come from one place at once; after that one in so many seconds.
TRIES: Final = 5
EVERY_S: Final = 60
#: So many places are remembered; a new one takes the place of the one that tried longest ago.
PLACES: Final = 1000


class Tries(NamedTuple):
    """What a place has left."""

    left: int
    #: When it was last counted, Unix ms.
    at: int


class LoginLimit:
    """Counts wrong tokens by the address they come from (of IPv6 its network)."""

    def __init__(self) -> None:
        self._tries: dict[str, Tries] = {}

    def wait_s(self, address: str, now_ms: int) -> int:
        """Seconds until the next try is looked at; 0 = now."""
        tries = self._of(_place(address), now_ms)
        return 0 if tries.left > 0 else max(1, EVERY_S - (now_ms - tries.at) // 1000)

    def left(self, address: str, now_ms: int) -> int:
        """How many wrong tokens may still come."""
        return self._of(_place(address), now_ms).left

    def count(self, address: str, now_ms: int) -> None:
        """A wrong token came."""
        place = _place(address)
        tries = self._of(place, now_ms)
        self._tries.pop(place, None)
        self._tries[place] = Tries(max(0, tries.left - 1), now_ms if tries.left == TRIES else tries.at)
        while len(self._tries) > PLACES:
            del self._tries[next(iter(self._tries))]

    def forget(self, address: str) -> None:
        """A right token came."""
        self._tries.pop(_place(address), None)

    def _of(self, place: str, now_ms: int) -> Tries:
        tries = self._tries.get(place)
        if tries is None or now_ms < tries.at:
            return Tries(TRIES, now_ms)
        regained = (now_ms - tries.at) // (EVERY_S * 1000)
        if tries.left + regained >= TRIES:
            return Tries(TRIES, now_ms)
        return Tries(tries.left + regained, tries.at + regained * EVERY_S * 1000)


def _place(address: str) -> str:
    try:
        found = ip_address(address)
    except ValueError:
        return address[:100]
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return str(ip_network((found, 64), strict=False))
    return str(found)
