"""Nothing that is read takes longer because there is more: each statement goes by an index, and sorts nothing large."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from decimal import Decimal
from typing import Any, Final

import psycopg
import pytest

from receiver.contracts import Budget, Filters
from receiver.contracts.setup import Limits, Setup
from receiver.lib.ids import Ids
from receiver.store.postgres.connections import PostgresStatements, connect
from receiver.store.postgres.dialect import translated
from receiver.store.postgres.migrate import migrate
from receiver.store.postgres.transaction import PostgresTransaction
from receiver.views.gauges import gauges
from store.sqlite.test_growth import LISTED, OLD, READS, USUAL
from support.history import happen, repeat
from support.postgres import ServerOfTests
from support.records import NOW, a_source
from support.world import Clock

TURNS: Final = 4_000
#: The tables that grow with what comes in.
LARGE: Final = frozenset({"requests", "jobs", "events", "deliveries", "attempts", "costs", "tags"})
DAILY: Final = Budget(amount=Decimal(9), unit="credits", per="day")
#: What there is of each delivery in the tables that turns do not write: an empty one is read as a whole.
OF_EACH: Final = {
    "attempts": "number, 1, '', 1, 'delivered', 200, NULL",
    "costs": "number, 'journey', NULL, due_at, 'spent', 'credits', '2'",
    "tags": "'other', number::text, job",
}
#: So many rows may be sorted: a page, and what is looked at for one.
FEW: Final = 600


class Explained(PostgresStatements):
    """Statements of which it is looked first how PostgreSQL goes about them."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        super().__init__(connection)
        self._connection = connection
        self.seen: set[str] = set()
        #: What takes longer the more there is, by statement.
        self.large: dict[str, list[str]] = {}

    def execute(self, sql: str, values: Sequence[Any] = (), /) -> psycopg.Cursor[Any]:
        """Runs one statement."""
        ours = translated(sql)
        if ours.sql not in self.seen and re.match(r"\s*(SELECT|WITH|UPDATE|DELETE)", ours.sql):
            self.seen.add(ours.sql)
            row = self._connection.execute(f"EXPLAIN (FORMAT JSON) {ours.sql}".encode(), ours.values(values)).fetchone()
            assert row is not None
            found = [step for node in nodes(row[0][0]["Plan"]) if (step := large(node)) is not None]
            self.large |= {ours.sql: found} if found else {}
        return super().execute(sql, values)


class Past:
    """A database with a long past, and what is asked of it."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def asked(self, *works: Callable[[Any], object]) -> Explained:
        """What works asked; what they write is taken back."""
        statements = Explained(self._connection)
        tx = PostgresTransaction(statements, Ids(Clock()))
        for work in works:
            with self._connection.transaction(force_rollback=True):
                work(tx)
        return statements


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A plan's steps, each before those that it takes its rows from."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def large(node: dict[str, Any]) -> str | None:
    """What a step does that takes longer the more there is; None if it does no such thing."""
    kind = node["Node Type"]
    if kind == "Seq Scan" and node["Relation Name"] in LARGE:
        return f"reads all of {node['Relation Name']}"
    if kind in ("Sort", "Incremental Sort") and any(below["Plan Rows"] > FEW for below in node["Plans"]):
        return f"sorts {node['Plans'][0]['Plan Rows']} rows"
    return None


@pytest.fixture(scope="module")
def past(postgres_server: ServerOfTests) -> Iterator[Past]:
    """One old turn unlike all others, and many of one kind."""
    with postgres_server.schema() as address, closing(connect(address)) as connection:
        migrate(connection)
        tx: Any = PostgresTransaction(PostgresStatements(connection), Ids(Clock()))
        happen(tx, OLD)
        repeat(tx, USUAL, TURNS)
        for table, row in OF_EACH.items():
            connection.execute(f"INSERT INTO {table} SELECT {row} FROM deliveries".encode())  # noqa: S608
        connection.execute("ANALYZE")
        yield Past(connection)


def test_every_page_of_every_list_goes_by_an_index(past: Past) -> None:
    pages = [lambda tx, table=table, wanted=wanted: getattr(tx, table)(Filters(**wanted)) for table, wanted in LISTED]
    asked = past.asked(*pages)
    assert len(asked.seen) > 80
    assert asked.large == {}


def test_every_single_read_goes_by_an_index(past: Past) -> None:
    asked = past.asked(*READS.values())
    assert len(asked.seen) > len(READS)
    assert asked.large == {}


def test_what_metrics_ask_goes_by_an_index(past: Past) -> None:
    setup = Setup(
        sources={"journey": a_source(), "frame": a_source("frame")}, rules=(), limits=Limits(budgets={"journey": DAILY})
    )
    asked = past.asked(lambda tx: gauges(tx, setup, ("team", "gone"), NOW))
    assert len(asked.seen) > 8
    assert asked.large == {}


def test_a_list_that_had_to_be_read_whole_would_be_seen(past: Past) -> None:
    asked = past.asked(lambda tx: tx._db.execute("SELECT number FROM jobs WHERE data = ? ORDER BY source", (b"",)))
    assert list(asked.large.values()) == [["reads all of jobs"]]
