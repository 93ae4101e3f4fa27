"""What a unit of work has written, kept in memory until it goes to the database in one go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import psycopg

from receiver.store.postgres.arrays import byteas, numbers, texts

_PACK: Final[dict[str, Callable[[Sequence[Any]], bytes]]] = {"bigint": numbers, "text": texts, "bytea": byteas}


class RowsInto(NamedTuple):
    """How rows of one kind are written: the columns in order, with their types, and the statement."""

    table: str
    columns: tuple[tuple[str, str], ...]
    sql: str
    #: Rows that other processes write too are written in the order of their keys, so that nobody waits in a circle.
    in_order: bool = False

    def run(self, connection: psycopg.Connection[Any], rows: Sequence[Sequence[Any]]) -> None:
        """Writes all of them by one statement."""
        packed = [_PACK[kind](column) for (_, kind), column in zip(self.columns, zip(*rows, strict=True), strict=True)]
        connection.execute(self.sql.encode(), packed)


def _columns(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, kind) for name, _, kind in (one.strip().partition(" ") for one in text.split(",")))


def _unnested(columns: tuple[tuple[str, str], ...]) -> str:
    return ", ".join(f"${place}::{kind}[]" for place, (_, kind) in enumerate(columns, 1))


def _insert(table: str, text: str, more: str = "", *, in_order: bool = False) -> RowsInto:
    columns = _columns(text)
    names = ", ".join(name for name, _ in columns)
    sql = f"INSERT INTO {table} AS known ({names}) SELECT * FROM unnest({_unnested(columns)}) {more}"
    return RowsInto(table, columns, sql, in_order)


def _update(table: str, text: str, more: str = "") -> RowsInto:
    columns = _columns(text)
    names = [name for name, _ in columns]
    sets = ", ".join(f"{name} = new.{name}" for name in names if name != "number")
    source = f"unnest({_unnested(columns)}) AS new ({', '.join(names)})"
    return RowsInto(table, columns, f"UPDATE {table} SET {sets}{more} FROM {source} WHERE {table}.number = new.number")


def _delete(table: str, name: str) -> RowsInto:
    sql = f"DELETE FROM {table} WHERE {name} = ANY ($1::text[])"
    return RowsInto(table, ((name, "text"),), sql)


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

MARKS: Final = _update("requests", "state text, note text, number bigint")
CHECKS: Final = _update("jobs", "check_at bigint, number bigint")
COSTS: Final = _insert(
    "costs",
    "job bigint, source text, rule text, at bigint, state text, unit text, amount text",
    "ON CONFLICT (job) DO UPDATE SET source = excluded.source, rule = excluded.rule, at = excluded.at, "
    "state = excluded.state, unit = excluded.unit, amount = excluded.amount",
)
#: What is to be added to sums, never what they shall be: other processes add to them too.
SUMS: Final = _insert(
    "cost_sums",
    "size bigint, at bigint, source text, rule text, state text, unit text, amount text, unknown bigint, jobs bigint",
    "ON CONFLICT (size, at, source, rule, state, unit) DO UPDATE SET "
    "amount = (known.amount::numeric + excluded.amount::numeric)::text, "
    "unknown = known.unknown + excluded.unknown, jobs = known.jobs + excluded.jobs",
    in_order=True,
)
NO_SUMS: Final = """
    DELETE FROM cost_sums USING (SELECT DISTINCT unnest($1::bigint[]) AS at) AS changed
    WHERE cost_sums.at = changed.at AND jobs = 0
