"""The store that a test's world stands on: SQLite in the test's folder, or a schema of PostgreSQL."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, ClassVar, cast

import psycopg

from receiver.contracts import Database
from receiver.lib.ids import Ids
from receiver.lib.times import Clock
from receiver.store.opening import SQLITE, database_at
from receiver.store.postgres import migrate as postgres_migrate
from receiver.store.postgres.connections import PostgresStatements, connect
from receiver.store.postgres.transaction import PostgresTransaction
from receiver.store.sqlite.transaction import SqliteTransaction
from support.empty import empty_file, empty_in_memory


class Engine:
    """Where the stores of the present test are."""

    #: An address; None = a file in the test's folder.
    address: ClassVar[str | None] = None
    #: What the transactions of `a_transaction` run on.
    _connections: ClassVar[list[sqlite3.Connection | psycopg.Connection[Any]]] = []

    @classmethod
    def close(cls) -> None:
        """Takes back and ends the transactions that the test has open."""
        while cls._connections:
            cls._connections.pop().close()

    @classmethod
    def transaction(cls, ids: Ids) -> SqliteTransaction:
        """See `a_transaction`."""
        cls.close()
        if cls.address is None:
            db = empty_in_memory()
            cls._connections.append(db)
            return SqliteTransaction(db, ids)
        connection = connect(cls.address)
        cls._connections.append(connection)
        postgres_migrate.migrate(connection)
        connection.execute("SET idle_in_transaction_session_timeout = 0")
        connection.execute("BEGIN")
        # Tests ask nothing of it that it has not as well.
        return cast(SqliteTransaction, PostgresTransaction(PostgresStatements(connection), ids))


def a_transaction(ids: Ids) -> SqliteTransaction:
    """A transaction on an empty database of the test's engine, a statement at a time; it ends the one before."""
    return Engine.transaction(ids)


def a_store(path: Path, clock: Clock) -> Database:
    """The test's store, to be opened: on this file, unless the test is run on another engine."""
    if Engine.address is None:
        empty_file(path)
    return database_at(Engine.address or f"{SQLITE}{path}", clock)
