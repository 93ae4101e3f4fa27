"""Deliveries and their attempts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from receiver.contracts import Filters, Page
from receiver.model.deliveries import Attempt, Delivery
from receiver.model.events import KeptEvent
from receiver.store.sql.conditions import DELIVERIES
from receiver.store.sql.lists import page
from receiver.store.tables.table import Table

DELIVERY_COLUMNS: Final = "number, lane, job, event, state, due_at, attempt, base, receipt"

ADD: Final = f"INSERT INTO deliveries ({DELIVERY_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
#: A delivery that nothing has happened to yet.
ADD_NEW: Final = f"INSERT INTO deliveries ({DELIVERY_COLUMNS}) VALUES (?, ?, ?, ?, 'pending', ?, 0, 0, NULL)"

UPDATE: Final = "UPDATE deliveries SET state = ?, due_at = ?, attempt = ?, base = ?, receipt = ?, left_at = NULL WHERE"
#: So many are settled by fewer statements; for less than that these would take longer.
MANY: Final = 8
ADD_ATTEMPT: Final = "INSERT INTO attempts VALUES (?, ?, ?, ?, ?, ?, ?)"


class DeliveriesTable(Table):
    """Deliveries, their leases and their attempts."""

    def add_delivery(self, delivery: Delivery) -> None:
        """Keeps a new delivery."""
        self._db.execute(ADD, msgspec.structs.astuple(delivery))

    def add_deliveries(self, event: KeptEvent, lanes: Sequence[str], due_at: int | None = None) -> None:
        """Keeps a new delivery of an event for each of these lanes, due at once, or since `due_at`."""
        due_at = event.at if due_at is None else due_at
        rows = [(self.ids.next(), lane, event.job, event.number, due_at) for lane in lanes]
        self._db.executemany(ADD_NEW, rows)

    def put_delivery(self, delivery: Delivery) -> None:
        """Writes a delivery's state, whatever it was."""
        self._update(delivery, "number = ?", (delivery.number,))

    def settle(self, delivery: Delivery, after: Delivery) -> bool:
        """Writes a delivery's new state if it is still running in this attempt; False if it is not (fenced)."""
        fence = "number = ? AND attempt = ? AND state = 'running'"
        return self._update(after, fence, (delivery.number, delivery.attempt))

    def settle_all(self, settled: Sequence[tuple[Delivery, Delivery]]) -> list[bool]:
        """The same for several deliveries, none of them twice; each before and after."""
        if len(settled) < MANY:
            return [self.settle(before, after) for before, after in settled]
        marks = ", ".join("?" * len(settled))
        running = f"SELECT number, attempt FROM deliveries WHERE number IN ({marks}) AND state = 'running'"
        fences = set(self._db.execute(running, [before.number for before, _ in settled]))
        ours = [(before.number, before.attempt) in fences for before, _ in settled]
        rows = [
            (*changing_values(after), after.number)
            for (_, after), is_ours in zip(settled, ours, strict=True)
            if is_ours
        ]
        self._db.executemany(f"{UPDATE} number = ?", rows)
        return ours

    def _update(self, after: Delivery, where: str, values: tuple[object, ...]) -> bool:
        return self._db.execute(f"{UPDATE} {where}", (*changing_values(after), *values)).rowcount == 1

    def delivery(self, number: int) -> Delivery | None:
        """A delivery by its number."""
        return self._delivery("number = ?", (number,))

    def order_delivery(self, job: int) -> Delivery | None:
        """The delivery that brings a planned job to its vendor."""
        return self._delivery("job = ? AND event IS NULL", (job,))

    def _delivery(self, where: str, values: tuple[object, ...]) -> Delivery | None:
        row = self._one(f"SELECT {DELIVERY_COLUMNS} FROM deliveries WHERE {where}", values)
        return delivery_of(row) if row else None

    def deliveries(self, filters: Filters) -> Page[Delivery]:
        """Deliveries, newest first."""
        return page(self._db, DELIVERIES, filters, self.delivery, self._leads())

    def leave(self, number: int, now: int) -> None:
        """Takes a dead letter out of the inbox, until it is written anew."""
        self._db.execute("UPDATE deliveries SET left_at = ? WHERE number = ? AND state = 'dead'", (now, number))

    def left_at(self, number: int) -> int | None:
        """When a dead letter was left, Unix ms; None if it was not."""
        row = self._one("SELECT left_at FROM deliveries WHERE number = ?", (number,))
        return row[0] if row else None

    def dead_letters(self, limit: int) -> list[Delivery]:
        """The newest dead letters that nobody left."""
        rows = self._db.execute(
            f"SELECT {DELIVERY_COLUMNS} FROM deliveries INDEXED BY deliveries_unseen "
            "WHERE state = 'dead' AND left_at IS NULL ORDER BY number DESC LIMIT ?",
            (limit,),
        )
        return [delivery_of(row) for row in rows]

    def lost(self, _now: int) -> list[Delivery]:
        """Leased deliveries that another process claimed: a file has one dispatcher, so that one is gone."""
        rows = self._db.execute(
            f"SELECT {DELIVERY_COLUMNS} FROM deliveries INDEXED BY deliveries_running "
            "WHERE state = 'running' AND owner IS DISTINCT FROM ?",
            (self.owner,),
        )
        return [delivery_of(row) for row in rows]

    def run_out(self, now: int) -> list[Delivery]:
        """Leased deliveries whose lease is over: among those that run, which are few and have an index."""
        rows = self._db.execute(
            f"SELECT {DELIVERY_COLUMNS} FROM deliveries INDEXED BY deliveries_running "
            "WHERE state = 'running' AND due_at <= ?",
            (now,),
        )
        return [delivery_of(row) for row in rows]

    def add_attempts(self, attempts: Sequence[tuple[int, Attempt]]) -> None:
        """Keeps the results of tries of several deliveries."""
        rows = [(delivery, *msgspec.structs.astuple(attempt)) for delivery, attempt in attempts]
        self._db.executemany(ADD_ATTEMPT, rows)

    def add_attempt(self, delivery: int, attempt: Attempt) -> None:
        """Keeps the result of a try."""
        self._db.execute(ADD_ATTEMPT, (delivery, *msgspec.structs.astuple(attempt)))

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

    def family_receipt(self, lane: str, root: int) -> str | None:
        """What the handler of this lane remembers of its first event about any job of a root's family."""
        row = self._one(
            """
            SELECT receipt FROM deliveries WHERE lane = ? AND receipt IS NOT NULL AND job IN (
                SELECT number FROM jobs INDEXED BY jobs_root WHERE root = ? AND parent IS NOT NULL UNION ALL SELECT ?
            )
            ORDER BY event LIMIT 1
            """,
            (lane, root, root),
        )
        return str(row[0]) if row else None


def changing_values(after: Delivery) -> tuple[object, ...]:
    """The values of `UPDATE`."""
    return after.state, after.due_at, after.attempt, after.base, after.receipt


def delivery_of(row: tuple[Any, ...]) -> Delivery:
    """The delivery of a row of `DELIVERY_COLUMNS`."""
    return Delivery(**dict(zip(Delivery.__struct_fields__, row, strict=True)))
