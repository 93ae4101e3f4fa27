"""What a unit of work has written, kept in memory until it goes to the database in one go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import psycopg

from receiver.store.postgres.arrays import byteas, numbers, texts

_PACK: Final[dict[str, Callable[[Sequence[Any]], bytes]]] = {"bigint": numbers, "text": texts, "bytea": byteas}


class RowsInto(NamedTuple):
    """How rows of one kind are written: the columns in order, with their types, and the statement."""

    columns: tuple[tuple[str, str], ...]
    sql: str

    def run(self, connection: psycopg.Connection[Any], rows: Sequence[Sequence[Any]]) -> None:
        """Writes all of them by one statement."""
        packed = [_PACK[kind](column) for (_, kind), column in zip(self.columns, zip(*rows, strict=True), strict=True)]
        connection.execute(self.sql.encode(), packed)


def _columns(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, kind) for name, _, kind in (one.strip().partition(" ") for one in text.split(",")))


def _unnested(columns: tuple[tuple[str, str], ...]) -> str:
    return ", ".join(f"${place}::{kind}[]" for place, (_, kind) in enumerate(columns, 1))


def _insert(table: str, text: str, more: str = "") -> RowsInto:
    columns = _columns(text)
    names = ", ".join(name for name, _ in columns)
    return RowsInto(columns, f"INSERT INTO {table} ({names}) SELECT * FROM unnest({_unnested(columns)}) {more}")


def _update(table: str, text: str, more: str = "") -> RowsInto:
    columns = _columns(text)
    names = [name for name, _ in columns]
    sets = ", ".join(f"{name} = new.{name}" for name in names if name != "number")
    source = f"unnest({_unnested(columns)}) AS new ({', '.join(names)})"
    return RowsInto(columns, f"UPDATE {table} SET {sets}{more} FROM {source} WHERE {table}.number = new.number")


#: In the order of `receiver.store.tables`' statements.
REQUESTS: Final = _insert(
    "requests",
    "number bigint, source text, state text, proof text, ref_job bigint, note text, headers bytea, body bytea, "
    "sender text",
)
EVENTS: Final = _insert(
    "events",
    "number bigint, job bigint, key bigint, type text, source text, request bigint, at bigint, archive text, "
    "choices bigint, data bytea",
)
_CHANGING: Final = (
    "provider_job_id text, key bigint, status text, action text, check_at bigint, tags text, event bigint, data bytea"
)
#: By the vendor's key: two processes that add the same jobs then wait for each other in one order.
NEW_JOBS: Final = _insert(
    "jobs",
    f"{_CHANGING}, source text, parent bigint, root bigint, intent text, question text, number bigint",
    "AS new (provider_job_id, key, status, action, check_at, tags, event, data, source, parent, root, intent, "
    "question, number) ORDER BY new.key, new.source, new.number",
)
JOBS: Final = _update("jobs", f"{_CHANGING}, number bigint")
ANSWERS: Final = _update("jobs", "intent text, number bigint")
TAGS: Final = _insert("tags", "name text, value text, job bigint", "ON CONFLICT DO NOTHING")
NEW_DELIVERIES: Final = _insert(
    "deliveries",
    "number bigint, lane text, job bigint, event bigint, state text, due_at bigint, attempt bigint, base bigint, "
    "receipt text",
)
DELIVERIES: Final = _update(
    "deliveries",
    "state text, due_at bigint, attempt bigint, base bigint, receipt text, number bigint",
    ", left_at = NULL",
)
ATTEMPTS: Final = _insert(
    "attempts",
    "delivery bigint, number bigint, started_at text, took_ms bigint, outcome text, status bigint, note text",
)

#: In the order in which they are written.
KINDS: Final = (REQUESTS, EVENTS, NEW_JOBS, JOBS, ANSWERS, TAGS, NEW_DELIVERIES, DELIVERIES, ATTEMPTS)


class PendingRows:
    """Rows that are to be written; what is written last of a row counts."""

    def __init__(self) -> None:
        self._rows: dict[RowsInto, dict[Any, Sequence[Any]]] = {kind: {} for kind in KINDS}

    def of(self, kind: RowsInto) -> dict[Any, Sequence[Any]]:
        """The rows of a kind, each under what makes it one."""
        return self._rows[kind]

    def __bool__(self) -> bool:
        return any(self._rows.values())

    def write(self, connection: psycopg.Connection[Any]) -> None:
        """Hands all rows to an open pipeline, and has none any more."""
        for kind, rows in self._rows.items():
            if rows:
                kind.run(connection, list(rows.values()))
                rows.clear()
