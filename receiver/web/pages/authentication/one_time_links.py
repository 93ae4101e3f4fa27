"""Links that sign somebody in once: for who started the server and sits before it."""

from __future__ import annotations

import secrets
from typing import Final

#: How long such a link is good for, ms, and how many there are at a time.
LASTS_MS: Final = 600_000
MOST: Final = 20


class OneTimeLinks:
    """Makes and takes the codes of such links. They are kept in memory: a restart ends them."""

    def __init__(self) -> None:
        #: Until when each is good, Unix ms.
        self._until: dict[str, int] = {}

    def make(self, now_ms: int) -> str:
        """A new code."""
        while len(self._until) >= MOST:
            del self._until[next(iter(self._until))]
        code = secrets.token_urlsafe(24)
        self._until[code] = now_ms + LASTS_MS
        return code

    def take(self, code: str, now_ms: int) -> bool:
        """True if this is a code that is still good; it is so once."""
        until = self._until.pop(code, None)
        return until is not None and now_ms < until
