"""Intake for who can wait."""

from __future__ import annotations

import asyncio

from receiver.contracts import HookedStore
from receiver.contracts.setup import Setup
from receiver.flows import intake
from receiver.flows.intake import IntakeResult, ReadRequest


async def keep(store: HookedStore, setup: Setup, arrival: ReadRequest) -> IntakeResult:
    """What became of a request, once that is on disk. Raises StoreUnavailable."""
    kept: asyncio.Future[IntakeResult] = asyncio.get_running_loop().create_future()
    intake.keep(store, setup, arrival, lambda result: result.into(kept))
    return await kept
