"""Waits for news without polling."""

from __future__ import annotations

import asyncio

from receiver.contracts import Watch


async def news(watch: Watch, stopping: asyncio.Event, seconds: float) -> bool:
    """Waits for a commit, for the end of the process, or for the time to run out; True if it was a commit."""
    commit = asyncio.ensure_future(watch.wait(seconds))
    end = asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait((commit, end), return_when=asyncio.FIRST_COMPLETED)
        return commit.done() and commit.result()
    finally:
        commit.cancel()
        end.cancel()
