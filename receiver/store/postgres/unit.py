"""The unit of work: works run against what is loaded, and what they write goes to the database together.

A work that reads what is not loaded yet is cut off and runs again when it is: what all works of a commit miss is locked
and read in one round trip, what they write is flushed with the commit in another. What no kind of `LoadedRows` covers
is left to a commit that has the database to itself (`NeedsExclusive`), but for claims, which have locks of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import msgspec

from receiver.contracts import ClaimedDue, LaneLimits, MissingWebhooks
from receiver.lib.ids import Ids, slot_of
from receiver.model.deliveries import Delivery
from receiver.model.destinations import Destination
from receiver.model.jobs import KeptJob
from receiver.model.money import Breaker
from receiver.store.postgres import flush
from receiver.store.postgres.connections import PostgresStatements
from receiver.store.postgres.flush import PendingRows, RowsInto
from receiver.store.postgres.loaded import LoadedRows, Small, forgotten_key
from receiver.store.postgres.transaction import PostgresTransaction
from receiver.store.sql.choices import ChoicesCache
from receiver.store.sql.statements import Rows
from receiver.store.tables import deliveries, events, jobs, requests
from receiver.store.tables.deliveries import changing_values

_ABSENT: Final = object()
#: Of a new job's row: the columns that an update changes come first, and where its intent stands.
_CHANGING: Final = 8
_INTENT: Final = 11


class Missing(BaseException):
    """A work has read what is not loaded: it is to run again when it is."""


class NeedsExclusive(BaseException):
    """A work does what only a commit may that has the database to itself."""


class Written:
    """What a statement returns that was taken note of: `receiver.store.sql.Rows`."""

    def __init__(self, rowcount: int) -> None:
        self.rowcount = rowcount

    def fetchone(self) -> None:
        """There is none."""

    def fetchall(self) -> list[Any]:
        """There are none."""
        return []

    def __iter__(self) -> Iterator[Any]:
        return iter(())


class UnitOfWork:
    """What the works of one commit share: what is loaded, what is to be written, and how to take that back."""

    def __init__(self, ids: Ids) -> None:
        self.loaded = LoadedRows()
        self.pending = PendingRows()
        self._ids = ids
        self._newest_before = ids.newest
        self._journal: list[tuple[dict[Any, Any], Any, Any]] = []

    def is_new(self, number: int) -> bool:
        """Whether an id was made in this commit, by this process: nothing is there under it."""
        is_ours = self._ids.slot is not None and slot_of(number) == self._ids.slot
        return is_ours and self._newest_before < number <= self._ids.newest

    def put(self, among: dict[Any, Any], key: Any, value: Any) -> None:
        """Changes what is kept in memory, so that it can be taken back."""
        self._journal.append((among, key, among.get(key, _ABSENT)))
        among[key] = value

    def mark(self) -> int:
        """Where the changes stand."""
        return len(self._journal)

    def back_to(self, mark: int) -> None:
        """Takes back all changes since then."""
        while len(self._journal) > mark:
            among, key, old = self._journal.pop()
            if old is _ABSENT:
                among.pop(key, None)
            else:
                among[key] = old


class UnitStatements:
    """Takes note of what is often written, and leaves all else to who has the database to itself."""

    def __init__(self, unit: UnitOfWork, direct: PostgresStatements) -> None:
        self._unit = unit
        self._direct = direct
        #: Whether statements go to the database.
        self.is_direct = False
        self._noted: Mapping[str, Callable[[Sequence[Any]], int]] = {
            requests.ADD: lambda row: self._note(flush.REQUESTS, row[0], row),
            events.ADD: self._add_event,
            jobs.ADD: lambda row: self._note(flush.NEW_JOBS, row[-1], row),
            jobs.PUT: self._put_job,
            jobs.ANSWER: self._answer,
            jobs.ADD_TAG: lambda row: self._note(flush.TAGS, tuple(row), row),
            deliveries.ADD: lambda row: self._note(flush.NEW_DELIVERIES, row[0], row),
            deliveries.ADD_NEW: lambda row: self._note(
                flush.NEW_DELIVERIES, row[0], (*row[:4], "pending", row[4], 0, 0, None)
            ),
            deliveries.ADD_ATTEMPT: lambda row: self._note(flush.ATTEMPTS, tuple(row[:2]), row),
        }

    def execute(self, sql: str, values: Sequence[Any] = (), /) -> Rows:
        """Takes note of it, or runs it if statements are run now. Raises NeedsExclusive."""
        if self.is_direct:
            return self._direct.execute(sql, values)
        note = self._noted.get(sql)
        if note is None:
            raise NeedsExclusive
        return Written(note(values))

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> None:
        """The same for each of these rows."""
        if self.is_direct:
            self._direct.executemany(sql, rows)
            return
        for row in rows:
            self.execute(sql, row)

    def _note(self, kind: RowsInto, key: object, row: Sequence[Any]) -> int:
        self._unit.put(self._unit.pending.of(kind), key, row)
        return 1

    def _add_event(self, row: Sequence[Any]) -> int:
        _, job, key = row[:3]
        known = self._unit.loaded.event_keys.get(job)
        if known is None:
            if not self._unit.is_new(job):
                raise NeedsExclusive  # an event of a job that nobody has read, or of none
            known = frozenset()
        if key in known:
            return 0
        self._unit.put(self._unit.loaded.event_keys, job, known | {key})
        return self._note(flush.EVENTS, row[0], row)

    def _put_job(self, row: Sequence[Any]) -> int:
        number = row[-1]
        new = self._unit.pending.of(flush.NEW_JOBS).get(number)
        if new is not None:
            return self._note(flush.NEW_JOBS, number, (*row[:_CHANGING], *new[_CHANGING:]))
        return self._note(flush.JOBS, number, row)

    def _answer(self, row: Sequence[Any]) -> int:
        intent, number = row
        new = self._unit.pending.of(flush.NEW_JOBS).get(number)
        if new is not None:
            return self._note(flush.NEW_JOBS, number, (*new[:_INTENT], intent, *new[_INTENT + 1 :]))
        return self._note(flush.ANSWERS, number, row)


class UnitTransaction(PostgresTransaction):
    """`receiver.contracts.Transaction` on a unit of work."""

    def __init__(
        self,
        unit: UnitOfWork,
        direct: PostgresStatements,
        go_direct: Callable[[], None],
        ids: Ids,
        shared: ChoicesCache,
        owner: int,
    ) -> None:
        """`go_direct` writes what is pending and sees to it that statements can be run."""
        self._statements = UnitStatements(unit, direct)
        super().__init__(self._statements, ids, shared, owner)
        self._unit = unit
        self._go_direct = go_direct
        #: Whether statements were run: what they did cannot be taken back for one work alone.
        self.went_direct = False
        #: Whether a work before was cut off: what others do only shows what they miss, and is taken back.
        self.is_probing = False
        self._bodies: dict[int, bytes] = {}

    # --- jobs

    def job(self, number: int) -> KeptJob | None:
        """A job by its number."""
        loaded = self._unit.loaded
        if number in loaded.jobs:
            return loaded.jobs[number]
        if self._unit.is_new(number):
            return None
        raise self._missed(loaded.wanted.jobs, number)

    def job_at(self, source: str, provider_job_id: str) -> KeptJob | None:
        """The job that a source's vendor knows by this id."""
        key = (source, provider_job_id)
        loaded = self._unit.loaded
        if key in loaded.at:
            number = loaded.at[key]
            return None if number is None else loaded.jobs[number]
        raise self._missed(loaded.wanted.at, key)

    def job_for(self, intent: str) -> KeptJob | None:
        """The job that was planned for this intent."""
        loaded = self._unit.loaded
        if intent in loaded.intents:
            number = loaded.intents[intent]
            return None if number is None else loaded.jobs[number]
        raise self._missed(loaded.wanted.intents, intent)

    def question_for(self, intent: str) -> KeptJob | None:
        """The job that asks or asked this question, whatever became of it."""
        loaded = self._unit.loaded
        if intent in loaded.questions:
            number = loaded.questions[intent]
            return None if number is None else loaded.jobs[number]
        raise self._missed(loaded.wanted.questions, intent)

    def add_job(self, kept: KeptJob, event: int | None = None) -> None:
        """Keeps a new job."""
        super().add_job(kept, event)
        self._remember(kept)

    def put_job(self, kept: KeptJob, event: int | None = None) -> None:
        """Writes a job that is kept anew."""
        before = self.job(kept.number)
        if before is None:
            raise LookupError(f"job {kept.job.id} is not kept, so it cannot be changed")
        loaded, job = self._unit.loaded, before.job
        if job.provider_job_id not in (None, kept.job.provider_job_id):
            self._unit.put(loaded.at, (job.source, job.provider_job_id), None)
        if before.intent not in (None, kept.intent) and kept.question_intent is not None:
            self._unit.put(loaded.intents, before.intent, None)
        super().put_job(kept, event)
        self._remember(kept)

    def _remember(self, kept: KeptJob) -> None:
        put, loaded, job = self._unit.put, self._unit.loaded, kept.job
        put(loaded.jobs, kept.number, kept)
        if kept.number not in loaded.event_keys:
            put(loaded.event_keys, kept.number, frozenset())
        if job.provider_job_id is not None:
            put(loaded.at, (job.source, job.provider_job_id), kept.number)
        if kept.intent is not None:
            put(loaded.intents, kept.intent, kept.number)
        if kept.question_intent is not None:
            put(loaded.questions, kept.question_intent, kept.number)

    # --- deliveries

    def delivery(self, number: int) -> Delivery | None:
        """A delivery by its number."""
        loaded = self._unit.loaded
        if number in loaded.deliveries:
            return loaded.deliveries[number]
        new = self._unit.pending.of(flush.NEW_DELIVERIES).get(number)
        if new is not None:
            return deliveries.delivery_of(tuple(new))
        raise self._missed(loaded.wanted.deliveries, number)

    def put_delivery(self, delivery: Delivery) -> None:
        """Writes a delivery's state, whatever it was."""
        self.delivery(delivery.number)
        row = (*changing_values(delivery), delivery.number)
        pending = self._unit.pending
        new = pending.of(flush.NEW_DELIVERIES).get(delivery.number)
        if new is not None:
            self._unit.put(pending.of(flush.NEW_DELIVERIES), delivery.number, msgspec.structs.astuple(delivery))
        else:
            self._unit.put(pending.of(flush.DELIVERIES), delivery.number, row)
        self._unit.put(self._unit.loaded.deliveries, delivery.number, delivery)

    def settle(self, delivery: Delivery, after: Delivery) -> bool:
        """Writes a delivery's new state if it is still running in this attempt; False if it is not (fenced)."""
        return self.settle_all([(delivery, after)])[0]

    def settle_all(self, settled: Sequence[tuple[Delivery, Delivery]]) -> list[bool]:
        """The same for several deliveries, none of them twice; each before and after."""
        for before, _ in settled:
            if before.number not in self._unit.loaded.deliveries:
                self._unit.loaded.wanted.deliveries.add(before.number)
        there = [self.delivery(before.number) for before, _ in settled]
        ours = [
            one is not None and one.state == "running" and one.attempt == before.attempt
            for one, (before, _) in zip(there, settled, strict=True)
        ]
        for is_ours, (before, after) in zip(ours, settled, strict=True):
            if is_ours:
                self.put_delivery(msgspec.structs.replace(after, number=before.number))
        return ours

    def claim(self, lanes: Sequence[LaneLimits], now: int) -> ClaimedDue:
        """Takes due deliveries of all these lanes: the only work here that runs statements."""
        with self._directly():
            claimed = super().claim(lanes, now)
            numbers = [one.event for one in claimed.deliveries if one.event is not None]
            if numbers:
                array = msgspec.json.encode(numbers).decode()
                found = f"SELECT {events.EVENT_COLUMNS} FROM events WHERE number IN (SELECT value FROM json_each(?))"
                self._bodies = {row[0]: self._cloud_event(row) for row in self._db.execute(found, (array,))}
        self._unit.loaded.deliveries.clear()
        return claimed

    def event(self, number: int) -> bytes | None:
        """An event's JSON by its number."""
        if number in self._bodies:
            return self._bodies[number]
        with self._directly():
            return super().event(number)

    def receipt(self, lane: str, job: int) -> str | None:
        """What the handler of this lane last remembered about this job."""
        with self._directly():
            return super().receipt(lane, job)

    # --- small tables, read only

    def destination(self, lane: str) -> Destination | None:
        """What a lane has met with lately; None if it takes everything."""
        if self._statements.is_direct:
            return super().destination(lane)
        return self._small().destinations.get(lane)

    def missing_webhooks(self, source: str) -> MissingWebhooks | None:
        """The jobs of a source that completed by asking while no webhook of it came; None if there are none."""
        return self._small().missing_webhooks.get(source)

    def breaker(self, source: str) -> Breaker | None:
        """The open breaker of a source."""
        return self._small().breakers.get(source)

    def forgotten(self, source: str, provider_job_id: str) -> bool:
        """Whether the vendor's job was pruned."""
        if not self._small().some_forgotten:
            return False
        key = forgotten_key(source, provider_job_id)
        loaded = self._unit.loaded
        if key in loaded.forgotten:
            return loaded.forgotten[key]
        raise self._missed(loaded.wanted.forgotten, key)

    def _small(self) -> Small:
        small = self._unit.loaded.small
        if small is None:
            if self.went_direct:
                raise NeedsExclusive
            raise Missing
        return small

    def _missed(self, wanted: set[Any], key: Any) -> BaseException:
        """What cuts the work off."""
        if self.went_direct:
            return NeedsExclusive()
        wanted.add(key)
        return Missing()

    @contextmanager
    def _directly(self) -> Iterator[None]:
        """Statements run within; what is pending is written first."""
        if self._statements.is_direct:
            yield
            return
        if self.is_probing:
            raise Missing
        self._go_direct()
        self.went_direct = True
        self._statements.is_direct = True
        try:
            yield
        finally:
            self._statements.is_direct = False
