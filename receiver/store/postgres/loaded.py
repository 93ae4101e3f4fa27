"""What a unit of work has read and locked: it is read once for all works of a commit, and changed in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

import psycopg

from receiver.contracts import MissingWebhooks
from receiver.model.deliveries import Delivery
from receiver.model.destinations import Destination
from receiver.model.jobs import KeptJob
from receiver.model.money import Breaker
from receiver.store.postgres.arrays import numbers, texts
from receiver.store.sql.keys import id_key, job_key
from receiver.store.tables.deliveries import DELIVERY_COLUMNS, delivery_of
from receiver.store.tables.jobs import JOB_COLUMNS

#: The jobs that are wanted, by number, vendor's key, intent or question.
_WANTED: Final = """number IN (
    SELECT unnest($1::bigint[])
    UNION ALL SELECT number FROM jobs WHERE key = ANY ($2::bigint[])
    UNION ALL SELECT number FROM jobs WHERE intent = ANY ($3::text[])
    UNION ALL SELECT number FROM jobs WHERE question = ANY ($4::text[])
)"""
#: Apart from the reading: a statement that waits for a lock returns what others rows were before that.
LOCK_JOBS: Final = f"SELECT number FROM jobs WHERE {_WANTED} ORDER BY number FOR NO KEY UPDATE"
READ_JOBS: Final = f"""
    SELECT {JOB_COLUMNS}, source, provider_job_id, ARRAY(SELECT key FROM events WHERE events.job = jobs.number)
    FROM jobs WHERE {_WANTED}
"""
LOCK_DELIVERIES: Final = f"""
    SELECT {DELIVERY_COLUMNS} FROM deliveries WHERE number = ANY ($1::bigint[]) ORDER BY number FOR NO KEY UPDATE
"""
SMALL: Final = ("destinations", "missing_webhooks", "breakers")

Key = tuple[str, str]


class Wanted(NamedTuple):
    """What is not loaded and was asked for."""

    jobs: set[int]
    at: set[Key]
    intents: set[str]
    questions: set[str]
    deliveries: set[int]
    forgotten: set[int]

    def __bool__(self) -> bool:
        return any(self)


class Small(NamedTuple):
    """The tables that hold a row a source or lane at most, as they were when the commit began."""

    destinations: dict[str, Destination]
    missing_webhooks: dict[str, MissingWebhooks]
    breakers: dict[str, Breaker]
    some_forgotten: bool


class LoadedRows:
    """Jobs and deliveries, each locked; None = there is none."""

    def __init__(self) -> None:
        self.jobs: dict[int, KeptJob | None] = {}
        self.at: dict[Key, int | None] = {}
        self.intents: dict[str, int | None] = {}
        self.questions: dict[str, int | None] = {}
        #: The keys of the events of each job.
        self.event_keys: dict[int, frozenset[int]] = {}
        self.deliveries: dict[int, Delivery | None] = {}
        self.forgotten: dict[int, bool] = {}
        self.small: Small | None = None
        self.wanted = no_wish()

    def fetch(
        self,
        connection: psycopg.Connection[Any],
        first: Iterable[str],
        kept: Callable[[tuple[Any, ...]], KeptJob],
    ) -> list[Any]:
        """Locks and reads all that is wanted in one round trip, behind the statements `first`; returns their rows.

        What appears between the lock and the reading is read but not locked: it stays wanted.
        """
        wanted, self.wanted = self.wanted, no_wish()
        jobs = (
            numbers(list(wanted.jobs)),
            numbers([id_key(provider_job_id) for _, provider_job_id in wanted.at]),
            texts(list(wanted.intents)),
            texts(list(wanted.questions)),
        )
        has_jobs = any((wanted.jobs, wanted.at, wanted.intents, wanted.questions))
        with connection.pipeline():
            before = [connection.execute(statement.encode(), binary=True) for statement in first]
            small = self._ask_small(connection) if self.small is None else []
            locked = connection.execute(LOCK_JOBS.encode(), jobs, binary=True) if has_jobs else None
            read = connection.execute(READ_JOBS.encode(), jobs, binary=True) if has_jobs else None
            deliveries = (
                connection.execute(LOCK_DELIVERIES.encode(), (numbers(list(wanted.deliveries)),), binary=True)
                if wanted.deliveries
                else None
            )
            forgotten = (
                connection.execute(
                    b"SELECT key FROM forgotten WHERE key = ANY ($1::bigint[])", (numbers(list(wanted.forgotten)),)
                )
                if wanted.forgotten
                else None
            )
        if small:
            self.small = _small_of(small)
        if locked is not None and read is not None:
            self._take_jobs(wanted, {number for (number,) in locked}, read.fetchall(), kept)
        if deliveries is not None:
            self.deliveries |= dict.fromkeys(wanted.deliveries)
            self.deliveries |= {row[0]: delivery_of(row) for row in deliveries}
        if forgotten is not None:
            self.forgotten |= dict.fromkeys(wanted.forgotten, False)
            self.forgotten |= {key: True for (key,) in forgotten}
        return [cursor.fetchone() if cursor.description else None for cursor in before]

    def _ask_small(self, connection: psycopg.Connection[Any]) -> list[psycopg.Cursor[Any]]:
        statements = [f"SELECT * FROM {table}" for table in SMALL]
        statements.append("SELECT EXISTS (SELECT 1 FROM forgotten)")
        return [connection.execute(statement.encode(), binary=True) for statement in statements]

    def _take_jobs(
        self,
        wanted: Wanted,
        locked: set[int],
        rows: list[tuple[Any, ...]],
        kept: Callable[[tuple[Any, ...]], KeptJob],
    ) -> None:
        """Takes those that are locked; what others are there is wanted still, and all else is not there."""
        appeared = [row for row in rows if row[0] not in locked]
        taken = [row for row in rows if row[0] in locked]
        if appeared:  # few, and it may be anything that was asked for: what was found counts, the rest is asked again
            self.wanted = wanted
        else:
            self.jobs |= {number: None for number in wanted.jobs if number not in self.jobs}
            self.at |= {key: None for key in wanted.at if key not in self.at}
            self.intents |= {intent: None for intent in wanted.intents if intent not in self.intents}
            self.questions |= {intent: None for intent in wanted.questions if intent not in self.questions}
        for row in taken:
            number, intent, question = row[:3]
            if self.jobs.get(number) is not None:
                continue  # it is here already, and may have been changed since
            self.jobs[number] = kept(row[:7])
            source, provider_job_id, keys = row[7:]
            self.event_keys[number] = frozenset(keys)
            if provider_job_id is not None:
                self.at[source, provider_job_id] = number
            if intent is not None:
                self.intents[intent] = number
            if question is not None:
                self.questions[question] = number


def no_wish() -> Wanted:
    """Nothing is wanted."""
    return Wanted(set(), set(), set(), set(), set(), set())


def forgotten_key(source: str, provider_job_id: str) -> int:
    """The key under which a pruned job of a vendor is remembered."""
    return job_key(source, provider_job_id)


def _small_of(found: list[psycopg.Cursor[Any]]) -> Small:
    destinations, missing, breakers, forgotten = found
    row = forgotten.fetchone()
    return Small(
        {row[0]: Destination(**dict(zip(Destination.__struct_fields__, row, strict=True))) for row in destinations},
        {row[0]: MissingWebhooks(**dict(zip(MissingWebhooks.__struct_fields__, row, strict=True))) for row in missing},
        {row[0]: Breaker(**dict(zip(Breaker.__struct_fields__, row, strict=True))) for row in breakers},
        bool(row and row[0]),
    )
