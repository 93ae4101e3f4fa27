"""Locks and reads, in one round trip, all that the works of a commit miss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import psycopg
from psycopg.errors import SerializationFailure

from receiver.contracts import MissingWebhooks
from receiver.model.deliveries import Delivery
from receiver.model.destinations import Destination
from receiver.model.jobs import KeptJob
from receiver.model.money import Breaker, CostRow, Scope
from receiver.store.postgres import claims, flush
from receiver.store.postgres.arrays import byteas, numbers, texts
from receiver.store.postgres.claims import AskedClaim
from receiver.store.postgres.connections import PostgresStatements
from receiver.store.postgres.loaded import Asked, FoundSums, LoadedRows, Small, SumSpan, Wanted
from receiver.store.postgres.unit import UnitOfWork
from receiver.store.sql.choices import MOST as MOST_CHOICES
from receiver.store.sql.keys import id_key, key_of
from receiver.store.tables.deliveries import DELIVERY_COLUMNS, delivery_of
from receiver.store.tables.jobs import JOB_COLUMNS
from receiver.store.tables.money import cost_of, sum_of, sum_statements

Cursor = psycopg.Cursor[Any]

#: The jobs that are wanted, by number, vendor's key, intent or question; and what each follows from, which is hardly
#: ever not asked for next.
_WANTED: Final = """number IN (
    WITH named AS (
        SELECT number, parent, root FROM jobs WHERE number = ANY ($1::bigint[])
        UNION ALL SELECT number, parent, root FROM jobs WHERE key = ANY ($2::bigint[])
        UNION ALL SELECT number, parent, root FROM jobs WHERE intent = ANY ($3::text[])
        UNION ALL SELECT number, parent, root FROM jobs WHERE question = ANY ($4::text[])
    )
    SELECT number FROM named UNION ALL SELECT parent FROM named UNION ALL SELECT root FROM named
)"""
#: Apart from the reading: a statement that waits for a lock returns what others rows were before that.
LOCK_JOBS: Final = f"SELECT number FROM jobs WHERE {_WANTED} ORDER BY number FOR NO KEY UPDATE"
READ_JOBS: Final = f"""
    SELECT {JOB_COLUMNS}, source, provider_job_id, ARRAY(SELECT key FROM events WHERE events.job = jobs.number)
    FROM jobs WHERE {_WANTED}
"""
LOCK_DELIVERIES: Final = f"""
    SELECT {DELIVERY_COLUMNS} FROM deliveries WHERE number = ANY ($1::bigint[]) OR number IN (
        SELECT number FROM deliveries WHERE job = ANY ($2::bigint[]) AND event IS NULL
    ) ORDER BY number FOR NO KEY UPDATE
"""
COSTS: Final = "SELECT * FROM costs WHERE job = ANY ($1::bigint[])"
#: Under the lock of the root, which who asks has loaded.
FAMILIES: Final = """
    SELECT root, count(*) FROM jobs WHERE root = ANY ($1::bigint[]) AND parent IS NOT NULL GROUP BY root
"""
FORGOTTEN: Final = "SELECT key FROM forgotten WHERE key = ANY ($1::bigint[])"
#: Who closes a breaker sees every job that somebody holds because of it.
BREAKERS: Final = "SELECT * FROM breakers WHERE source = ANY ($1::text[]) ORDER BY source FOR SHARE"
OWN_BREAKERS: Final = "SELECT * FROM breakers WHERE source = ANY ($1::text[]) ORDER BY source FOR UPDATE"
#: Claims lock lanes too.
LOCK_LANES: Final = "SELECT lane FROM lanes ORDER BY lane FOR UPDATE"
CHOICES: Final = f"""
    INSERT INTO choices SELECT * FROM unnest($1::bigint[], $2::bytea[]) AS new (number, body)
    WHERE (SELECT count(*) FROM choices) < {MOST_CHOICES} ORDER BY new.number ON CONFLICT DO NOTHING
