"""Pruning: exactly what is old and over goes, nothing is left hanging, and what it told of is never ordered again."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.contracts import (
    OldRows,
    Pruned,
    Transaction,
)
from receiver.contracts.setup import Setup
from receiver.flows import intake
from receiver.lib import ids
from receiver.lib.signatures import ref_of
from receiver.model.jobs import KeptJob, Status
from receiver.model.requests import RefusedRequest
from receiver.store.sql.statements import Statements
from receiver.store.sqlite.store import SqliteStore
from receiver.store.sqlite.transaction import SqliteTransaction
from receiver.workers.retention import jobs as retention
from support.records import NOW, a_job, a_source
from support.retained import TABLES, Direct, EmptiedStore, Numbers, hasty, orphans
from support.stepping import Killed
from support.world import AUTO_HD, PICKED, TELL, Clock, a_request

T = TypeVar("T")

DAY: Final = 86_400_000
#: What is over and older goes, days.
KEPT_DAYS: Final = 30
CUT: Final = ids.first_at(NOW - KEPT_DAYS * DAY)
SETUP: Final = Setup(sources={"journey": a_source(webhooks=True)}, rules=(AUTO_HD, TELL))

# --- a past, and what of it may go


class Told(msgspec.Struct, frozen=True):
    """An event: when it was made, and how much earlier the request came that told of it."""

    days: int
    #: None = no request told of it; 0 = it was made at once.
    read_after: int | None


class Sent(msgspec.Struct, frozen=True):
    """A delivery, and when its last lease ended or its next try is due."""

    state: str
    days: int


class One(msgspec.Struct, frozen=True):
    """A job of a family."""

    status: Status
    days: int
    told: tuple[Told, ...]
    sent: tuple[Sent, ...]


class History(msgspec.Struct, frozen=True):
    """What there is: families of jobs, each root first, and requests that told of nothing new."""

    families: tuple[tuple[One, ...], ...]
    #: Days, state, and to which family's URL it came.
    requests: tuple[tuple[int, str, int | None], ...]


DAYS = st.sampled_from([60, 45, 31, 31, 29, 1])
OLD_DAYS = st.sampled_from([60, 45, 45, 31, 31, 31, 29])
ONES = st.builds(
    One,
    status=st.sampled_from(["completed"] * 8 + ["failed", "failed", "canceled", "held", "unsure", "running"]),
    days=OLD_DAYS,
    told=st.lists(
        st.builds(Told, days=OLD_DAYS, read_after=st.sampled_from([None, 0, 0, 0, 20])), max_size=2
    ).map(tuple),
    sent=st.lists(
        st.builds(Sent, state=st.sampled_from(["done"] * 6 + ["dead", "pending", "running"]), days=OLD_DAYS), max_size=2
    ).map(tuple),
)  # fmt: skip
PASTS = st.builds(
    History,
    families=st.lists(st.lists(ONES, min_size=1, max_size=3).map(tuple), max_size=5).map(tuple),
    requests=st.lists(
        st.tuples(DAYS, st.sampled_from(["mapped", "unmapped", "unreadable"]), st.none() | st.integers(0, 4)),
        max_size=4,
    ).map(tuple),
)


class Filled:
    """A past in a database, and which of its rows may go."""

    def __init__(self, tx: Any, past: History) -> None:
        self.tx: Transaction = tx
        self.db: Statements = tx._db
        self.going: dict[str, set[int]] = {table: set() for table in TABLES}
        #: Requests, by whether a job that they told of stays.
        self.told: dict[int, bool] = {}
        self._numbers = Numbers()
        self._roots = [self._family(family) for family in past.families]
        for days, state, to in past.requests:
            root, goes = self._roots[to] if to is not None and to < len(self._roots) else (None, True)
            self.told[self._request(days, state, root)] = not goes
        self.going["requests"] = {number for number, held in self.told.items() if not held and number < CUT}

    def _family(self, family: tuple[One, ...]) -> tuple[int, bool]:
        """Writes a family; gives its root, and whether it may go."""
        goes = all(_is_over(one) for one in family)
        root = parent = None
        for one in family:
            number = self._numbers.at(one.days)
            root = root or number
            self._job(number, one, root, parent)
            rows = {"jobs": {number}, "events": set[int](), "deliveries": set[int](), "attempts": set[int]()}
            for key, told in enumerate(one.told or [Told(sent.days, None) for sent in one.sent[:1]]):
                rows["events"].add(self._event(number, key, told, goes))
            for sent in one.sent:
                rows["deliveries"].add(self._delivery(number, sent))
            rows["attempts"] = rows["deliveries"]
            for table, numbers in rows.items():
                self.going[table] |= numbers if goes else set()
            parent = number
        assert root is not None
        return root, goes

    def _job(self, number: int, one: One, root: int, parent: int | None) -> None:
        kept = a_job(
            number,
            status=one.status,
            intent=f"intent {number}",
            provider_job_id=f"task {number}",
            root_id=ids.show("job", root),
            parent_id=ids.show("job", parent) if parent is not None else None,
            tags={"number": str(number % 7)},
        )
        self.tx.add_job(kept)

    def _event(self, job: int, key: int, told: Told, goes: bool) -> int:
        request = None
        if told.read_after is not None:
            request = self._request(told.days + told.read_after, "mapped", None)
            self.told[request] = not goes
        number = self._numbers.at(told.days)
        self.db.execute(
            "INSERT INTO events (number, job, key, type, source, request, at, data) VALUES (?, ?, ?, ?, ?, ?, 0, ?)",
            (number, job, key, "job.completed", "journey", request, b"{}"),
        )
        return number

    def _delivery(self, job: int, sent: Sent) -> int:
        number = self._numbers.at(sent.days)
        event = self.db.execute("SELECT max(number) FROM events WHERE job = ?", (job,)).fetchone()[0]
        self.db.execute(
            "INSERT INTO deliveries (number, lane, job, event, state, due_at, attempt, base) "
            "VALUES (?, 'sink:team', ?, ?, ?, ?, 1, 0)",
            (number, job, event, sent.state, NOW - sent.days * DAY),
        )
        self.db.execute("INSERT INTO attempts VALUES (?, 1, '', 5, 'delivered', 200, NULL)", (number,))
        return number

    def _request(self, days: int, state: str, ref_job: int | None) -> int:
        number = self._numbers.at(days)
        self.db.execute(
            "INSERT INTO requests (number, source, state, proof, ref_job, headers, body) "
            "VALUES (?, 'journey', ?, 'secret', ?, ?, ?)",
            (number, state, ref_job, b"{}", b"{}"),
        )
        return number

    def there(self) -> dict[str, set[int]]:
        """The numbers of all rows."""
        key = {"attempts": "delivery"}
        return {
            table: {row[0] for row in self.db.execute(f"SELECT {key.get(table, 'number')} FROM {table}")}  # noqa: S608
            for table in TABLES
        }


def _is_over(one: One) -> bool:
    over = one.status in ("completed", "failed", "canceled")
    quiet = all(sent.state in ("done", "dead") for sent in one.sent)
    moments = [one.days, *(told.days for told in one.told), *(sent.days for sent in one.sent)]
    return over and quiet and min(moments) > KEPT_DAYS


@settings(max_examples=150)
@given(past=PASTS, killed_at=st.integers(1, 12))
def test_exactly_what_is_old_and_over_goes_also_if_it_is_killed_in_between(past: History, killed_at: int) -> None:
    asyncio.run(prune_it(Direct(), past, killed_at))


@settings(max_examples=10)
@given(past=PASTS, killed_at=st.integers(1, 12))
def test_on_postgresql_too(postgres_schema: psycopg.Connection[Any], past: History, killed_at: int) -> None:
    asyncio.run(prune_it(Direct(EmptiedStore(postgres_schema)), past, killed_at))


async def prune_it(opened: Direct, past: History, killed_at: int) -> None:
    with closing(opened) as store:
        filled = await store.write(lambda tx: Filled(tx, past))
        before = filled.there()
        expected = await retention.would_prune(store, CUT)
        store.writes = killed_at
        try:
            await retention.prune(store, CUT, pace=hasty())
        except Killed:
            assert orphans(filled.db) == [], "a kill leaves rows hanging"
            for table, rows in filled.there().items():
                assert before[table] - rows <= filled.going[table]
        store.writes = 10_000
        await retention.prune(store, CUT, pace=hasty())
        left = filled.there()
        assert {table: before[table] - left[table] for table in TABLES} == filled.going
        assert orphans(filled.db) == []
        assert msgspec.structs.asdict(expected) == {table: len(filled.going[table]) for table in TABLES}
        for job in filled.going["jobs"]:
            assert filled.tx.forgotten("journey", f"task {job}")
            assert filled.tx.pruned(job)
        for job in left["jobs"]:
            assert not filled.tx.forgotten("journey", f"task {job}")
            assert not filled.tx.pruned(job)
        assert await retention.prune(store, CUT, pace=hasty()) == Pruned(), "a second pass finds nothing"


# --- repeats of what was pruned


def receive(body: object, tx: Transaction, *, ref: int | None = None) -> intake.IntakeResult:
    """Takes a webhook in, at its job's own URL if that is named."""
    source = SETUP.sources["journey"]
    request = a_request(body, token=None if ref is None else ref_of(b"k" * 32, "journey", ref))
    verified = intake.verify(request, source, b"k" * 32)
    return intake.take(tx, SETUP, intake.read(request, verified, source))


