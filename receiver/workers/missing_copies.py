"""Copies to an archive what it does not have of jobs that are over, what its vendor drops first before all else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from typing import Final

import msgspec

from receiver.contracts import DeliveryContext, Filters, Page, Sink, Store, Transaction
from receiver.contracts.setup import Setup
from receiver.errors import TransportError
from receiver.flows.archiving import keep_copies
from receiver.flows.poll_times import expires_at
from receiver.lib import ids
from receiver.lib.ids import Ids
from receiver.lib.times import stamp
from receiver.model.deliveries import Again, Delivered, Outcome, OutgoingEvent
from receiver.model.events import Event
from receiver.model.jobs import KeptJob

#: Jobs that are looked at in one read.
PAGE: Final = 200


class CopiedJob(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one job's pictures."""

    job_id: str
    #: Pictures that are in the archive now and were not before.
    copied: int = 0
    #: Why some are not; null = all are there.
    reason: str | None = None
    #: Whether a later try may have them.
    may_come: bool = False


async def missing_jobs(store: Store, setup: Setup, sink: str) -> list[int]:
    """The numbers of completed jobs whose pictures an archive does not have; who is dropped first comes first.

    Raises StoreUnavailable.
    """
    found: list[tuple[int, int]] = []
    following: int | None = None
    while True:
        page = await store.read(partial(_completed, following))
        found += [(_expires(setup, kept), kept.number) for kept in page if _lacks(kept, sink)]
        following = page.next
        if following is None:
            return [number for _, number in sorted(found)]


async def copy_missing(
    store: Store, setup: Setup, sink: Sink, context: DeliveryContext, number: int, made: Ids
) -> CopiedJob:
    """Copies what an archive does not have of a job, and notes it. Raises StoreUnavailable.

    Nobody is told and nothing is ordered because of it: the pictures may be years old.
    """
    kept = await store.read(lambda tx: tx.job(number))
    job_id = ids.show("job", number)
    if kept is None or not _lacks(kept, sink.name):
        return CopiedJob(job_id=job_id)
    outcome = await _delivered(sink, context, kept, made)
    copies = () if isinstance(outcome, Again) else outcome.copies
    known = {(one.kind, one.index) for one in kept.copies if one.sink == sink.name}
    if copies:
        now = context.clock()
        await store.write(
            lambda tx: keep_copies(tx, setup, store.ref_key, number, sink.name, copies, now, quietly=True)
        )
    return CopiedJob(
        job_id=job_id,
        copied=sum((one.kind, one.index) not in known for one in copies),
        reason=None if isinstance(outcome, Delivered) else outcome.note,
        may_come=isinstance(outcome, Again),
    )


async def _delivered(sink: Sink, context: DeliveryContext, kept: KeptJob, made: Ids) -> Outcome:
    event = Event(
        id=ids.show("evt", made.next()),
        source=f"gridhook/{kept.job.source}",
        type="job.completed",
        subject=kept.job.id,
        time=stamp(context.clock()),
        data=kept.job,
    )
    outgoing = OutgoingEvent(
        delivery_id=ids.show("dlv", made.next()), attempt=1, event=event, body=msgspec.json.encode(event)
    )
    try:
        async with asyncio.timeout(sink.timeout):
            return await sink.handler.deliver(outgoing, context) or Delivered()
    except TimeoutError:
        return Again(note=f"not done within {sink.timeout:g} s")
    except TransportError as wrong:
        return Again(note=str(wrong))


def _completed(before: int | None, tx: Transaction) -> Page[KeptJob]:
    return tx.jobs(Filters(status="completed", limit=PAGE, before=before))


def _expires(setup: Setup, kept: KeptJob) -> int:
    """When its vendor drops it, Unix ms; of a source that is not configured any more nothing is known, so: last."""
    source = setup.sources.get(kept.job.source)
    return expires_at(source, kept) if source is not None else 2**62


def _lacks(kept: KeptJob, sink: str) -> bool:
    have = {(one.kind, one.index) for one in kept.copies if one.sink == sink}
    return any(one not in have for one in _pictures(kept))


def _pictures(kept: KeptJob) -> Iterator[tuple[str, int]]:
    if kept.job.grid_url:
        yield "grid", 0
    for image in kept.job.images:
        yield "image", image.index
