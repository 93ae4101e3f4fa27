"""Orders that may have been sent since the moment that a database was put back to."""

from __future__ import annotations

import msgspec

from receiver.contracts import Transaction
from receiver.store.sql.statements import Statements

WAITING = "SELECT job FROM deliveries WHERE state = 'pending' AND event IS NULL"


def doubt_orders(db: Statements, tx: Transaction) -> int:
    """Has the next start take orders that waited for ones that their vendor may have: nobody knows what was sent since.

    They look as if the process had been killed while it sent them. Returns how many they are.
    """
    doubted = 0
    for (number,) in db.execute(WAITING).fetchall():
        kept, delivery = tx.job(number), tx.order_delivery(number)
        if kept is None or delivery is None or kept.job.status != "planned":
            continue
        tx.put_delivery(msgspec.structs.replace(delivery, state="running", due_at=0, attempt=delivery.attempt + 1))
        tx.put_job(msgspec.structs.replace(kept, job=msgspec.structs.replace(kept.job, status="submitting")))
        doubted += 1
    return doubted
