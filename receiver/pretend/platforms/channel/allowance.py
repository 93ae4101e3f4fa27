"""How many calls a pretend platform takes: some at once, then as many a second as it lets in."""

from __future__ import annotations

from collections.abc import Callable


class Allowance:
    """Room for calls, that fills up again as time goes by."""

    def __init__(self, size: int, per_s: float, seconds: Callable[[], float]) -> None:
        """`size` calls may come at once; `seconds` is a clock that only goes forward."""
        self.size = size
        self._per_s = per_s
        self._seconds = seconds
        self._room = float(size)
        self._at = seconds()

    def take(self) -> float:
        """0 if a call may come now, which uses the room for it; else for how many seconds none may."""
        self._fill()
        if self._room < 1:
            return self.until_next()
        self._room -= 1
        return 0.0

    @property
    def left(self) -> int:
        """How many calls may come at once now."""
        self._fill()
        return int(self._room)

    def until_next(self) -> float:
        """Seconds until there is room for another call."""
        self._fill()
        return max(0.0, (1 - self._room) / self._per_s)

    def _fill(self) -> None:
        now = self._seconds()
        self._room = min(float(self.size), self._room + (now - self._at) * self._per_s)
        self._at = now
