"""Lets one part of a program wait for what another part does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Signal:
    """Rung after every change; whoever waits looks again."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wakes all who wait."""
        self._rung.set()
        self._rung = asyncio.Event()

    async def until(self, find: Callable[[], T | None]) -> T:
        """Waits until `find()` returns something other than None, and returns that."""
        while (found := find()) is None:
            await self._rung.wait()
        return found
