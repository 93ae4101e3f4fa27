"""What a flow reads and writes within one SQLite transaction: plain SQL, record in, record out."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from receiver import ids as id_text
from receiver.contracts import Breaker, CostRow, Counts, Filters, KeptRequest, RequestState
from receiver.deliveries import Attempt, Delivery, order_lane
from receiver.events import Event
from receiver.ids import Ids
from receiver.jobs import KeptJob
from receiver.store.lists import DELIVERY_FILTERS, EVENT_FILTERS, JOB_FILTERS, REQUEST_FILTERS, listing

_ENCODER: Final = msgspec.json.Encoder()
_JOB: Final = msgspec.json.Decoder(KeptJob)
_HEADERS: Final = msgspec.json.Decoder(dict[str, str])

DELIVERY_COLUMNS: Final = "number, lane, job, event, state, due_at, attempt, base, receipt"
REQUEST_COLUMNS: Final = "number, source, state, proof, ref_job, note, headers, body"


class SqliteTransaction:
    """`receiver.contracts.Transaction` on an open SQLite connection; begin and commit are the store's."""

    def __init__(self, db: sqlite3.Connection, ids: Ids) -> None:
        self.ids = ids
        self._db = db

    # --- requests ----------------------------------------------------------------------------------------------------

    def add_request(self, request: KeptRequest) -> None:
        """Keeps an inbound request."""
        self._db.execute(
            f"INSERT INTO requests ({REQUEST_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                request.number,
                request.source,
                request.state,
                request.proof,
                request.ref_job,
                request.note,
                _ENCODER.encode(request.headers),
                request.body,
            ),
        )

    def request(self, number: int) -> KeptRequest | None:
        """A request by its number."""
        row = self._one(f"SELECT {REQUEST_COLUMNS} FROM requests WHERE number = ?", (number,))
        return _request(row) if row else None

    def mark_request(self, number: int, state: RequestState, note: str | None) -> None:
        """Writes what became of a request."""
        self._db.execute("UPDATE requests SET state = ?, note = ? WHERE number = ?", (state, note, number))

    def requests(self, filters: Filters) -> list[KeptRequest]:
        """Requests, newest first."""
        return [_request(row) for row in listing(self._db, REQUEST_COLUMNS, "requests", REQUEST_FILTERS, filters)]

    # --- jobs --------------------------------------------------------------------------------------------------------

    def job(self, number: int) -> KeptJob | None:
        """A job by its number."""
        return self._job("number = ?", (number,))

    def job_at(self, source: str, provider_job_id: str) -> KeptJob | None:
        """The job that a source's vendor knows by this id."""
        return self._job("source = ? AND provider_job_id = ?", (source, provider_job_id))

    def job_for(self, intent: str) -> KeptJob | None:
        """The job that was planned for this intent."""
        return self._job("intent = ?", (intent,))

    def _job(self, where: str, values: tuple[object, ...]) -> KeptJob | None:
        row = self._one(f"SELECT data FROM jobs WHERE {where}", values)
        return _JOB.decode(row[0]) if row else None

    def put_job(self, kept: KeptJob) -> None:
        """Writes a job, new or changed. Its number, root, parent and intent never change."""
        job = kept.job
        self._db.execute(
            """
            INSERT INTO jobs (number, source, provider_job_id, status, action, parent, root, intent, look_at, data)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (number) DO UPDATE SET
                provider_job_id = excluded.provider_job_id, status = excluded.status, action = excluded.action,
                look_at = excluded.look_at, data = excluded.data
            """,
            (
                kept.number,
                job.source,
                job.provider_job_id,
                job.status,
                job.action,
                id_text.read("job", job.parent_id) if job.parent_id else None,
                kept.number if job.root_id == job.id else id_text.read("job", job.root_id),
                kept.intent,
                kept.look_at,
                _ENCODER.encode(kept),
            ),
        )

    def jobs(self, filters: Filters) -> list[KeptJob]:
        """Jobs, newest first."""
        return [_JOB.decode(row[0]) for row in listing(self._db, "data", "jobs", JOB_FILTERS, filters)]

    def family_size(self, root_id: str) -> int:
        """How many jobs a root has led to, itself included."""
        root = id_text.read("job", root_id)
        return 1 + self._count("SELECT count(*) FROM jobs WHERE root = ? AND parent IS NOT NULL", (root,))

    def live(self, source: str) -> int:
        """How many jobs of ours the vendor works on, or is being sent right now."""
        at_vendor = """
            SELECT count(*) FROM jobs
            WHERE source = ? AND status IN ('submitting', 'queued', 'running') AND intent IS NOT NULL
                AND status NOT IN ('completed', 'failed', 'canceled')
        """
        on_the_way = """
            SELECT count(*) FROM deliveries JOIN jobs ON jobs.number = deliveries.job
            WHERE lane = ? AND state = 'running' AND status IN ('planned', 'unsure')
        """
        return self._count(at_vendor, (source,)) + self._count(on_the_way, (order_lane(source),))

    def held(self, source: str, reason: str) -> list[KeptJob]:
        """The held jobs of a source, oldest first."""
        rows = self._db.execute(
            """
            SELECT data FROM jobs
            WHERE source = ? AND status = 'held' AND status NOT IN ('completed', 'failed', 'canceled')
            ORDER BY number
            """,
            (source,),
        )
        jobs = [_JOB.decode(row[0]) for row in rows]
        return [kept for kept in jobs if kept.job.hold is not None and kept.job.hold.reason == reason]

    def to_look_at(self, source: str, now: int, limit: int) -> list[KeptJob]:
        """Jobs whose look is due, oldest first."""
        rows = self._db.execute(
            "SELECT data FROM jobs WHERE source = ? AND look_at <= ? ORDER BY number LIMIT ?", (source, now, limit)
        )
        return [_JOB.decode(row[0]) for row in rows]

    def next_look(self, sources: Sequence[str]) -> int | None:
        """When the earliest look at a job of these sources is due."""
        query = "SELECT min(look_at) FROM jobs WHERE source = ? AND look_at IS NOT NULL"
        moments = [self._db.execute(query, (source,)).fetchone()[0] for source in sources]
        return min((moment for moment in moments if moment is not None), default=None)

    def _count(self, sql: str, values: tuple[object, ...]) -> int:
        row = self._one(sql, values)
        return int(row[0]) if row else 0

    # --- money -------------------------------------------------------------------------------------------------------

    def put_cost(self, row: CostRow) -> None:
        """Writes what a job costs."""
        amount = None if row.amount is None else str(row.amount)
        values = (row.job, row.source, row.rule, row.at, row.state, row.unit, amount)
        self._db.execute("INSERT OR REPLACE INTO costs VALUES (?, ?, ?, ?, ?, ?, ?)", values)

    def cost(self, job: int) -> CostRow | None:
        """What a job costs."""
        row = self._one("SELECT * FROM costs WHERE job = ?", (job,))
        return _cost(row) if row else None

    def costs(self, since: int, *, source: str | None = None, rule: str | None = None) -> list[CostRow]:
        """The costs reserved from a moment on, of a source or of a rule, oldest first."""
        where: list[str] = ["at >= ?"]
        values: list[object] = [since]
        for name, value in (("source", source), ("rule", rule)):
            if value is not None:
                where.append(f"{name} = ?")
                values.append(value)
        sql = f"SELECT * FROM costs WHERE {' AND '.join(where)} ORDER BY at, job"
        return [_cost(row) for row in self._db.execute(sql, values)]

    def breaker(self, source: str) -> Breaker | None:
        """The open breaker of a source."""
        row = self._one("SELECT * FROM breakers WHERE source = ?", (source,))
        return _breaker(row) if row else None

    def breakers(self) -> list[Breaker]:
        """Every open breaker."""
        return [_breaker(row) for row in self._db.execute("SELECT * FROM breakers ORDER BY source")]

    def put_breaker(self, breaker: Breaker) -> None:
        """Opens a breaker, or changes it."""
        values = msgspec.structs.astuple(breaker)
        self._db.execute("INSERT OR REPLACE INTO breakers VALUES (?, ?, ?, ?, ?, ?)", values)

    def close_breaker(self, source: str) -> None:
        """Orders may go out again."""
        self._db.execute("DELETE FROM breakers WHERE source = ?", (source,))

    # --- events ------------------------------------------------------------------------------------------------------

    def add_event(self, number: int, key: int, job: int, event: Event, request: int | None) -> bytes | None:
        """Keeps an event and gives its JSON; None if the job has one with this key already."""
        body = _ENCODER.encode(event)
        done = self._db.execute(
            """
            INSERT INTO events (number, job, key, type, source, request, body) VALUES (?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (job, key) DO NOTHING
            """,
            (number, job, key, event.type, event.source_name, request, body),
        )
        return body if done.rowcount else None

    def event(self, number: int) -> bytes | None:
        """An event's JSON by its number."""
        row = self._one("SELECT body FROM events WHERE number = ?", (number,))
        return bytes(row[0]) if row else None

    def events(self, filters: Filters) -> list[bytes]:
        """Events' JSON, newest first."""
        return [bytes(row[0]) for row in listing(self._db, "body", "events", EVENT_FILTERS, filters)]

    def events_after(self, number: int, limit: int) -> list[bytes]:
        """Events' JSON after this one, oldest first."""
        rows = self._db.execute("SELECT body FROM events WHERE number > ? ORDER BY number LIMIT ?", (number, limit))
        return [bytes(row[0]) for row in rows]

    # --- deliveries --------------------------------------------------------------------------------------------------

    def add_delivery(self, delivery: Delivery) -> None:
        """Keeps a new delivery."""
        self._db.execute(
            f"INSERT INTO deliveries ({DELIVERY_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            msgspec.structs.astuple(delivery),
        )

    def put_delivery(self, delivery: Delivery) -> None:
        """Writes a delivery's state, whatever it was."""
        self._update(delivery, "number = ?", (delivery.number,))

    def settle(self, delivery: Delivery, after: Delivery) -> bool:
        """Writes a delivery's new state if it is still running in this attempt; False if it is not (fenced)."""
        fence = "number = ? AND attempt = ? AND state = 'running'"
        return self._update(after, fence, (delivery.number, delivery.attempt))

    def _update(self, after: Delivery, where: str, values: tuple[object, ...]) -> bool:
        done = self._db.execute(
            f"UPDATE deliveries SET state = ?, due_at = ?, attempt = ?, base = ?, receipt = ? WHERE {where}",
            (after.state, after.due_at, after.attempt, after.base, after.receipt, *values),
        )
        return done.rowcount == 1

    def delivery(self, number: int) -> Delivery | None:
        """A delivery by its number."""
        return self._delivery("number = ?", (number,))

    def order_delivery(self, job: int) -> Delivery | None:
        """The delivery that brings a planned job to its vendor."""
        return self._delivery("job = ? AND event IS NULL", (job,))

    def _delivery(self, where: str, values: tuple[object, ...]) -> Delivery | None:
        row = self._one(f"SELECT {DELIVERY_COLUMNS} FROM deliveries WHERE {where}", values)
        return _delivery(row) if row else None

    def deliveries(self, filters: Filters) -> list[Delivery]:
        """Deliveries, newest first."""
        return [_delivery(row) for row in listing(self._db, DELIVERY_COLUMNS, "deliveries", DELIVERY_FILTERS, filters)]

    def claim(self, lane: str, limit: int, now: int, lease_until: int) -> list[Delivery]:
        """Takes due deliveries of a lane, the longest due first: `running`, attempt counted, leased."""
        rows = self._db.execute(
            f"""
            UPDATE deliveries SET state = 'running', due_at = ?, attempt = attempt + 1
            WHERE number IN (
                SELECT number FROM deliveries WHERE lane = ? AND state = 'pending' AND due_at <= ?
                ORDER BY due_at, number LIMIT ?
            )
            RETURNING {DELIVERY_COLUMNS}
            """,
            (lease_until, lane, now, limit),
        ).fetchall()
        return sorted((_delivery(row) for row in rows), key=lambda delivery: delivery.number)

    def next_due(self, lanes: Sequence[str]) -> int | None:
        """When the earliest pending delivery of these lanes is due."""
        query = "SELECT min(due_at) FROM deliveries WHERE lane = ? AND state = 'pending'"
        moments = [self._db.execute(query, (lane,)).fetchone()[0] for lane in lanes]
        return min((moment for moment in moments if moment is not None), default=None)

    def running(self) -> list[Delivery]:
        """Every leased delivery."""
        return [
            _delivery(row)
            for row in self._db.execute(f"SELECT {DELIVERY_COLUMNS} FROM deliveries WHERE state = 'running'")
        ]

    def add_attempt(self, delivery: int, attempt: Attempt) -> None:
        """Keeps the result of a try."""
        self._db.execute(
            "INSERT INTO attempts VALUES (?, ?, ?, ?, ?, ?, ?)", (delivery, *msgspec.structs.astuple(attempt))
        )

    def attempts(self, delivery: int) -> list[Attempt]:
        """The tries of a delivery, oldest first."""
        rows = self._db.execute("SELECT * FROM attempts WHERE delivery = ? ORDER BY number", (delivery,))
        return [Attempt(**dict(zip(Attempt.__struct_fields__, row[1:], strict=True))) for row in rows]

    def receipt(self, lane: str, job: int) -> str | None:
        """What the handler of this lane last remembered about this job."""
        row = self._one(
            """
            SELECT receipt FROM deliveries WHERE job = ? AND lane = ? AND receipt IS NOT NULL
            ORDER BY event DESC LIMIT 1
            """,
            (job, lane),
        )
        return str(row[0]) if row else None

    # --- the whole ---------------------------------------------------------------------------------------------------

    def counts(self) -> Counts:
        """How many deliveries and jobs wait or went wrong; each is counted on an index that holds only those."""
        one_state = "SELECT count(*) FROM deliveries WHERE state = '{}'"
        deliveries = {state: self._one(one_state.format(state), ()) for state in ("pending", "running", "dead")}
        open_jobs = self._db.execute(
            """
            SELECT source, status, count(*) FROM jobs WHERE status NOT IN ('completed', 'failed', 'canceled')
            GROUP BY source, status
            """
        )
        return Counts(
            deliveries={state: int(row[0]) if row else 0 for state, row in deliveries.items()},
            jobs={(source, status): int(count) for source, status, count in open_jobs},
        )

    def probe(self, size: int) -> None:
        """Writes so many bytes and takes them away again: fails where a request of that size could not be kept."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES ('probe', zeroblob(?))", (size,))
        self._db.execute("UPDATE meta SET value = x'00' WHERE name = 'probe'")

    def _one(self, sql: str, values: tuple[object, ...]) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None = self._db.execute(sql, values).fetchone()
        return row


def _request(row: tuple[Any, ...]) -> KeptRequest:
    values = dict(zip(KeptRequest.__struct_fields__, row, strict=True))
    return KeptRequest(**{**values, "headers": _HEADERS.decode(row[6]), "body": bytes(row[7])})


def _delivery(row: tuple[Any, ...]) -> Delivery:
    return Delivery(**dict(zip(Delivery.__struct_fields__, row, strict=True)))


def _cost(row: tuple[Any, ...]) -> CostRow:
    values = dict(zip(CostRow.__struct_fields__, row, strict=True))
    return CostRow(**{**values, "amount": None if row[6] is None else Decimal(row[6])})


def _breaker(row: tuple[Any, ...]) -> Breaker:
    return Breaker(**dict(zip(Breaker.__struct_fields__, row, strict=True)))
