"""Fetches the public keys of vendors that publish them: at the start, each day, and when a signature fits none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final

import structlog

from receiver.contracts import Call, FetchedKeys, PublicKeys, Store, Transaction, Transport
from receiver.contracts.setup import Setup
from receiver.errors import NotJson, StoreUnavailable, TransportError
from receiver.lib.ed25519 import ed25519_keys
from receiver.lib.times import Clock

log = structlog.get_logger("keys")

#: How long keys are used before they are fetched again, ms (fal documents a day), and the wait after a failure.
FRESH_MS: Final = 24 * 3600 * 1000
RETRY_MS: Final = 5 * 60 * 1000
#: Between two fetches that signatures with unknown keys ask for, ms: anybody can send such a signature.
GAP_MS: Final = 30_000
#: For how long a webhook waits for keys, and how long a fetch may take, seconds.
PATIENCE: Final = 5.0
TIMEOUT: Final = 15.0
#: Bytes of a list of keys.
LONGEST: Final = 64 * 1024


class KeyFetcher:
    """Keeps the public keys of all sources fresh. What was fetched is kept in the database too."""

    def __init__(self, store: Store, setup: Setup, transport: Callable[[], Transport], clock: Clock) -> None:
        """`transport` returns what carries the calls; it is asked when there is something to fetch."""
        self._store = store
        self._setup = setup
        self._transport = transport
        self._clock = clock
        #: By address; None = none were ever fetched.
        self._known: dict[str, FetchedKeys | None] = {}
        self._tried_at: dict[str, int] = {}
        self._fetches: dict[str, asyncio.Task[None]] = {}
        self._changed = asyncio.Event()

    async def start(self) -> None:
        """Takes what was fetched before, then begins. Raises StoreUnavailable."""
        await self._read_kept()
        self._loop = asyncio.create_task(self._run(), name="keys")

    def adopt(self, setup: Setup) -> None:
        """Goes by another configuration from here on."""
        self._setup = setup
        self._hand_out()
        self._changed.set()

    async def stop(self) -> None:
        """Ends; a webhook that waits for keys is answered without them."""
        tasks = [self._loop, *self._fetches.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _holders(self) -> list[PublicKeys]:
        return [source.public_keys for source in self._setup.sources.values() if source.public_keys is not None]

    async def _read_kept(self) -> None:
        """Reads what was fetched before, by this process or an earlier one, and hands it out."""
        for holder in self._holders():
            if holder.url not in self._known:
                self._known[holder.url] = await self._store.read(partial(_kept, holder.url))
        self._hand_out()

    def _hand_out(self) -> None:
        """Gives every source the keys that are known of its address."""
        for holder in self._holders():
            holder.keys = self._known_keys(holder.url)
            holder.look_again = partial(self._look_again, holder.url)

    async def _look_again(self, url: str) -> None:
        """Fetches the keys of an address unless that was done a moment ago, and waits a little for them."""
        if url not in self._fetches and 0 <= self._clock() - self._tried_at.get(url, -GAP_MS) < GAP_MS:
            return
        await asyncio.wait([self._fetching(url)], timeout=PATIENCE)

    def _fetching(self, url: str) -> asyncio.Task[None]:
        """The one fetch of an address that is under way."""
        task = self._fetches.get(url)
        if task is None:
            self._tried_at[url] = self._clock()
            task = self._fetches[url] = asyncio.create_task(self._fetch(url), name="fetch keys")
            task.add_done_callback(lambda _: self._fetches.pop(url, None))
        return task

    async def _run(self) -> None:
        while True:
            try:
                wait = await self._round()
            except StoreUnavailable as wrong:
                log.error("keys.wait", reason=str(wrong))
                wait = RETRY_MS / 1000
            except Exception as wrong:  # a fault here must not end the fetching for good
                log.exception("keys.broke", error=repr(wrong))
                wait = RETRY_MS / 1000
            # Not wait_for: before Python 3.12 it swallows a cancellation that comes along with the event.
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._changed.wait()

    async def _round(self) -> float | None:
        """Fetches what is due; returns the seconds until something is, None = nothing will be."""
        self._changed.clear()
        await self._read_kept()
        urls = {holder.url for holder in self._holders()}
        now = self._clock()
        late = [self._fetching(url) for url in urls if self._due_at(url) <= now]
        for fetch in late:
            await fetch
        return max(0.0, min(self._due_at(url) for url in urls) - now) / 1000 if urls else None

    def _due_at(self, url: str) -> int:
        """When the keys of an address are to be fetched by themselves, Unix ms."""
        now = self._clock()
        known, tried = self._known.get(url), self._tried_at.get(url)
        # What lies ahead was noted before the clock was set back.
        fresh_until = known.fetched_at + FRESH_MS if known is not None and known.fetched_at <= now else 0
        return max(fresh_until, tried + RETRY_MS if tried is not None and tried <= now else 0)

    async def _fetch(self, url: str) -> None:
        """Fetches the keys of an address; where that fails, the known ones stay."""
        try:
            answer = await self._transport().send(Call(method="GET", url=url, max_answer=LONGEST), TIMEOUT)
            keys = ed25519_keys(answer.body) if answer.status == 200 else ()
            trouble = None if keys else f"HTTP {answer.status} without an Ed25519 key"
        except (TransportError, NotJson) as wrong:
            keys, trouble = (), str(wrong)
        before = self._known_keys(url)
        if trouble is not None:
            log.warning("keys.not_fetched", url=url, reason=trouble, known=len(before))
            return
        fetched = self._known[url] = FetchedKeys(url=url, keys=keys, fetched_at=self._clock())
        self._hand_out()
        log.info("keys.fetched", url=url, keys=len(keys), changed=keys != before)
        try:
            await self._store.write(lambda tx: tx.put_fetched_keys(fetched))
        except StoreUnavailable as wrong:
            log.error("keys.not_kept", url=url, reason=str(wrong))

    def _known_keys(self, url: str) -> tuple[bytes, ...]:
        known = self._known.get(url)
        return known.keys if known is not None else ()


def _kept(url: str, tx: Transaction) -> FetchedKeys | None:
    return tx.fetched_keys(url)
