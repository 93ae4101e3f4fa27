from __future__ import annotations

import asyncio

from receiver.lib.signal import Signal


async def test_whoever_waits_looks_again_at_every_ring_until_it_finds_something() -> None:
    signal, looked = Signal(), asyncio.Event()
    found: list[str] = []

    def look() -> str | None:
        looked.set()
        return found[0] if found else None

    waiting = asyncio.create_task(signal.until(look))
    for _ in range(2):
        await asyncio.wait_for(looked.wait(), 30)
        looked.clear()
        signal.ring()
    await asyncio.wait_for(looked.wait(), 30)
    found.append("it")
    assert not waiting.done()
    signal.ring()
    assert await asyncio.wait_for(waiting, 30) == "it"
