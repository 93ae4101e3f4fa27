"""Requests and progress go before their jobs; nothing that a job needs which is not over ever does."""

from __future__ import annotations

import asyncio
from contextlib import closing
from typing import Any, Final

import msgspec
import psycopg
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.contracts import Filters, Pruned, Transaction
from receiver.lib import ids
from receiver.model.jobs import TERMINAL, Status
from receiver.store.sql.statements import Statements
from receiver.workers.retention.early import (
    SPENT_PROGRESS,
    SPENT_REQUESTS,
    EarlyRows,
    prune_early,
    would_prune_early,
)
from support.records import NOW, a_job
from support.retained import DAY, Direct, EmptiedStore, Numbers, hasty, orphans
from support.stepping import Killed

KEPT_DAYS: Final = 2
CUT: Final = ids.first_at(NOW - KEPT_DAYS * DAY)
LANE: Final = "sink:team"


class SentProgress(msgspec.Struct, frozen=True):
    """A progress event, whether a request told of it, and the delivery that it has."""

    days: int
    is_told: bool
    #: None = it has no delivery.
    state: str | None
    has_receipt: bool


class Lived(msgspec.Struct, frozen=True):
    """A job, its progress, and whether it stands in its newest progress event."""

    status: Status
    progress: tuple[SentProgress, ...]
    stands_in_progress: bool


STEPS = st.builds(
    SentProgress,
    days=st.sampled_from([9, 8, 5, 3, 1]),
    is_told=st.booleans(),
    state=st.sampled_from([None, "done", "done", "dead", "pending", "running"]),
    has_receipt=st.booleans(),
)
LIVES = st.builds(
    Lived,
    status=st.sampled_from(["completed", "completed", "failed", "canceled", "running", "unsure", "held"]),
    progress=st.lists(STEPS, max_size=5).map(lambda steps: tuple(sorted(steps, key=lambda one: -one.days))),
    stands_in_progress=st.sampled_from([False, False, True]),
)


class Past:
    """Jobs in a database, and what of them may go."""

    def __init__(self, tx: Any, lives: list[Lived]) -> None:
        self.tx: Transaction = tx
        self.db: Statements = tx._db
        self.numbers = Numbers()
        self.jobs: list[int] = []
        self.going: dict[str, set[int]] = {"requests": set(), "events": set(), "deliveries": set()}
        for life in lives:
            self._live(life)

    def _live(self, life: Lived) -> None:
        job = self.numbers.at(10)
        self.tx.add_job(a_job(job, status=life.status, intent=f"intent {job}", provider_job_id=f"task {job}"))
        self.jobs.append(job)
        is_over = life.status in TERMINAL
        remembered = [key for key, step in enumerate(life.progress) if step.state is not None and step.has_receipt]
        for key, step in enumerate(life.progress):
            request = self._request(step.days) if step.is_told else None
            if request is not None and is_over and step.days > KEPT_DAYS:
                self.going["requests"].add(request)
            event = self.numbers.at(step.days)
            self.db.execute(
                "INSERT INTO events (number, job, key, type, source, request, at, data) "
                "VALUES (?, ?, ?, 'job.progress', 'journey', ?, 0, ?)",
                (event, job, key, request, b"{}"),
            )
            delivery = self._delivery(job, event, step) if step.state is not None else None
            stands = life.stands_in_progress and key == len(life.progress) - 1
            if stands:
                self.db.execute("UPDATE jobs SET event = ? WHERE number = ?", (event, job))
            waits = step.state in ("pending", "running")
            is_ends_message = bool(remembered) and key in (remembered[0], remembered[-1])
            if is_over and step.days > KEPT_DAYS and not (stands or waits or is_ends_message):
                self.going["events"].add(event)
                self.going["deliveries"] |= {delivery} if delivery is not None else set()

    def _delivery(self, job: int, event: int, step: SentProgress) -> int:
        number = self.numbers.at(step.days)
        receipt = f"message {number}" if step.has_receipt else None
        self.db.execute(
            "INSERT INTO deliveries (number, lane, job, event, state, due_at, attempt, base, receipt) "
            "VALUES (?, ?, ?, ?, ?, ?, 1, 0, ?)",
            (number, LANE, job, event, step.state, NOW - step.days * DAY, receipt),
        )
        self.db.execute("INSERT INTO attempts VALUES (?, 1, '', 5, 'delivered', 200, NULL)", (number,))
        return number

    def _request(self, days: int) -> int:
        number = self.numbers.at(days)
        self.db.execute(
            "INSERT INTO requests (number, source, state, proof, headers, body) "
            "VALUES (?, 'journey', 'mapped', 'secret', ?, ?)",
            (number, b"{}", b"{}"),
        )
        return number

    def there(self) -> dict[str, set[int]]:
        """The numbers of all rows."""
        return {
            table: {row[0] for row in self.db.execute(f"SELECT number FROM {table}")}  # noqa: S608
            for table in ("jobs", *self.going)
        }

    def remembered(self) -> list[object]:
        """What handlers know of each job: the first message and the last one."""
        return [(self.tx.receipt(LANE, job), self.tx.family_receipt(LANE, job)) for job in self.jobs]


