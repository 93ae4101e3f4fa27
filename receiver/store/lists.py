"""Lists: filters to SQL, newest first."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any, Final

from receiver.contracts import Filters
from receiver.ids import first_at

#: Which filter is which condition, for each table. A job's fields are looked up where a row only names its job.
JOB_FILTERS: Final[dict[str, str]] = {
    "status": "status = ?",
    "source": "source = ?",
    "action": "action = ?",
    "provider_job_id": "provider_job_id = ?",
    "job": "number = ?",
    "root": """number IN (
        SELECT number FROM jobs WHERE root = ? AND parent IS NOT NULL
        UNION SELECT number FROM jobs WHERE number = ? AND parent IS NULL
    )""",
    "parent": "parent = ?",
    "tags": "EXISTS (SELECT 1 FROM json_each(CAST(data AS TEXT), '$.job.tags') WHERE key = ? AND value = ?)",
}
_OF_JOB: Final[dict[str, str]] = {
    name: f"job IN (SELECT number FROM jobs WHERE {condition})"
    for name, condition in JOB_FILTERS.items()
    if name not in ("source", "job")
}
EVENT_FILTERS: Final[dict[str, str]] = {**_OF_JOB, "type": "type = ?", "source": "source = ?", "job": "job = ?"}
_TOLD_OF: Final = "(ref_job IN ({jobs}) OR number IN (SELECT request FROM events WHERE job IN ({jobs})))"
REQUEST_FILTERS: Final[dict[str, str]] = {
    **{
        name: _TOLD_OF.format(jobs=f"SELECT number FROM jobs WHERE {JOB_FILTERS[name]}")
        for name in ("action", "provider_job_id", "root", "parent", "tags")
    },
    "status": "state = ?",
    "source": "source = ?",
    "job": "(ref_job = ? OR number IN (SELECT request FROM events WHERE job = ?))",
}
DELIVERY_FILTERS: Final[dict[str, str]] = {
    **_OF_JOB,
    "status": "state = ?",
    "source": "job IN (SELECT number FROM jobs WHERE source = ?)",
    "sink": "lane = 'sink:' || ?",
    "type": "event IN (SELECT number FROM events WHERE type = ?)",
    "job": "job = ?",
}


def listing(
    db: sqlite3.Connection, columns: str, table: str, known: Mapping[str, str], filters: Filters
) -> list[tuple[Any, ...]]:
    """The rows of a table that pass the filters, newest first, at most `filters.limit`."""
    where, values = _conditions(known, filters)
    sql = f"SELECT {columns} FROM {table} WHERE {' AND '.join(where) or '1'} ORDER BY number DESC LIMIT ?"
    return db.execute(sql, (*values, filters.limit)).fetchall()


def _conditions(known: Mapping[str, str], filters: Filters) -> tuple[list[str], list[object]]:
    where: list[str] = []
    values: list[object] = []

    def add(condition: str, *given: object) -> None:
        where.append(condition)
        values.extend(given)

    if filters.before is not None:
        add("number < ?", filters.before)
    if filters.since is not None:
        add("number >= ?", first_at(filters.since))
    if filters.until is not None:
        add("number < ?", first_at(filters.until))
    for name in ("type", "status", "source", "sink", "action", "provider_job_id", "job", "root", "parent"):
        value = getattr(filters, name)
        if value is not None and name in known:
            add(known[name], *[value] * known[name].count("?"))
    for tag, text in filters.tags.items():
        if "tags" in known:
            add(known["tags"], *[tag, text] * (known["tags"].count("?") // 2))
    return where, values
