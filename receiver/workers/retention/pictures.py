"""Retention of pictures: takes our copies away, with what stands beside them, when their jobs are old enough."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
import structlog

from receiver.config import Config
from receiver.contracts import Store, Transaction
from receiver.contracts.pictures import PictureKeeper, keepers_of
from receiver.contracts.setup import Setup
from receiver.flows.archiving import forget_copies
from receiver.lib import ids
from receiver.lib.times import Clock, stamp
from receiver.workers.retention.early import SPENT_PROGRESS, SPENT_REQUESTS, prune_early
from receiver.workers.retention.jobs import Pruner, PruneWork, prune
from receiver.workers.retention.rounds import FIRST, RetentionRounds

log = structlog.get_logger("retention")

#: What an archive's files are called; nothing else in the folder or bucket is ours to take away.
OURS: Final = re.compile(r"\d{4}/\d{2}/(job_[0-9a-z]+)/(job_[0-9a-z]+)/(?:grid|image|tile)-\d{1,3}\.[a-z]{3,4}")
#: Between two jobs others get through, seconds.
PAUSE_S: Final = 0.005
#: Jobs whose pictures came without an address that are looked at in one step.
STEP: Final = 20


class DeletedPictures(msgspec.Struct, frozen=True, kw_only=True):
    """What one round took away."""

    #: Files of archives: pictures and what stands beside them.
    files: int = 0
    #: Jobs that have no copy of ours any more.
    jobs: int = 0


class PicturePruner(RetentionRounds):
    """Takes away the copies of jobs older than the retention, in every archive that is configured."""

    def __init__(
        self,
        store: Store,
        setup: Setup,
        keepers: Mapping[str, PictureKeeper],
        folder: Path,
        retention_s: float,
        clock: Clock,
        *,
        first: float = FIRST,
    ) -> None:
        """`keepers` by the names of their sinks; `folder`: where their relative paths start."""
        super().__init__(clock, first=first)
        self._store = store
        self._setup = setup
        self._keepers = keepers
        self._folder = folder
        self._retention_ms = int(retention_s * 1000)

    async def tidy(self) -> DeletedPictures:
        """One round. Raises StoreUnavailable, OSError."""
        before = self._clock() - self._retention_ms
        # What a person may still be asked about, or an order may follow from, is not old.
        busy = await self._store.read(lambda tx: {kept.job.root_id for kept in tx.open_jobs()})
        files, jobs = 0, await self._without_address(before, busy)
        for sink, keeper in self._keepers.items():
            gone_files, gone_jobs = await self._of_archive(sink, keeper, before, busy)
            files, jobs = files + gone_files, jobs | gone_jobs
        done = DeletedPictures(files=files, jobs=len(jobs))
        log.info("retention.pictures_deleted", before=stamp(before), **msgspec.structs.asdict(done))
        return done

    async def _of_archive(
        self, sink: str, keeper: PictureKeeper, before: int, busy: Collection[str]
    ) -> tuple[int, set[int]]:
        """How many files went, and the jobs that know it. First the job says so, then the files go."""
        files, told, last = 0, set[int](), 0
        async for key in keeper.list_copies(self._folder, _following_month(before)):
            found = OURS.fullmatch(key)
            number = ids.read("job", found[2]) if found else None
            if found is None or number is None or ids.made_at(number) >= before or found[1] in busy:
                continue
            if number != last:
                last = number
                if await self._forget(number, sink):
                    told.add(number)
                await asyncio.sleep(PAUSE_S)
            await keeper.delete_copy(key, self._folder)
            files += 1
        return files, told

    async def _without_address(self, before: int, busy: Collection[str]) -> set[int]:
        """The jobs whose pictures were in the database, and are no more."""
        number, last = await self._store.read(lambda tx: tx.number_at(before)), 0
        gone: set[int] = set()
        while found := await self._store.read(partial(_old_inline, number, last)):
            for job, root in found:
                last = job
                if root not in busy:
                    await self._forget(job, None)
                    gone.add(job)
                    await asyncio.sleep(PAUSE_S)
        return gone

    async def _forget(self, number: int, sink: str | None) -> bool:
        key = self._store.ref_key
        return await self._store.write(lambda tx: forget_copies(tx, self._setup, key, number, sink, self._clock()))


def _old_inline(before: int, after: int, tx: Transaction) -> list[tuple[int, str]]:
    """Jobs whose pictures are in the database, with the ids of their roots."""
    numbers = tx.old_inline_pictures(before, STEP, after)
    return [(number, kept.job.root_id if (kept := tx.job(number)) is not None else "") for number in numbers]


def _following_month(ms: int) -> str:
    """What the keys of the month after this moment begin with."""
    at = datetime.fromtimestamp(ms / 1000, UTC)
    return f"{at.year + at.month // 12:04}/{at.month % 12 + 1:02}"


def rounds_of(store: Store, setup: Setup, config: Config, clock: Clock) -> list[RetentionRounds]:
    """What takes away what a configuration does not keep for ever."""
    rounds: list[RetentionRounds] = []
    work: PruneWork
    if config.retention is not None:
        work = partial(prune, with_requests=config.requests_retention is None)
        rounds.append(Pruner(store, config.retention, clock, work=work))
    if config.requests_retention is not None:
        work = partial(prune_early, SPENT_REQUESTS)
        rounds.append(Pruner(store, config.requests_retention, clock, work=work, what="requests"))
    if config.progress_retention is not None:
        work = partial(prune_early, SPENT_PROGRESS)
        rounds.append(Pruner(store, config.progress_retention, clock, work=work, what="progress"))
    if config.pictures_retention is not None:
        keepers = keepers_of(config.sinks)
        rounds.append(PicturePruner(store, setup, keepers, config.folder, config.pictures_retention, clock))
    return rounds