async def prune_killed(rows: EarlyRows, store: Direct, killed_at: int) -> None:
    """Prunes; killed on the way, it is begun anew."""
    store.writes = killed_at
    try:
        await prune_early(rows, store, CUT, pace=hasty())
    except Killed:
        store.writes = 10_000
        await prune_early(rows, store, CUT, pace=hasty())
    store.writes = 10_000


@settings(max_examples=150)
@given(lives=st.lists(LIVES, max_size=5), killed_at=st.integers(1, 12))
def test_exactly_what_nothing_needs_goes_also_if_it_is_killed_in_between(lives: list[Lived], killed_at: int) -> None:
    asyncio.run(prune_all(Direct(), lives, killed_at))


@settings(max_examples=10)
@given(lives=st.lists(LIVES, max_size=5), killed_at=st.integers(1, 12))
def test_on_postgresql_too(postgres_schema: psycopg.Connection[Any], lives: list[Lived], killed_at: int) -> None:
    asyncio.run(prune_all(Direct(EmptiedStore(postgres_schema)), lives, killed_at))


async def prune_all(opened: Direct, lives: list[Lived], killed_at: int) -> None:
    with closing(opened) as store:
        past = await store.write(lambda tx: Past(tx, lives))
        before, remembered = past.there(), past.remembered()
        expected = await would_prune_early(SPENT_REQUESTS, store, CUT)
        assert expected == Pruned(requests=len(past.going["requests"]))
        await prune_killed(SPENT_REQUESTS, store, killed_at)
        assert before["requests"] - past.there()["requests"] == past.going["requests"]
        expected = await would_prune_early(SPENT_PROGRESS, store, CUT)
        assert expected == Pruned(events=len(past.going["events"]))
        await prune_killed(SPENT_PROGRESS, store, killed_at)
        left = past.there()
        assert {table: before[table] - left[table] for table in past.going} == past.going
        assert left["jobs"] == before["jobs"]
        assert past.remembered() == remembered
        assert orphans(past.db, with_requests=False) == []
        for rows in (SPENT_REQUESTS, SPENT_PROGRESS):
            assert await prune_early(rows, store, CUT, pace=hasty()) == Pruned(), "a second pass finds nothing"


async def test_a_request_to_an_open_jobs_own_address_stays() -> None:
    with closing(Direct()) as store:
        past = await store.write(lambda tx: Past(tx, [Lived("running", (), False), Lived("completed", (), False)]))
        for job in past.jobs:
            past.db.execute("UPDATE requests SET ref_job = ? WHERE number = ?", (job, past._request(9)))
        assert await prune_early(SPENT_REQUESTS, store, CUT, pace=hasty()) == Pruned(requests=1)
        assert past.db.execute("SELECT ref_job FROM requests").fetchall() == [(past.jobs[0],)]


async def test_a_list_goes_over_requests_that_are_gone() -> None:
    with closing(Direct()) as store:
        told = SentProgress(9, True, None, False)
        past = await store.write(lambda tx: Past(tx, [Lived("completed", (told, told), False)]))
        await prune_early(SPENT_REQUESTS, store, CUT, pace=hasty())
        page = past.tx.requests(Filters(job=past.jobs[0]))
        assert list(page) == []