def finish_all(tx: Transaction) -> None:
    """Every order was taken and has come to its end, every message has arrived."""
    assert isinstance(tx, SqliteTransaction)
    tx._db.execute("UPDATE jobs SET status = 'completed', check_at = NULL")
    tx._db.execute("UPDATE deliveries SET state = 'done'")


async def emptied(store: Direct, *bodies: object) -> None:
    """Takes webhooks in, lets all that follows be over, and prunes it."""
    for body in bodies:
        await store.write(partial(receive, body))
    await store.write(finish_all)
    await retention.prune(store, ids.first_at(NOW + DAY), pace=hasty())
    assert await store.read(partial(_count, "jobs")) == 0


def _count(table: str, tx: Transaction) -> int:
    assert isinstance(tx, SqliteTransaction)
    return int(tx._db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608


async def test_a_repeat_of_a_pruned_webhook_is_a_duplicate_and_orders_nothing() -> None:
    with closing(Direct()) as store:
        await emptied(store, PICKED)
        taken = await store.write(partial(receive, PICKED))
        assert (taken.events, taken.duplicate, taken.state) == (0, True, "mapped")
        assert [await store.read(partial(_count, one)) for one in TABLES] == [0, 0, 0, 0, 1]
        assert await retention.prune(store, ids.first_at(NOW + DAY), pace=hasty()) == Pruned(requests=1)


async def test_another_job_is_taken_in_as_ever() -> None:
    with closing(Direct()) as store:
        await emptied(store, PICKED)
        taken = await store.write(partial(receive, {**PICKED, "task_id": "another"}))
        assert taken.events == 1
        assert await store.read(partial(_count, "jobs")) == 2, "the picked tile and its upscale"


@pytest.mark.parametrize("task", ["known only to the vendor", None])
async def test_what_comes_to_the_url_of_a_pruned_order_makes_no_job(task: str | None) -> None:
    with closing(Direct()) as store:
        number = ids.first_at(NOW - 40 * DAY)
        await store.write(lambda tx: tx.add_job(a_job(number, status="failed", intent="wish:1")))
        await retention.prune(store, CUT, pace=hasty())
        body = (
            {**PICKED, "task_id": task} if task else {name: text for name, text in PICKED.items() if name != "task_id"}
        )
        taken = await store.write(lambda tx: receive(body, tx, ref=number))
        assert taken.events == 0
        assert await store.read(partial(_count, "jobs")) == 0


async def test_an_order_that_is_not_known_for_another_reason_is_taken_in() -> None:
    """After a backup was put back, say: what came to be since then was never pruned."""
    with closing(Direct()) as store:
        old, lost = ids.first_at(NOW - 40 * DAY), ids.first_at(NOW - DAY)
        await store.write(lambda tx: tx.add_job(a_job(old, status="failed", intent="wish:1")))
        await retention.prune(store, CUT, pace=hasty())
        taken = await store.write(lambda tx: receive(PICKED, tx, ref=lost))
        assert taken.events == 1


async def test_intents_of_one_piece_of_work_under_two_numbers_are_pruned_together() -> None:
    """A webhook had named a job before the answer to its order did: follow-ups hang on the job that gave its id up."""
    with closing(Direct()) as store:
        ordered, shell, child, other = (ids.first_at(NOW - 40 * DAY) + place for place in range(4))

        def keep(tx: Transaction, child_status: Status, other_status: Status) -> None:
            write = tx.put_job if tx.job(ordered) else tx.add_job
            write(a_job(ordered, intent="wish:1", status="completed", provider_job_id="task-1"))
            twin = a_job(shell, intent=None, status="completed")
            write(msgspec.structs.replace(twin, replaced_by=ids.show("job", ordered)))
            for number, above, status in ((child, shell, child_status), (other, ordered, other_status)):
                over = ids.show("job", above)
                intent = f"journey/task-1|rule:{number}|upscale|x"
                write(a_job(number, intent=intent, status=status, parent_id=over, root_id=over))

        async def left() -> int:
            await retention.prune(store, CUT, pace=hasty())
            return await store.read(partial(_count, "jobs"))

        await store.write(lambda tx: keep(tx, "held", "completed"))
        assert await left() == 4
        await store.write(lambda tx: keep(tx, "completed", "held"))
        assert await left() == 4
        await store.write(lambda tx: keep(tx, "completed", "completed"))
        assert await left() == 0


async def test_a_report_that_came_between_looking_and_pruning_saves_the_family() -> None:
    with closing(Direct()) as store:
        number = ids.first_at(NOW - 40 * DAY)
        kept = a_job(number, status="failed", intent="wish:1")
        await store.write(lambda tx: tx.add_job(kept))
        found = await store.read(lambda tx: tx.old_families(0, CUT, 10))
        assert list(found.numbers) == [number]
        await store.write(lambda tx: tx.put_job(running(kept)))
        assert await store.write(lambda tx: tx.prune_families(found.numbers, CUT)) == Pruned()


def running(kept: KeptJob) -> KeptJob:
    return msgspec.structs.replace(kept, job=msgspec.structs.replace(kept.job, status="running"))


def put(kept: KeptJob, tx: Transaction) -> None:
    tx.add_job(kept)


def stretch(after: int, tx: Transaction) -> OldRows:
    return tx.old_families(after, CUT, 10)


async def test_survivors_are_walked_past_in_short_stretches() -> None:
    with closing(Direct()) as store:
        numbers = [ids.first_at(NOW - 40 * DAY) + place for place in range(25)]
        for number in numbers:
            await store.write(partial(put, a_job(number, status="running", intent=str(number))))
        last: int | None = 0
        seen = []
        while last is not None:
            found = await store.read(partial(stretch, last))
            assert list(found.numbers) == []
            last = found.last
            seen.append(last)
        assert seen == [numbers[9], numbers[19], None]


# --- the file


async def fill(store: SqliteStore, count: int = 60) -> None:
    """Jobs of 20 KB each, long over."""
    first = ids.first_at(NOW - 40 * DAY)
    for number in range(first, first + count):
        kept = a_job(number, status="completed", intent=str(number), prompt="x" * 20_000)
        await store.write(partial(put, kept))


async def test_the_file_shrinks(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path / "a.db", Clock()) as store:
        await fill(store, 120)
        full = await store.read(lambda tx: tx.pages())
        assert await retention.prune(store, CUT, pace=hasty()) == Pruned(jobs=120)
        pages = await store.read(lambda tx: tx.pages())
        assert pages.shrinks
        assert pages.free <= retention.FEWEST_SPARE
        assert pages.count < full.count / 2
    assert (tmp_path / "a.db").stat().st_size == pages.count * pages.size


async def test_old_refused_requests_go_too(tmp_path: Path) -> None:
    ages = (NOW - KEPT_DAYS * DAY - 1, NOW - KEPT_DAYS * DAY, NOW)
    told = [RefusedRequest(at=at, source=None, reason="no_such_source", sender="192.0.2.1") for at in ages]
    async with SqliteStore(tmp_path / "a.db", Clock()) as store:
        await store.write(lambda tx: tx.add_refused(told, 0, 200))
        await retention.prune(store, CUT, pace=hasty())
        assert [one.at for _, one in await store.read(lambda tx: tx.refused())] == [ages[2], ages[1]]


async def test_a_file_of_an_earlier_version_shrinks_once_it_was_written_anew(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a.db")) as db:
        db.execute("PRAGMA journal_mode = WAL")
    async with SqliteStore(tmp_path / "a.db", Clock()) as store:
        await fill(store)
        full = await store.read(lambda tx: tx.pages())
        assert not full.shrinks
        assert await retention.prune(store, CUT, pace=hasty()) == Pruned(jobs=60)
        free = await store.read(lambda tx: tx.pages())
        assert (free.count, free.shrinks) == (full.count, False)
        await store.vacuum()
        pages = await store.read(lambda tx: tx.pages())
        assert pages.shrinks
        assert pages.count < full.count / 2


# --- the flow in a running server


async def test_a_pass_takes_up_where_the_one_before_ended_and_begins_anew_once_a_day(tmp_path: Path) -> None:
    clock = Clock()
    async with SqliteStore(tmp_path / "a.db", clock) as store:
        kept = retention.Pruner(store, KEPT_DAYS * 86_400.0, clock)
        assert await kept.tidy() == Pruned()
        await fill(store, 3)
        clock.pass_by(3600)
        assert await kept.tidy() == Pruned(), "older than where the pass before ended by more than a day"
        clock.pass_by(86_400)
        assert await kept.tidy() == Pruned(jobs=3)


async def test_it_prunes_by_itself_and_ends_when_asked(tmp_path: Path) -> None:
    clock = Clock()
    async with SqliteStore(tmp_path / "a.db", clock) as store:
        await store.own_dispatching()
        await fill(store, 3)
        watch = store.watch()
        kept = retention.Pruner(store, KEPT_DAYS * 86_400.0, clock, first=0.0)
        kept.start()
        async with asyncio.timeout(10):
            while await store.read(partial(_count, "jobs")):
                await watch.wait(1)
        await kept.stop()
        watch.close()
