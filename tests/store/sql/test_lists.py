"""Lists of the store: every filter shows what fits it, however little a page looks at."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from typing import Any, Final

import msgspec
import pytest

from receiver.contracts import (
    Filters,
    Page,
    Transaction,
)
from receiver.lib import ids
from receiver.model.events import Event
from receiver.store.sql import lists
from receiver.store.sqlite.migrate import (
    APPLICATION_ID,
    migrate,
    migrations,
)
from receiver.store.sqlite.transaction import SqliteTransaction
from support.history import STEP, Turn, happen
from support.records import NOW, a_job
from support.world import Clock, memory_transaction

TURNS: Final = 300
TABLES: Final = ("jobs", "events", "requests", "deliveries")
#: What the items of each list are asked for, beside what a job is.
OWN: Final[Mapping[str, tuple[str, ...]]] = {
    "jobs": ("status",),
    "events": ("status", "type"),
    "requests": ("status",),
    "deliveries": ("status", "type", "sink"),
}
OF_JOBS: Final = ("source", "action", "provider_job_id", "job", "root", "parent", "tags")


def a_varied_past(chance: random.Random) -> list[Turn]:
    """Turns of which most are of the usual kind."""
    turns: list[Turn] = []
    for place in range(TURNS):
        turn = Turn(place=place)
        if chance.random() < 0.5:
            turn = msgspec.structs.replace(turn, **_variation(chance, turns))
        turns.append(turn)
    return turns


def _variation(chance: random.Random, turns: list[Turn]) -> dict[str, Any]:
    before = chance.choice(turns) if turns else None
    return {
        "source": chance.choice(("journey", "journey", "frame")),
        "status": chance.choice(("completed", "failed", "held", "running")),
        "action": chance.choice(("imagine", "imagine", "pick")),
        "tags": chance.choice(({}, {"a": "1"}, {"a": "1", "b": "2"}, {"a": "completed"})),
        "parent": before.job if before else None,
        "root": (before.root or before.job) if before else None,
        "type": chance.choice(("job.completed", "job.progress", "job.failed", "job.held")),
        "request_state": chance.choice(("mapped", "unmapped", "unreadable")),
        "states": (chance.choice(("done", "pending", "running", "dead")), chance.choice(("done", "dead"))),
        "sinks": chance.choice((("team", "backend"), ("team", "gone"))),
        "on_ref": chance.random() < 0.3,
        "late": chance.choice((0, 0, 5, 500)),
    }


def expected(table: str, turns: Iterable[Turn], wanted: Filters) -> list[int]:
    """The numbers that a list must show, found without an index or SQL."""
    rows: list[int] = []
    for turn in turns:
        if not _job_fits(turn, wanted) or (table == "jobs" and wanted.status not in (None, turn.status)):
            continue
        if table == "jobs":
            rows.append(turn.job)
        elif table == "events" and wanted.type in (None, turn.type) and wanted.status in (None, turn.status):
            rows.append(turn.event)
        elif table == "requests" and wanted.status in (None, turn.request_state):
            rows.append(turn.first)
        elif table == "deliveries" and wanted.type in (None, turn.type):
            own = zip(turn.deliveries, turn.states, turn.sinks, strict=True)
            rows += [
                number for number, state, sink in own if wanted.status in (None, state) and wanted.sink in (None, sink)
            ]
    low = 0 if wanted.since is None else ids.first_at(wanted.since)
    top = ids.LARGEST if wanted.until is None else ids.first_at(wanted.until) - 1
    return sorted((number for number in rows if low <= number <= top), reverse=True)


def _job_fits(turn: Turn, wanted: Filters) -> bool:
    return (
        wanted.source in (None, turn.source)
        and wanted.action in (None, turn.action)
        and wanted.provider_job_id in (None, turn.vendors)
        and wanted.job in (None, turn.job)
        and wanted.root in (None, turn.root or turn.job)
        and (wanted.parent is None or wanted.parent == turn.parent)
        and all(turn.tags.get(name) == text for name, text in wanted.tags.items())
    )


def a_question(chance: random.Random, table: str, turns: list[Turn]) -> Filters:
    """Up to three filters, most of them such that something fits."""
    names = chance.sample((*OWN[table], *OF_JOBS), chance.choice((0, 1, 1, 2, 3)))
    like = chance.choice(turns)
    values: dict[str, Any] = {
        "status": {"jobs": like.status, "events": like.status, "requests": like.request_state}.get(
            table, like.states[0]
        ),
        "type": like.type,
        "sink": like.sinks[1],
        "source": like.source,
        "action": like.action,
        "provider_job_id": like.vendors,
        "job": like.job,
        "root": like.root or like.job,
        "parent": like.parent or like.job,
        "tags": dict(like.tags) or {"no": "such"},
    }
    if chance.random() < 0.2:
        values["since"], names = NOW + chance.randrange(TURNS) * STEP, [*names, "since"]
    if chance.random() < 0.2:
        values["until"], names = NOW + chance.randrange(TURNS) * STEP, [*names, "until"]
    return Filters(limit=chance.choice((1, 3, 50)), **{name: values[name] for name in names})


def shown(tx: Transaction, table: str, wanted: Filters) -> Page[int]:
    """A page of a list, as the numbers of its items."""
    if table == "jobs":
        jobs = tx.jobs(wanted)
        return Page((kept.number for kept in jobs), jobs.next)
    if table == "events":
        events = tx.events(wanted)
        return Page((ids.read("evt", msgspec.json.decode(body, type=Event).id) or 0 for body in events), events.next)
    if table == "requests":
        requests = tx.requests(wanted)
        return Page((kept.number for kept in requests), requests.next)
    deliveries = tx.deliveries(wanted)
    return Page((one.number for one in deliveries), deliveries.next)


def paged(tx: Transaction, table: str, wanted: Filters) -> list[int]:
    """All pages of a list."""
    found: list[int] = []
    while True:
        page = shown(tx, table, wanted)
        assert len(page) <= wanted.limit
        found += page
        if page.next is None:
            return found
        assert wanted.before is None or page.next < wanted.before
        wanted = msgspec.structs.replace(wanted, before=page.next)


@pytest.mark.parametrize(
    ("look", "questions", "each_engine"),
    [(7, 150, "sqlite"), (60, 150, "sqlite"), (2000, 150, "sqlite"), (2000, 8, "postgres")],
    indirect=["each_engine"],
)
@pytest.mark.parametrize("table", TABLES)
def test_every_question_shows_what_fits_whatever_a_page_looks_at(
    table: str, look: int, questions: int, each_engine: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "LOOK", look)
    chance = random.Random(look)  # noqa: S311
    tx = memory_transaction()
    turns = a_varied_past(chance)
    for turn in turns:
        happen(tx, turn)
    some = 0
    for _ in range(questions):
        wanted = a_question(chance, table, turns)
        fitting = expected(table, turns, wanted)
        assert paged(tx, table, wanted) == fitting, wanted
        some += bool(fitting)
    assert some > questions // 4


@pytest.mark.usefixtures("each_engine")
def test_a_page_looks_at_so_many_rows_and_says_where_to_go_on() -> None:
    tx = memory_transaction()
    turns = [Turn(place=place, source="frame" if place == 0 else "journey") for place in range(lists.LOOK + 10)]
    for turn in turns:
        happen(tx, turn)
    page = tx.jobs(Filters(source="frame"))
    assert page == []
    assert page.next == turns[10].job
    rest = tx.jobs(Filters(source="frame", before=page.next))
    assert [kept.number for kept in rest] == [turns[0].job]
    assert rest.next is None
    assert len(tx.jobs(Filters(limit=lists.LOOK + 5))) == lists.LOOK + 5


@pytest.mark.usefixtures("each_engine")
def test_a_pruned_job_is_not_found_by_its_tag() -> None:
    tx = memory_transaction()
    happen(tx, Turn(place=0, tags={"a": "1", "b": "2"}))
    tags = "SELECT count(*) FROM tags"
    assert tx._db.execute(tags).fetchone() == (2,)
    tx._db.execute("DELETE FROM jobs")
    assert tx._db.execute(tags).fetchone() == (0,)


def test_jobs_of_an_earlier_version_are_found_by_their_tags() -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        for number, sql in migrations()[:2]:
            db.executescript(f"{sql}\nPRAGMA user_version = {number};\nPRAGMA application_id = {APPLICATION_ID};")
        for kept in (a_job(1, intent="1", tags={"a": "1", "b": "2"}), a_job(2, intent="2")):
            job = kept.job
            values = (kept.number, job.source, job.status, kept.number, kept.intent, msgspec.json.encode(kept))
            db.execute(
                "INSERT INTO jobs (number, source, status, root, intent, data) VALUES (?, ?, ?, ?, ?, ?)", values
            )
        migrate(db)
        tx = SqliteTransaction(db, ids.Ids(Clock()))
        assert [kept.job.tags for kept in tx.jobs(Filters(tags={"b": "2"}))] == [{"a": "1", "b": "2"}]
        assert db.execute("SELECT count(*) FROM tags").fetchone() == (2,)
