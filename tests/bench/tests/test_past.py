"""A copied past: as many whole events as were wished for, each with ids of its own, oldest first."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import msgspec

from bench.measures import past
from cli.parts import GRID, bare, configured, done, values, webhook
from receiver.lib import ids
from receiver.lib.times import system_clock
from receiver.model.jobs import Job
from receiver.store.sqlite.transaction import SqliteTransaction

COUNT = 25


def filled(folder: Path) -> Path:
    """Returns a database with one real event and copies of it."""
    configured(folder)
    webhook(folder, GRID)
    database = folder / "gridhook.db"
    past.fill(database, past.stencil(database), COUNT, lambda _: None)
    return database


def test_every_copy_is_a_whole_event_that_fits_together(tmp_path: Path) -> None:
    with closing(sqlite3.connect(filled(tmp_path))) as db:
        tx = SqliteTransaction(db, ids.Ids(system_clock))
        jobs = [tx.job(number) for (number,) in db.execute("SELECT number FROM jobs")]
        events = [msgspec.json.decode(data, type=Job) for (data,) in db.execute("SELECT data FROM events")]
        rows = db.execute(
            """
            SELECT jobs.number, events.data, requests.body, deliveries.event = events.number FROM jobs
            JOIN events ON events.job = jobs.number
            JOIN requests ON requests.number = events.request
            JOIN deliveries ON deliveries.job = jobs.number
            """
        ).fetchall()
    assert len(jobs) == len(events) == len(rows) == COUNT + 1
    known = [kept for kept in jobs if kept is not None]
    assert len({kept.job.provider_job_id for kept in known}) == COUNT + 1
    assert all(kept.job.id == ids.show("job", kept.number) == kept.job.root_id for kept in known)
    for number, event, request, told in rows:
        assert ids.show("job", number).encode() in event
        vendors = msgspec.json.decode(event, type=Job).provider_job_id or ""
        assert vendors.encode() in request
        assert told


def test_the_past_lies_before_the_event_it_was_copied_from(tmp_path: Path) -> None:
    with closing(sqlite3.connect(filled(tmp_path))) as db:
        moments = [ids.made_at(number) for (number,) in db.execute("SELECT number FROM jobs ORDER BY number")]
    assert moments[-1] - moments[0] > past.SPREAD * 0.9
    assert max(Counter(moments).values()) == 1


def test_gridhook_lists_the_past_as_its_own(tmp_path: Path) -> None:
    filled(tmp_path)
    config = str(tmp_path / "gridhook.toml")
    listed = values(bare("jobs", "--config", config, "--json", "--limit", "100"))
    assert len(listed) == COUNT + 1
    assert listed[-1]["status"] == "completed"
    done(bare("jobs", listed[-1]["id"], "--config", config))