"""
CLOSED_BREAKERS: Final = _delete("breakers", "source")
BREAKERS: Final = _insert(
    "breakers", "source text, code text, note text, since bigint, probe_at bigint, failures bigint", in_order=True
)
FREE_DESTINATIONS: Final = _delete("destinations", "lane")
DESTINATIONS: Final = _insert(
    "destinations", "lane text, wait_until bigint, failures bigint, paused_at bigint, probes bigint", in_order=True
)
FREE_MISSING: Final = _delete("missing_webhooks", "source")
MISSING: Final = _insert(
    "missing_webhooks",
    "source text, since bigint, jobs bigint",
    "ON CONFLICT (source) DO UPDATE SET since = excluded.since, jobs = excluded.jobs",
    in_order=True,
)
WARNINGS: Final = _insert(
    "job_warnings",
    "source text, warning text, jobs bigint",
    "ON CONFLICT (source, warning) DO UPDATE SET jobs = known.jobs + excluded.jobs",
    in_order=True,
)
PICTURES: Final = _insert("inline_pictures", "job bigint, sha256 bytea, body bytea", "ON CONFLICT DO NOTHING")
META: Final = _insert(
    "meta", "name text, value bytea", "ON CONFLICT (name) DO UPDATE SET value = excluded.value", in_order=True
)
#: The held jobs that have waited longest are looked at; locked in the order of their numbers, as all jobs are.
HELD_CHECKS: Final = RowsInto(
    "jobs",
    (("now", "bigint"), ("most", "bigint")),
    """
    WITH asked AS (
        SELECT max(now) AS now, max(most) AS most FROM unnest($1::bigint[], $2::bigint[]) AS held (now, most)
    ), few AS (
        SELECT number, now FROM jobs CROSS JOIN asked WHERE number IN (
            SELECT number FROM jobs WHERE status = 'held' AND (question IS NULL OR question <> intent)
            ORDER BY number LIMIT (SELECT most FROM asked)
        ) AND (check_at IS NULL OR check_at > now) ORDER BY number FOR NO KEY UPDATE OF jobs
    )
    UPDATE jobs SET check_at = few.now FROM few WHERE jobs.number = few.number AND jobs.status = 'held'
    """,
)

#: In the order in which they are written.
KINDS: Final = (
    REQUESTS,
    MARKS,
    EVENTS,
    NEW_JOBS,
    JOBS,
    CHECKS,
    ANSWERS,
    TAGS,
    PICTURES,
    NEW_DELIVERIES,
    DELIVERIES,
    ATTEMPTS,
    COSTS,
    SUMS,
    CLOSED_BREAKERS,
    BREAKERS,
    FREE_DESTINATIONS,
    DESTINATIONS,
    FREE_MISSING,
    MISSING,
    WARNINGS,
    META,
    HELD_CHECKS,
)


class PendingRows:
    """Rows that are to be written; what is written last of a row counts, None takes it away again."""

    def __init__(self) -> None:
        self._rows: dict[RowsInto, dict[Any, Sequence[Any] | None]] = {kind: {} for kind in KINDS}

    def of(self, kind: RowsInto) -> dict[Any, Any]:
        """The rows of a kind, each under what makes it one."""
        return self._rows[kind]

    def __bool__(self) -> bool:
        return any(self._rows.values())

    def tables(self) -> frozenset[str]:
        """The tables that they are written into."""
        return frozenset(kind.table for kind, rows in self._rows.items() if rows)

    def touches(self, tables: frozenset[str]) -> bool:
        """Whether any of these tables is written into."""
        return any(rows and kind.table in tables for kind, rows in self._rows.items())

    def write(self, connection: psycopg.Connection[Any]) -> None:
        """Hands all rows to an open pipeline."""
        for kind, rows in self._rows.items():
            given = [row for row in (_in_order(rows) if kind.in_order else rows.values()) if row is not None]
            if given:
                kind.run(connection, given)
        sums = [key[1] for key, row in self._rows[SUMS].items() if row is not None and row[-1] <= 0]
        if sums:
            connection.execute(NO_SUMS.encode(), (numbers(sums),))

    def clear(self) -> None:
        """They are written."""
        for rows in self._rows.values():
            rows.clear()


def _in_order(rows: dict[Any, Sequence[Any] | None]) -> list[Sequence[Any] | None]:
    return [rows[key] for key in sorted(rows)]
