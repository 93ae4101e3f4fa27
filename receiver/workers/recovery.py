"""Recovery: what a dispatcher that is gone had claimed is taken back, at the start and while others run."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from receiver.contracts import Store, Transaction
from receiver.contracts.setup import Setup
from receiver.errors import StoreUnavailable
from receiver.workers.order_outcomes import recover

log = structlog.get_logger("dispatch")

#: Between two looks, seconds.
EVERY: Final = 5.0


class Recovery:
    """Ends the leases of dispatchers that are gone, where this process leads."""

    def __init__(self, store: Store, setup: Setup, *, every: float = EVERY) -> None:
        """`every`: seconds between two looks."""
        self._store = store
        self._setup = setup
        self._every = every

    def adopt(self, setup: Setup) -> None:
        """Goes by another configuration from here on."""
        self._setup = setup

    async def start(self) -> None:
        """Takes back what is lost by now, then goes on looking. Raises StoreUnavailable."""
        await self._take_back()
        self._loop = asyncio.create_task(self._run(), name="recovery")

    async def stop(self) -> None:
        """Ends."""
        self._loop.cancel()
        await asyncio.gather(self._loop, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._every)
            try:
                # Nothing is written as long as nothing is lost.
                if self._store.leads() and await self._store.read(self._is_any_lost):
                    await self._take_back()
            except StoreUnavailable as wrong:
                log.error("recovery.waits", reason=str(wrong))
            except Exception as wrong:  # a fault here must not end the recovery for good
                log.exception("recovery.broke", error=repr(wrong))

    def _is_any_lost(self, tx: Transaction) -> bool:
        return bool(tx.lost(self._store.clock()))

    async def _take_back(self) -> None:
        setup = self._setup
        count = await self._store.write(lambda tx: recover(tx, setup, self._store.clock()))
        if count:
            log.warning("leases.lost", deliveries=count)
