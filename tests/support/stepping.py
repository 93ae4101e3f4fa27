"""The real order carrier, one await at a time: every commit and every call waits until a test lets it happen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar

from receiver.contracts import (
    Answer,
    Call,
    Transaction,
    Watch,
)
from receiver.errors import NotSent
from receiver.lib.ids import Ids
from receiver.model.deliveries import Delivery
from receiver.store.sql.choices import ChoicesCache
from receiver.store.sqlite.transaction import SqliteTransaction
from support.empty import empty_in_memory
from support.pretend import Fate, Vendor
from support.world import Clock

T = TypeVar("T")
REF_KEY = b"r" * 32


class Killed(BaseException):
    """The process ends here: what was not committed is gone."""


class Pause:
    """A place where the process may be killed."""

    def __await__(self) -> Generator[Pause]:
        yield self


class SteppedStore:
    """`receiver.contracts.Store` on a database in memory; with `torn`, the next write is killed before its commit."""

    ref_key = REF_KEY

    def __init__(self, clock: Clock) -> None:
        self.torn = False
        self.clock = clock
        self._db = empty_in_memory()
        self._shared = ChoicesCache()
        self._tx = SqliteTransaction(self._db, Ids(clock), self._shared)

    def leads(self) -> bool:
        """There is nobody else."""
        return True

    def life(self) -> int:
        """Always the same: there is nobody else."""
        return 1

    def begin_anew(self) -> None:
        """Another process goes on with the database: what was claimed before is not its own."""
        self._tx.owner += 1

    def view(self, work: Callable[[Transaction], T]) -> T:
        """Reads at once."""
        return work(self._tx)

    def commit(self, work: Callable[[Transaction], T]) -> T:
        """Writes at once. Raises Killed, with nothing written, if the store is `torn`."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            value = work(self._tx)
            if self.torn:
                raise Killed
        except BaseException:
            self._db.execute("ROLLBACK")
            self._shared.forget()
            raise
        self._db.execute("COMMIT")
        return value

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Writes once the test lets it; what was handed over is written though the caller is canceled meanwhile."""
        try:
            await Pause()
        except asyncio.CancelledError:
            self.commit(work)
            raise
        return self.commit(work)

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Reads once the test lets it."""
        await Pause()
        return self.view(work)

    def watch(self) -> Watch:
        """Nothing here waits for commits."""
        raise NotImplementedError

    def close(self) -> None:
        """Forgets everything."""
        self._db.close()


class Line:
    """`receiver.contracts.Transport` to the pretend vendor; it pauses before the call, and before the answer comes."""

    def __init__(self, vendor: Vendor, clock: Clock) -> None:
        self.fate: Fate = "taken"
        self._vendor = vendor
        self._clock = clock

    async def send(
        self, call: Call, seconds: float, *, paid: bool = False, may_go: Callable[[], bool] | None = None
    ) -> Answer:
        """The answer that `fate` says, when the test lets it come."""
        await Pause()
        if may_go is not None and not may_go():
            raise NotSent("it was no longer ours to send")
        answer = self._vendor.hear(call, self.fate, self._clock())
        await Pause()
        if isinstance(answer, Answer):
            return answer
        raise answer

    async def connect(self, url: str, seconds: float) -> str:
        """Always open."""
        return url


class Try:
    """One try at a delivery, under way."""

    def __init__(self, delivery: Delivery, work: Coroutine[Any, Any, None]) -> None:
        self.delivery = delivery
        self.over = False
        self._work = work
        self._step(lambda: work.send(None))

    def go_on(self, steps: int) -> None:
        """Lets so many reads, commits and halves of calls happen."""
        for _ in range(steps):
            if not self.over:
                self._step(lambda: self._work.send(None))

    def interrupt(self, wrong: BaseException) -> None:
        """Cancels it, as a shutdown does; what it still writes is up to `go_on`."""
        self._step(lambda: self._work.throw(wrong))

    def vanish(self) -> None:
        """Its process is no more."""
        self.over = True
        self._work.close()

    def _step(self, step: Callable[[], object]) -> None:
        try:
            step()
        except (StopIteration, asyncio.CancelledError):
            self.over = True
