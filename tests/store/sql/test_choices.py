"""What a webhook leaves on disk: a job once, in its newest event, and next actions once for all that share them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from receiver.contracts import Filters, Transaction
from receiver.lib import ids
from receiver.lib.times import unstamp
from receiver.model.events import Event, KeptEvent
from receiver.model.jobs import KeptJob, NextAction
from receiver.store.sql.choices import MOST, ChoicesCache
from receiver.store.sql.keys import id_key
from receiver.store.sqlite.migrate import (
    APPLICATION_ID,
    migrate,
    migrations,
)
from receiver.store.sqlite.store import SqliteStore
from receiver.store.sqlite.transaction import SqliteTransaction
from support.records import AT, a_job
from support.world import Clock

TWO = (NextAction(action="pick", params={"index": 1}), NextAction(action="reroll", params={}))


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as opened:
        migrate(opened)
        yield opened


@pytest.fixture
def tx(db: sqlite3.Connection) -> SqliteTransaction:
    return SqliteTransaction(db, ids.Ids(Clock()))


def an_event(number: int, kept: KeptJob) -> Event:
    """That the job is completed."""
    return Event(
        id=ids.show("evt", number),
        source="gridhook/journey",
        type="job.completed",
        subject=kept.job.id,
        time=AT,
        data=kept.job,
    )


def keep(tx: Transaction, kept: KeptJob, number: int) -> Event:
    """Keeps a job with its event."""
    event = KeptEvent(number=number, job=kept.number, type="job.completed", key=1000, at=unstamp(AT), data=kept.job)
    assert tx.add_event(event)
    tx.add_job(kept, number)
    return an_event(number, kept)


def test_a_job_that_its_event_tells_is_not_kept_twice(db: sqlite3.Connection, tx: SqliteTransaction) -> None:
    kept = a_job(1, status="completed", prompt="a lighthouse at dusk", next_actions=TWO)
    keep(tx, kept, 2)
    ((data,),) = db.execute("SELECT data FROM jobs").fetchall()
    assert b"lighthouse" not in data
    assert tx.job(1) == kept


def test_a_change_without_an_event_leaves_the_event_as_it_was(tx: SqliteTransaction) -> None:
    kept = a_job(1, status="completed", prompt=None, next_actions=TWO)
    event = keep(tx, kept, 2)
    filled = msgspec.structs.replace(kept, job=msgspec.structs.replace(kept.job, prompt="known later"))
    tx.put_job(filled)
    assert tx.job(1) == filled
    assert tx.event(2) == msgspec.json.encode(event)


def test_what_goes_out_is_the_event_to_the_byte_whatever_foreign_names_it_holds(tx: SqliteTransaction) -> None:
    for number, params in enumerate(({}, {"next_actions": []}, {"a": '"next_actions":[]'}), 1):
        kept = a_job(number, status="completed", intent=None, params=params, next_actions=TWO)
        event = keep(tx, kept, number + 10)
        assert tx.event(number + 10) == msgspec.json.encode(event)
        assert tx.job(number) == kept
    assert [msgspec.json.decode(body, type=Event).data.next_actions for body in tx.events_after(0, 9)] == [TWO] * 3
    assert [msgspec.json.decode(body, type=Event).data.next_actions for body in tx.events(Filters())] == [TWO] * 3


def test_the_same_choices_are_kept_once(db: sqlite3.Connection, tx: SqliteTransaction) -> None:
    for number in range(1, 6):
        keep(tx, a_job(number, status="completed", intent=None, next_actions=tuple(TWO)), number + 10)
        keep(tx, a_job(number + 20, status="completed", intent=None, next_actions=TWO[:1]), number + 30)
    assert db.execute("SELECT count(*) FROM choices").fetchone() == (2,)


def test_a_vendor_whose_jobs_all_differ_does_not_fill_the_table(db: sqlite3.Connection, tx: SqliteTransaction) -> None:
    db.executemany("INSERT INTO choices VALUES (?, '[]')", [(number,) for number in range(1, MOST + 1)])
    kept = a_job(1, status="completed", next_actions=TWO)
    event = keep(tx, kept, 2)
    assert db.execute("SELECT count(*) FROM choices").fetchone() == (MOST,)
    assert tx.event(2) == msgspec.json.encode(event)
    assert tx.job(1) == kept


def test_choices_of_a_transaction_that_was_rolled_back_are_written_again(db: sqlite3.Connection) -> None:
    shared = ChoicesCache()
    tx = SqliteTransaction(db, ids.Ids(Clock()), shared)
    db.execute("BEGIN")
    keep(tx, a_job(1, status="completed", next_actions=TWO), 2)
    db.execute("ROLLBACK")
    shared.forget()
    event = keep(tx, a_job(1, status="completed", next_actions=TWO), 2)
    assert tx.event(2) == msgspec.json.encode(event)


async def test_a_failing_neighbour_does_not_take_the_choices_away(tmp_path: Path) -> None:
    def broken(tx: Transaction) -> None:
        keep(tx, a_job(1, status="completed", intent=None, next_actions=TWO), 2)
        raise ValueError("broken")

    async with SqliteStore(tmp_path / "a.db", Clock()) as store:
        with pytest.raises(ValueError, match="broken"):
            await store.write(broken)
        kept = a_job(3, status="completed", intent=None, next_actions=TWO)
        event = await store.write(lambda tx: keep(tx, kept, 4))
        assert await store.read(lambda tx: tx.event(4)) == msgspec.json.encode(event)


def test_a_job_is_found_by_its_vendors_id_at_its_source_only(tx: SqliteTransaction) -> None:
    tx.add_job(a_job(1, intent=None, provider_job_id="task-1"))
    tx.add_job(a_job(2, intent=None, provider_job_id="task-1", source="other"))
    assert [tx.job_at(source, "task-1") for source in ("journey", "other", "third")] == [tx.job(1), tx.job(2), None]
    with pytest.raises(sqlite3.IntegrityError):
        tx.add_job(a_job(3, intent=None, provider_job_id="task-1"))


def test_an_id_that_only_shares_its_key_is_not_taken_for_another(db: sqlite3.Connection, tx: SqliteTransaction) -> None:
    tx.add_job(a_job(1, intent=None, provider_job_id="task-1"))
    db.execute("UPDATE jobs SET key = ?", (id_key("task-2"),))
    assert tx.job_at("journey", "task-2") is None


def test_a_key_is_the_same_for_ever() -> None:
    assert id_key("550e8400-e29b-41d4-a716-446655440000") == KEY


#: What version 0.1.0 computes; it stands in databases.
KEY = -1170126841048872708


def test_jobs_of_an_earlier_version_are_read_and_found() -> None:
    old = a_job(7, status="queued", provider_job_id="task-7", tags={"project": "poster"})
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        for number, sql in migrations()[:2]:
            db.executescript(f"{sql}\nPRAGMA user_version = {number};")
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        values = (7, "journey", "task-7", "queued", "imagine", 7, "test", json.dumps(msgspec.to_builtins(old)).encode())
        db.execute(
            "INSERT INTO jobs (number, source, provider_job_id, status, action, root, intent, data)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            values,
        )
        migrate(db)
        tx = SqliteTransaction(db, ids.Ids(Clock()))
        assert tx.job(7) == tx.job_at("journey", "task-7") == old
        assert tx.jobs(Filters(tags={"project": "poster"})) == [old]


def test_events_of_an_earlier_version_go_out_as_they_were() -> None:
    event = an_event(8, a_job(7, status="completed", prompt='"next_actions":[] \\ é', next_actions=TWO))
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        for number, sql in migrations()[:2]:
            db.executescript(f"{sql}\nPRAGMA user_version = {number};")
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(
            "INSERT INTO events VALUES (8, 7, 1000, 'job.completed', 'journey', NULL, ?)", (msgspec.json.encode(event),)
        )
        migrate(db)
        assert SqliteTransaction(db, ids.Ids(Clock())).event(8) == msgspec.json.encode(event)
