"""A history of any length: webhooks with all that followed from them, written straight into a store."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from receiver.contracts import (
    KeptRequest,
    RequestState,
    Transaction,
)
from receiver.lib import ids
from receiver.lib.times import unstamp
from receiver.model.deliveries import (
    Delivery,
    State,
    sink_lane,
)
from receiver.model.events import EventType, KeptEvent
from receiver.model.jobs import (
    Job,
    KeptJob,
    Status,
)
from receiver.store.sqlite.transaction import SqliteTransaction
from support.records import AT, NOW, a_job

#: From one webhook to the next, ms.
STEP: Final = 1000
_JOB: Final = a_job(status="completed", intent=None).job


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One webhook: request, job, event and the deliveries to two sinks."""

    #: Its place in the history: 0 is the oldest.
    place: int
    source: str = "journey"
    status: Status = "completed"
    action: str = "imagine"
    tags: dict[str, str] = {}
    #: Number of the parent, and of the root.
    parent: int | None = None
    root: int | None = None
    type: EventType = "job.completed"
    request_state: RequestState = "mapped"
    states: tuple[State, State] = ("done", "done")
    sinks: tuple[str, str] = ("team", "backend")
    #: Whether the request came to the URL of the job.
    on_ref: bool = False
    #: After how many ms the event was made; more than a few: it was reparsed.
    late: int = 0
    check_at: int | None = None

    @property
    def first(self) -> int:
        """The number of the request; those of all others follow."""
        return ids.first_at(NOW + self.place * STEP)

    @property
    def job(self) -> int:
        """The number of the job."""
        return self.first + 1

    @property
    def event(self) -> int:
        """The number of the event."""
        return self.first + 2 + (self.late << ids.COUNTER_BITS)

    @property
    def deliveries(self) -> tuple[int, int]:
        """The numbers of the deliveries."""
        return self.first + 3, self.first + 4

    @property
    def vendors(self) -> str:
        """The vendor's id of the job."""
        return f"task-{self.place}"


def happen(tx: Transaction, turn: Turn) -> None:
    """Writes it all."""
    job = _job(turn)
    ours = bool(turn.tags) or turn.parent is not None or turn.check_at is not None
    intent = f"intent-{turn.place}" if ours else None
    tx.add_job(KeptJob(number=turn.job, job=job, intent=intent, check_at=turn.check_at))
    tx.add_request(
        KeptRequest(
            number=turn.first,
            source=turn.source,
            state=turn.request_state,
            proof="secret",
            ref_job=turn.job if turn.on_ref else None,
            headers={},
            body=b"{}",
        )
    )
    tx.add_event(
        KeptEvent(
            number=turn.event,
            job=turn.job,
            type=turn.type,
            key=0,
            at=unstamp(AT),
            data=job,
            request=None if turn.on_ref else turn.first,
        )
    )
    for number, state, sink in zip(turn.deliveries, turn.states, turn.sinks, strict=True):
        lane = sink_lane(sink)
        tx.add_delivery(Delivery(number=number, lane=lane, job=turn.job, event=turn.event, state=state, due_at=NOW))


def _job(turn: Turn) -> Job:
    changes: dict[str, Any] = {
        "id": ids.show("job", turn.job),
        "source": turn.source,
        "provider_job_id": turn.vendors,
        "status": turn.status,
        "action": turn.action,
        "tags": turn.tags,
        "parent_id": None if turn.parent is None else ids.show("job", turn.parent),
        "root_id": ids.show("job", turn.root or turn.job),
    }
    return msgspec.structs.replace(_JOB, **changes)


def repeat(tx: SqliteTransaction, turn: Turn, count: int) -> None:
    """Writes the turn, and `count` copies of it that follow it; by SQL alone, since they may be many."""
    happen(tx, turn)
    known = {turn.first, turn.job, turn.event, *turn.deliveries}
    for table in ("requests", "jobs", "events", "deliveries"):
        rows = tx._db.execute(f"SELECT * FROM {table} WHERE number BETWEEN ? AND ?", (min(known), max(known)))  # noqa: S608
        names = [name for name, *_ in rows.description]
        for row in rows.fetchall():
            copied = ", ".join(_copied(name, value, known) for name, value in zip(names, row, strict=True))
            tx._db.execute(
                f"""
                WITH RECURSIVE copies (place) AS (SELECT 1 UNION ALL SELECT place + 1 FROM copies WHERE place < ?)
                INSERT INTO {table} SELECT {copied} FROM copies, {table} AS old WHERE old.number = ?
                """,  # noqa: S608
                (count, row[0]),
            )
    copies = range(1, count + 1)
    tags = [
        (name, text, turn.job + place * (STEP << ids.COUNTER_BITS))
        for place in copies
        for name, text in turn.tags.items()
    ]
    tx._db.executemany("INSERT INTO tags VALUES (?, ?, ?)", tags)


def _copied(name: str, value: object, known: set[int]) -> str:
    if value in known:
        return f"old.{name} + copies.place * {STEP << ids.COUNTER_BITS}"
    if value is not None and name in ("provider_job_id", "intent"):
        return f"old.{name} || '-' || copies.place"
    # Of a job a hash that nothing here asks for; of an event it need not differ.
    return f"old.{name} + copies.place" if name == "key" and value else f"old.{name}"
