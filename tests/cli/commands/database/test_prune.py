"""`prune`: what it counts, what it takes away, and what it refuses."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from cli.parts import GRID, configured, done, run, values, webhook
from support.files import dispatching
from support.world import PICKED

#: Older than anything by the time it is asked.
NOTHING_KEPT: Final = ("--older-than", "0s")


def over(folder: Path, more: str = "") -> Path:
    """A grid that was reported long ago, its message delivered."""
    file = configured(folder)
    file.write_text(more + file.read_text())
    webhook(folder, GRID)
    with closing(sqlite3.connect(folder / "gridhook.db")) as db, db:
        db.execute("UPDATE deliveries SET state = 'done', due_at = 0")
    return folder


def test_it_prints_what_is_gone(tmp_path: Path) -> None:
    over(tmp_path)
    first, *table, last = done(run(tmp_path, "prune", *NOTHING_KEPT)).splitlines()
    assert first.startswith("older than 20")
    assert first.endswith(", gone:")
    assert [line.split() for line in table] == [
        ["WHAT", "ROWS"],
        ["jobs", "1"],
        ["events", "1"],
        ["deliveries", "1"],
        ["attempts", "0"],
        ["requests", "1"],
    ]
    assert last.startswith("database: 0.")
    assert done(run(tmp_path, "jobs", "--json")) == ""


def test_a_dry_run_only_counts(tmp_path: Path) -> None:
    over(tmp_path)
    [counted] = values(run(tmp_path, "prune", *NOTHING_KEPT, "--dry-run", "--json"))
    assert counted["dry_run"] is True
    assert len(values(run(tmp_path, "jobs", "--json"))) == 1
    [gone] = values(run(tmp_path, "prune", *NOTHING_KEPT, "--json"))
    assert (
        counted["pruned"] == gone["pruned"] == {"jobs": 1, "events": 1, "deliveries": 1, "attempts": 0, "requests": 1}
    )
    assert gone["shrinks"] is True


def test_what_is_younger_than_the_retention_stays(tmp_path: Path) -> None:
    over(tmp_path, 'retention = "1h"\n')
    [gone] = values(run(tmp_path, "prune", "--json"))
    assert set(gone["pruned"].values()) == {0}


def test_requests_go_by_an_age_of_their_own_and_their_jobs_stay(tmp_path: Path) -> None:
    over(tmp_path, 'retention = { requests = "1h", progress = "1h" }\n')
    [young] = values(run(tmp_path, "prune", "--json"))
    assert set(young["pruned"].values()) == {0}
    [gone] = values(run(tmp_path, "prune", *NOTHING_KEPT, "--json"))
    assert gone["pruned"]["jobs"] == gone["pruned"]["requests"] == 1


def test_a_planned_order_stays_with_what_led_to_it(tmp_path: Path) -> None:
    configured(tmp_path)
    webhook(tmp_path, PICKED)
    [gone] = values(run(tmp_path, "prune", *NOTHING_KEPT, "--json"))
    assert set(gone["pruned"].values()) == {0}
    assert len(values(run(tmp_path, "jobs", "--json"))) == 2


def test_a_repeat_after_it_is_a_duplicate(tmp_path: Path) -> None:
    over(tmp_path)
    done(run(tmp_path, "prune", *NOTHING_KEPT))
    taken = webhook(tmp_path, GRID)
    assert (taken.events, taken.duplicate) == (0, True)


@pytest.mark.parametrize(
    ("args", "word"),
    [((), "--older-than"), (("--older-than", "long"), "--older-than"), (("--dry-run", "--vacuum"), "--dry-run")],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, args: tuple[str, ...], word: str) -> None:
    over(tmp_path)
    result = run(tmp_path, "prune", *args)
    assert result.exit_code == 2
    assert word in result.stderr


def test_the_file_is_written_anew_if_nobody_dispatches_from_it(tmp_path: Path) -> None:
    over(tmp_path)
    with dispatching(tmp_path / "gridhook.db"):
        refused = run(tmp_path, "prune", *NOTHING_KEPT, "--vacuum")
    assert refused.exit_code == 1
    assert "stop it first" in refused.stderr
    [gone] = values(run(tmp_path, "prune", *NOTHING_KEPT, "--vacuum", "--json"))
    assert gone["pruned"]["jobs"] == 1
    assert gone["bytes_free"] == 0


def test_a_file_of_an_earlier_version_is_told_of(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "gridhook.db")) as db:
        db.execute("PRAGMA journal_mode = WAL")
    over(tmp_path)
    assert "prune --vacuum" in done(run(tmp_path, "prune", *NOTHING_KEPT))
    assert "prune --vacuum" not in done(run(tmp_path, "prune", *NOTHING_KEPT, "--vacuum"))