"""
KEPT_CHOICES: Final = "SELECT number FROM choices WHERE number = ANY ($1::bigint[])"
SMALL: Final = ("destinations", "missing_webhooks", "breakers", "meta_numbers")
#: Column places of `flush.NEW_JOBS`.
_PARENT, _ROOT = 9, 10


class AskedJobs(NamedTuple):
    """Jobs on their way: those that are locked, and those that are read after that."""

    locked: Cursor
    read: Cursor


class Fetch:
    """One round trip: made with what is wanted, sent within a pipeline, taken in when that is over."""

    def __init__(self, unit: UnitOfWork, connection: psycopg.Connection[Any], owner: int) -> None:
        self._unit = unit
        self._loaded: LoadedRows = unit.loaded
        self._wanted = unit.loaded.wanted
        self._connection = connection
        self._direct = PostgresStatements(connection)
        self._owner = owner
        #: What takes each answer in, in order.
        self._takers: list[Callable[[], None]] = []

    def run(self, first: Sequence[str], kept: Callable[[tuple[Any, ...]], KeptJob]) -> list[Any]:
        """Sends it behind the statements `first`; returns a row of each of those. `kept` decodes a job's row."""
        self._loaded.wanted = Wanted()
        with self._connection.pipeline():
            before = [self._run(statement) for statement in first]
            if self._loaded.small is None:
                self._ask_small()
            if self._unit.pending and (self._wanted.reads or self._wanted.claim is not None):
                self._unit.pending.write(self._connection)
                self._unit.flushed()
            self._ask_jobs(kept)
            self._ask_deliveries()
            self._ask_money()
            self._ask_marks()
            for asked in self._wanted.reads:
                self._ask_read(asked)
            self._ask_claim()
        for take in self._takers:
            take()
        return [cursor.fetchone() if cursor.description else None for cursor in before]

    def _run(self, sql: str, values: Sequence[Any] = ()) -> Cursor:
        return self._connection.execute(sql.encode(), values, binary=True)

    # --- jobs and deliveries

    def _ask_jobs(self, kept: Callable[[tuple[Any, ...]], KeptJob]) -> None:
        wanted = self._wanted
        if not wanted.names_jobs:
            return
        names = (
            numbers(list(wanted.jobs)),
            numbers([id_key(provider_job_id) for _, provider_job_id in wanted.at]),
            texts(list(wanted.intents)),
            texts(list(wanted.questions)),
        )
        asked = AskedJobs(self._run(LOCK_JOBS, names), self._run(READ_JOBS, names))
        self._takers.append(lambda: self._take_jobs(asked, kept))

    def _take_jobs(self, asked: AskedJobs, kept: Callable[[tuple[Any, ...]], KeptJob]) -> None:
        """Takes those that are locked in.

        What appeared between the lock and the reading is not locked: then all that was asked for is wanted still,
        but for what was found. Raises SerializationFailure if that would be locked out of order: two processes that
        each hold what the other one wants would wait for each other.
        """
        loaded, wanted = self._loaded, self._wanted
        locked = {number for (number,) in asked.locked}
        rows = asked.read.fetchall()
        appeared = [row[0] for row in rows if row[0] not in locked]
        if locked and appeared and min(appeared) < max(locked):
            raise SerializationFailure("jobs appeared while others were waited for")
        if not appeared:
            loaded.jobs |= {number: None for number in wanted.jobs if number not in loaded.jobs}
            loaded.at |= {key: None for key in wanted.at if key not in loaded.at}
            loaded.intents |= {intent: None for intent in wanted.intents if intent not in loaded.intents}
            loaded.questions |= {intent: None for intent in wanted.questions if intent not in loaded.questions}
        for row in rows:
            number, intent, question = row[:3]
            if number not in locked or loaded.jobs.get(number) is not None:
                continue  # it is here already, and may have been changed since
            loaded.jobs[number] = kept(row[:7])
            source, provider_job_id, keys = row[7:]
            loaded.event_keys[number] = frozenset(keys)
            if provider_job_id is not None:
                loaded.at[source, provider_job_id] = number
            if intent is not None:
                loaded.intents[intent] = number
            if question is not None:
                loaded.questions[question] = number

    def _ask_deliveries(self) -> None:
        wanted = self._wanted
        if not wanted.deliveries and not wanted.orders:
            return
        names = numbers(list(wanted.deliveries)), numbers(list(wanted.orders))
        found = self._run(LOCK_DELIVERIES, names)
        self._takers.append(lambda: self._take_deliveries([delivery_of(row) for row in found]))

    def _take_deliveries(self, found: list[Delivery]) -> None:
        loaded, wanted = self._loaded, self._wanted
        orders: dict[int, int | None] = dict.fromkeys(wanted.orders)
        for one in found:
            if one.event is None:
                orders[one.job] = one.number
        loaded.orders |= {job: number for job, number in orders.items() if job not in loaded.orders}
        none: dict[int, Delivery | None] = dict.fromkeys(wanted.deliveries)
        none |= {one.number: one for one in found}
        # What is here already may have been changed since.
        loaded.deliveries |= {number: one for number, one in none.items() if number not in loaded.deliveries}

    # --- of money

    def _ask_money(self) -> None:
        wanted, loaded = self._wanted, self._loaded
        if wanted.costs:
            costs = self._run(COSTS, (numbers(list(wanted.costs)),))
            asked = dict.fromkeys(wanted.costs)

            def take_costs() -> None:
                found: dict[int, CostRow | None] = {**asked, **{row[0]: cost_of(row) for row in costs}}
                loaded.costs |= {job: row for job, row in found.items() if job not in loaded.costs}

            self._takers.append(take_costs)
        scopes: set[Scope] = {span.of for span in wanted.sums if span.of is not None}
        for key in sorted(budget_lock(scope) for scope in scopes):
            self._run("SELECT pg_advisory_xact_lock($1::bigint)", (key,))
        for span in wanted.sums:
            self._ask_sums(span)
        for sources, sql in ((wanted.breakers - wanted.own_breakers, BREAKERS), (wanted.own_breakers, OWN_BREAKERS)):
            if sources:
                self._ask_breakers(sources, sql)
        loaded.own_breakers |= wanted.own_breakers

    def _ask_sums(self, span: SumSpan) -> None:
        found = [self._direct.execute(sql, values) for sql, values in sum_statements(*span)]
        changes = self._unit.flushed_changes

        def take() -> None:
            self._loaded.sums[span] = FoundSums([sum_of(row) for cursor in found for row in cursor], changes)

        self._takers.append(take)

    def _ask_breakers(self, sources: set[str], sql: str) -> None:
        found = self._run(sql, (texts(sorted(sources)),))

        def take() -> None:
            there = {row[0]: _struct(Breaker, row) for row in found}
            self._loaded.breakers |= {source: there.get(source) for source in sources}

        self._takers.append(take)

    # --- what is small, or a mark

    def _ask_small(self) -> None:
        found = [self._run(f"SELECT * FROM {table}") for table in SMALL]
        some = self._run("SELECT EXISTS (SELECT 1 FROM forgotten)")

        def take() -> None:
            row = some.fetchone()
            destinations, missing, breakers, known = found
            self._loaded.small = Small(
                {row[0]: _struct(Destination, row) for row in destinations},
                {row[0]: _struct(MissingWebhooks, row) for row in missing},
                {row[0]: _struct(Breaker, row) for row in breakers},
                dict(known.fetchall()),
                bool(row and row[0]),
            )

        self._takers.append(take)

    def _ask_marks(self) -> None:
        wanted, loaded = self._wanted, self._loaded
        if wanted.families:
            families = self._run(FAMILIES, (numbers(list(wanted.families)),))
            unwritten = self._unwritten_children()
            self._takers.append(lambda: self._take_families(dict(families.fetchall()), unwritten))
        if wanted.forgotten:
            forgotten = self._run(FORGOTTEN, (numbers(list(wanted.forgotten)),))
            self._takers.append(
                lambda: loaded.forgotten.update(
                    {**dict.fromkeys(wanted.forgotten, False), **{key: True for (key,) in forgotten}}
                )
            )
        if wanted.destinations:
            self._run(LOCK_LANES)
            destinations = self._run("SELECT * FROM destinations")
            self._takers.append(lambda: self._take_destinations(destinations.fetchall()))
        if wanted.choices:
            self._ask_choices(dict(wanted.choices))

    def _unwritten_children(self) -> list[int]:
        """The root of each new job that follows another one and is not in the database yet."""
        rows = self._unit.pending.of(flush.NEW_JOBS).values()
        return [row[_ROOT] for row in rows if row[_PARENT] is not None]

    def _take_families(self, sizes: dict[int, int], unwritten: list[int]) -> None:
        for root in self._wanted.families:
            self._loaded.families.setdefault(root, sizes.get(root, 0) + unwritten.count(root))

    def _take_destinations(self, rows: list[tuple[Any, ...]]) -> None:
        small = self._loaded.small
        if small is not None:
            small.destinations.clear()
            small.destinations.update({row[0]: _struct(Destination, row) for row in rows})
        self._loaded.owns_destinations = True

    def _ask_choices(self, bodies: dict[int, bytes]) -> None:
        self._run(CHOICES, (numbers(list(bodies)), byteas(list(bodies.values()))))
        kept = self._run(KEPT_CHOICES, (numbers(list(bodies)),))

        def take() -> None:
            there = {number for (number,) in kept}
            self._loaded.choices |= {number: number if number in there else None for number in bodies}

        self._takers.append(take)

    # --- all else

    def _ask_read(self, asked: Asked) -> None:
        cursor = self._direct.execute(*asked)
        self._takers.append(lambda: self._loaded.reads.update({asked: cursor.fetchall()}))

    def _ask_claim(self) -> None:
        if self._wanted.claim is None:
            return
        name, lanes, now = self._wanted.claim
        asked = claims.ask(self._run, lanes, now, self._owner)
        self._takers.append(lambda: self._take_claim(name, asked))

    def _take_claim(self, name: tuple[int, tuple[str, ...]], asked: AskedClaim | None) -> None:
        found = claims.found(asked)
        self._unit.claimed[name] = found.due
        self._unit.must_commit |= found.has_new_lanes
        self._loaded.events |= found.events
        self._loaded.receipts = found.receipts
        self._loaded.deliveries |= {one.number: one for one in found.due.deliveries}
        self._loaded.forget_reads(frozenset({"deliveries", "lanes", "destinations"}))


def budget_lock(scope: Scope) -> int:
    """The key of the lock that whoever spends of a budget holds until that is committed."""
    return key_of(f"budget\0{scope[0]}\0{scope[1]}".encode())


def _struct(kind: type[Any], row: Sequence[Any]) -> Any:
    return kind(**dict(zip(kind.__struct_fields__, row, strict=True)))
