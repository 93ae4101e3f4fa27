"""`gridhook prune`, killed with SIGKILL in the middle: what it leaves is whole, and the next run does the rest."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Final

from bench.measures import past
from cli.parts import GRID, configured, done, run, running, values, webhook
from support.files import dispatching

COUNT: Final = 1000
#: Seconds until the command must have begun.
PATIENCE: Final = 30.0
ORPHANS: Final = """
    SELECT (SELECT count(*) FROM events WHERE job NOT IN (SELECT number FROM jobs)),
        (SELECT count(*) FROM events WHERE request NOT IN (SELECT number FROM requests)),
        (SELECT count(*) FROM deliveries WHERE job NOT IN (SELECT number FROM jobs)),
        (SELECT count(*) FROM jobs WHERE event IS NOT NULL AND event NOT IN (SELECT number FROM events)),
        (SELECT count(*) FROM forgotten)
"""


def jobs(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM jobs").fetchone()[0])


def test_a_kill_in_the_middle_leaves_nothing_hanging(tmp_path: Path) -> None:
    configured(tmp_path)
    webhook(tmp_path, GRID)
    database = tmp_path / "gridhook.db"
    past.fill(database, past.stencil(database), COUNT, lambda _: None)
    with dispatching(database), closing(sqlite3.connect(database)) as db:
        with db:
            db.execute("UPDATE deliveries SET state = 'done', due_at = 0")
        # Beside a dispatching process it rests between its steps.
        with running(tmp_path, "prune", "--older-than", "1h") as process:
            ends = time.monotonic() + PATIENCE
            while jobs(db) > COUNT - 100 and time.monotonic() < ends:
                assert process.poll() is None
            process.kill()
            process.wait()
        left = jobs(db)
        assert 5 < left <= COUNT - 100, "it was not killed in the middle"
        assert db.execute(ORPHANS).fetchone() == (0, 0, 0, 0, COUNT + 1 - left)
    [rest] = values(run(tmp_path, "prune", "--older-than", "1h", "--json"))
    with closing(sqlite3.connect(database)) as db:
        young = jobs(db)
        assert rest["pruned"]["jobs"] == left - young
        assert young < 10, "those of the last hour"
        assert db.execute("SELECT count(*) FROM requests").fetchone() == (young,)
    assert webhook(tmp_path, GRID).duplicate
    assert len(done(run(tmp_path, "jobs", "--json")).splitlines()) == young
