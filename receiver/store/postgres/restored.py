"""Finds that a database was put back from a dump, and settles what is not true in it any more."""

from __future__ import annotations

from typing import Any, Final

import psycopg
import structlog

from receiver.lib.ids import Ids
from receiver.lib.times import system_clock
from receiver.store.postgres.connections import PostgresStatements
from receiver.store.postgres.transaction import PostgresTransaction
from receiver.store.tables.doubted import doubt_orders

log = structlog.get_logger("store")

#: The numbers that PostgreSQL knows this database and its tables by: those that a dump is put back into have others.
HOME: Final = """
    SELECT concat_ws(' ', (SELECT oid FROM pg_database WHERE datname = current_database()),
        'requests'::regclass::oid, 'jobs'::regclass::oid, 'events'::regclass::oid, 'deliveries'::regclass::oid)
"""
KNOWN: Final = "SELECT value FROM meta WHERE name = 'home'"
KEEP: Final = "INSERT INTO meta VALUES ('home', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
#: Events of transactions that this PostgreSQL has yet to come to: followers would wait for them.
OF_ELSEWHERE: Final = "SELECT 1 FROM events WHERE tx >= pg_snapshot_xmin(pg_current_snapshot()) LIMIT 1"


def settle_if_restored(connection: psycopg.Connection[Any]) -> None:
    """Looks whether the database is where it was; to be called within a transaction, while no process has it open.

    What waited to be ordered may have been ordered after the dump was made: it is taken for that.
    """
    (home,) = connection.execute(HOME).fetchone() or ("",)
    row = connection.execute(KNOWN, binary=True).fetchone()
    if row is not None and bytes(row[0]).decode() == home:
        return
    connection.execute(KEEP, (str(home).encode(),))
    if row is None:
        return
    connection.execute("DELETE FROM replicas")
    if connection.execute(OF_ELSEWHERE).fetchone() is not None:
        connection.execute("UPDATE events SET tx = '0'")
    statements = PostgresStatements(connection)
    unsure = doubt_orders(statements, PostgresTransaction(statements, Ids(system_clock)))
    log.warning("store.restored", unsure=unsure, told="orders that waited may have been sent since: they become unsure")
