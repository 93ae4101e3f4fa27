"""Flags of the state machine that an earlier version kept among the facts become fields."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Final

import msgspec
import pytest

from receiver.contracts import Filters
from receiver.lib import ids
from receiver.model.jobs import Cost, Hold, KeptJob, PictureCopy, Then
from receiver.model.questions import Question
from receiver.store.sqlite.functions import teach, teach_sums
from receiver.store.sqlite.migrate import APPLICATION_ID, migrate, migrations, version
from receiver.store.sqlite.transaction import SqliteTransaction
from receiver.store.tables.deliveries import ADD
from support.claiming import claim
from support.records import AT, NOW, a_job, four_images
from support.world import Clock, memory_transaction

ROWS: Final = Path(__file__).parent.parent.parent / "fixtures" / "databases" / "version_6.sql"
#: Migrates a file, and is killed when it comes to a statement, or so many steps of SQLite's machine into it.
KILLED: Final = """
import os, signal, sqlite3, sys
from receiver.store.sqlite.migrate import migrate
_, path, statement, steps = sys.argv
left = None
def come_to(sql):
    global left
    if statement in sql:
        left = int(steps)
        die_if_due()
def go_on():
    global left
    if left is not None:
        left -= 1
        die_if_due()
def die_if_due():
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
db = sqlite3.connect(path, isolation_level=None)
db.set_trace_callback(come_to)
db.set_progress_handler(go_on, 1)
migrate(db)
"""


def with_fields(kept: KeptJob, **fields: object) -> KeptJob:
    """The same with other fields of its own."""
    return msgspec.structs.replace(kept, **fields)


#: The jobs of the fixture.
JOBS: Final = (
    a_job(1, intent=None, provider_job_id="task-1", prompt='it says "facts":{"twice":true} and "probe"'),
    with_fields(
        a_job(
            2,
            status="completed",
            provider_job_id="task-2",
            images=four_images(),
            params={"prompt": "a cat", "cfg": 1.5, "seed": 12345678901234567890},
        ),
        facts={"output_id": "remote-1"},
    ),
    with_fields(
        a_job(3, intent="key:a", status="submitting", deadline="2026-11-18T14:46:40.000Z", tags={"project": "x"}),
        submission_digest="0123456789abcdef0123456789abcdef",
        first_sent_at=NOW,
    ),
    with_fields(
        a_job(4, intent="b", status="unsure", provider_job_id="task-4"),
        first_sent_at=NOW,
        was_unsure=True,
        missed_checks=3,
        check_at=NOW + 20_000,
    ),
    with_fields(
        a_job(5, intent="c", status="planned", cost=Cost(amount=Decimal("2.50"), unit="credits", source="table")),
        submission_digest="ab",
        is_probe=True,
        sent_twice=True,
    ),
    with_fields(
        a_job(6, intent="d", status="held", hold=Hold(reason="breaker", since=AT, note="no credits")),
        is_probe=True,
        check_at=NOW + 60_000,
    ),
    with_fields(
        a_job(7, intent=None, status="completed", provider_job_id="task-7", action="pick", params={"index": 2}),
        facts={"buttons": ["MJ::JOB::upsample::2::a", 'the "facts" of it']},
        is_unproven=True,
    ),
    with_fields(
        a_job(8, intent=None, status="completed", parent_id=ids.show("job", 2), root_id=ids.show("job", 2)),
        replaced_by=ids.show("job", 2),
    ),
    with_fields(
        a_job(9, intent="e", status="running", action="inpaint", provider_job_id="task-9"),
        first_sent_at=NOW - 1,
        cancel_wanted=True,
        awaits_step=True,
        check_at=NOW,
    ),
    with_fields(
        a_job(10, intent="f", status="failed", provider_job_id="task_1"),
        facts={"content": ["one", "two"], "nested": {"twice": True, "n": 1.5}},
        first_sent_at=NOW,
        sibling_ids=("task_2", "tâche_3"),
        gave_up=True,
        then=(Then(action="upscale", params={"kind": "2x"}, then=(Then(action="vary"),)),),
    ),
    with_fields(a_job(11, intent="g", status="canceled"), facts={"output_id": "remote-11"}),
)


def earlier(path: Path | str) -> sqlite3.Connection:
    """A database as version 6 left it."""
    db = sqlite3.connect(path, isolation_level=None)
    teach(db)
    teach_sums(db)
    db.execute("PRAGMA journal_mode = wal")
    for number, sql in migrations()[:6]:
        db.executescript(f"{sql}\nPRAGMA user_version = {number};")
    db.executescript(f"PRAGMA application_id = {APPLICATION_ID};\n{ROWS.read_text('utf-8')}")
    return db


def jobs(db: sqlite3.Connection) -> tuple[KeptJob, ...]:
    """Every job, oldest first."""
    return tuple(reversed(SqliteTransaction(db, ids.Ids(Clock())).jobs(Filters())))


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    """A database of version 6."""
    with closing(earlier(":memory:")) as opened:
        yield opened


def test_the_flags_of_kept_jobs_become_fields_and_the_facts_stay(db: sqlite3.Connection) -> None:
    assert migrate(db)[0] == 7
    assert jobs(db) == JOBS


def test_a_delivery_that_ran_before_the_migration_is_lost_afterwards() -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        teach(db)
        teach_sums(db)
        for number, sql in migrations():
            if number <= 13:
                db.executescript(sql)
        row = (9, "sink:team", 1, 8, "running", NOW + 60_000, 1, 0, None)
        db.execute(ADD, row)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute("PRAGMA user_version = 13")
        assert migrate(db)[0] == 14
        tx = SqliteTransaction(db, ids.Ids(Clock()), owner=5)
        assert [one.number for one in tx.lost(NOW)] == [9]
        (taken,) = (tx.settle(one, msgspec.structs.replace(one, state="pending", due_at=0)) for one in tx.lost(NOW))
        assert taken
        assert [one.number for one in claim(tx, "sink:team", 1, NOW, NOW + 1)] == [9]
        assert tx.lost(NOW) == []


def test_what_was_migrated_is_kept_the_same_when_it_is_written_again(db: sqlite3.Connection) -> None:
    migrate(db)
    tx = SqliteTransaction(db, ids.Ids(Clock()))
    for kept in jobs(db):
        tx.put_job(kept)
    assert jobs(db) == JOBS


def test_jobs_are_found_by_the_moment_of_their_check_as_before(db: sqlite3.Connection) -> None:
    migrate(db)
    tx = SqliteTransaction(db, ids.Ids(Clock()))
    assert [kept.number for kept in tx.due_checks("journey", NOW + 30_000, 10)] == [9, 4]
    assert tx.next_check(["journey"]) == NOW


def test_a_migrated_schema_is_the_fresh_one(db: sqlite3.Connection) -> None:
    schema = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name"
    migrate(db)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        migrate(fresh)
        assert db.execute(schema).fetchall() == fresh.execute(schema).fetchall()


@pytest.mark.parametrize(
    ("statement", "steps"),
    [
        ("UPDATE jobs SET", 0),
        ("UPDATE jobs SET", 100),
        ("UPDATE jobs SET", 1000),
        ("RENAME COLUMN", 0),
        ("CREATE INDEX jobs_check", 0),
        ("PRAGMA user_version = 7", 0),
        ("COMMIT", 0),
    ],
)
async def test_a_kill_in_the_middle_leaves_the_earlier_version_and_the_next_start_migrates(
    tmp_path: Path, statement: str, steps: int
) -> None:
    path = tmp_path / "a.db"
    earlier(path).close()
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, str(path), statement, str(steps))
    assert await process.wait() == -signal.SIGKILL
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        assert version(db) == 6
        assert db.execute("SELECT count(*) FROM jobs WHERE instr(data, '\"sent_at\"')").fetchone() == (5,)
        assert migrate(db)[0] == 7
        assert jobs(db) == JOBS


@pytest.mark.usefixtures("each_engine")
def test_a_job_without_any_of_it_costs_not_a_byte() -> None:
    tx = memory_transaction()
    tx.add_job(a_job(1))
    (data,) = tx._db.execute("SELECT data FROM jobs").fetchone()
    assert list(msgspec.json.decode(data)) == ["job"]


A_COPY = PictureCopy(
    sink="pictures",
    kind="tile",
    index=3,
    key="2026/11/a/b/tile-3.png",
    sha256="0",
    type="image/png",
    bytes=1,
    width=1,
    height=1,
)


@pytest.mark.usefixtures("each_engine")
def test_every_field_of_a_job_is_kept() -> None:
    """Each in a row of its own, so that none is kept in another's place."""
    tx = memory_transaction()
    values: dict[str, object] = {
        "then": (Then(action="vary"),),
        "facts": {"output_id": "x"},
        "extra": {"seed": 7},
        "submission_digest": "ab",
        "first_sent_at": NOW,
        "missed_checks": 2,
        "replaced_by": ids.show("job", 7),
        "sibling_ids": ("a", "b"),
        "items": {"i1": 1},
        "piece_costs": {"i1": Decimal("0.0027")},
        "updates": 3,
        "copies": (A_COPY,),
        "check_at": NOW + 1,
        "question": Question(sinks=("team",), within_s=60.0, default=2),
        "question_intent": "work|rule:poster|question",
    }
    names = [name for name in KeptJob.__struct_fields__ if name not in ("number", "job", "intent")]
    for number, name in enumerate(names, 1):
        kept = with_fields(a_job(number, intent=name), **{name: values.get(name, True)})
        assert kept != a_job(number, intent=name)
        tx.add_job(kept)
        assert tx.job(number) == kept
