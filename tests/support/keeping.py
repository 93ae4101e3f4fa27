"""Intake for who can wait."""

from __future__ import annotations

import asyncio

from receiver.contracts import Commits
from receiver.contracts.setup import Setup
from receiver.flows import intake
from receiver.flows.intake import Arrival, Taken


async def keep(store: Commits, setup: Setup, arrival: Arrival) -> Taken:
    """What became of a request, once that is on disk. Raises StoreUnavailable."""
    kept: asyncio.Future[Taken] = asyncio.get_running_loop().create_future()
    intake.keep(store, setup, arrival, lambda result: result.into(kept))
    return await kept
