"""Fills a database with a past: rows that gridhook wrote for one real event, copied with other ids and moments."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from bench.progress import Say
from receiver.lib import ids
from receiver.store.sql.keys import id_key

#: Over how much time the past is spread, milliseconds: 30 days.
SPREAD: Final = 30 * 86_400_000
#: Events of one transaction.
BATCH: Final = 10_000
#: SQLite's cache while it is filled: vendors' ids come in no order, so all of their index is touched ever again.
CACHE_KB: Final = 512 * 1024
#: Odd, so that multiplying by it shuffles 48-bit numbers without a repeat: vendors' ids do not come in order.
SHUFFLE: Final = 0x9E3779B97F4B
NEWEST: Final = "number = (SELECT max(number) FROM jobs)"
#: The numbers that belong to the newest job.
NUMBERS: Final[tuple[tuple[ids.Kind, str], ...]] = (
    ("job", f"SELECT number FROM jobs WHERE {NEWEST}"),  # noqa: S608
    ("evt", "SELECT number FROM events WHERE job = (SELECT max(number) FROM jobs)"),
    ("req", "SELECT request FROM events WHERE job = (SELECT max(number) FROM jobs)"),
    ("dlv", "SELECT number FROM deliveries WHERE job = (SELECT max(number) FROM jobs)"),
)

Value = int | str | bytes | float | None


class Stencil(msgspec.Struct, frozen=True, kw_only=True):
    """The rows of one event, and what in them differs from event to event."""

    #: Table and row.
    rows: tuple[tuple[str, tuple[Value, ...]], ...]
    #: The numbers of request, job, event and deliveries, in the order in which they were made.
    numbers: tuple[tuple[int, ids.Kind], ...]
    #: The vendor's id of the job.
    task: str


def stencil(database: Path) -> Stencil:
    """Returns the rows of the newest job in a database, which must have one event."""
    with contextlib.closing(sqlite3.connect(database)) as db:
        numbers = [(number, kind) for kind, sql in NUMBERS for (number,) in db.execute(sql)]
        known = {number for number, _ in numbers}
        tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        # Names out of the schema itself.
        rows = [(table, row) for table in tables for row in db.execute(f"SELECT * FROM {table}")]  # noqa: S608
        ((task,),) = db.execute(f"SELECT provider_job_id FROM jobs WHERE {NEWEST}")  # noqa: S608
    own = tuple((table, row) for table, row in rows if known & {value for value in row if isinstance(value, int)})
    return Stencil(rows=own, numbers=tuple(sorted(numbers)), task=task)


def copy(pattern: Stencil, number: int, at: int) -> list[tuple[str, tuple[Value, ...]]]:
    """Returns the rows of another event: the `number`th, which came at the moment `at` (Unix ms)."""
    first = ids.first_at(at)
    fresh = {old: first + place for place, (old, _) in enumerate(pattern.numbers)}
    task = f"{pattern.task[:-12]}{(number + 1) * SHUFFLE % (1 << 48):012x}"
    fresh[id_key(pattern.task)] = id_key(task)
    words = [(pattern.task, task)]
    for old, kind in pattern.numbers:
        words += [(ids.show(kind, old), ids.show(kind, fresh[old])), (str(old), str(fresh[old]))]
    raw = [(old.encode(), new.encode()) for old, new in words]
    return [(table, tuple(_changed(value, fresh, words, raw) for value in row)) for table, row in pattern.rows]


def _changed(
    value: Value, fresh: dict[int, int], words: list[tuple[str, str]], raw: list[tuple[bytes, bytes]]
) -> Value:
    if isinstance(value, int):
        return fresh.get(value, value)
    if isinstance(value, bytes):
        for before, after in raw:
            value = value.replace(before, after)
    elif isinstance(value, str):
        for old, new in words:
            value = value.replace(old, new)
    return value


def fill(database: Path, pattern: Stencil, count: int, say: Say) -> None:
    """Adds `count` copies, spread over the time before the pattern, oldest first. Nobody else may have it open."""
    ends = ids.made_at(pattern.numbers[0][0]) - 1000
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as db:
        # Only while it is filled: what breaks now is thrown away.
        db.execute("PRAGMA synchronous = OFF")
        db.execute(f"PRAGMA cache_size = -{CACHE_KB}")
        for first in range(0, count, BATCH):
            numbers = range(first, min(first + BATCH, count))
            _insert(db, (row for one in numbers for row in copy(pattern, one, ends - SPREAD + one * SPREAD // count)))
            if first and first % (BATCH * 10) == 0:
                say(f"filled {first:,} of {count:,}")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _insert(db: sqlite3.Connection, rows: Iterator[tuple[str, tuple[Value, ...]]]) -> None:
    by_table: dict[str, list[tuple[Value, ...]]] = {}
    for table, row in rows:
        by_table.setdefault(table, []).append(row)
    db.execute("BEGIN IMMEDIATE")
    for table, some in by_table.items():
        marks = ", ".join("?" * len(some[0]))
        db.executemany(f"INSERT INTO {table} VALUES ({marks})", some)  # noqa: S608
    db.execute("COMMIT")
