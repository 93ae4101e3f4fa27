"""A throw-away database in memory: the real schema and the real queries, and nothing of it is kept."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from receiver.lib.ids import Ids
from receiver.store.sqlite.migrate import migrate
from receiver.store.sqlite.transaction import SqliteTransaction


@contextmanager
def memory_transaction(ids: Ids) -> Iterator[SqliteTransaction]:
    """A transaction on an empty database that is gone at the end; to be used on the thread that opened it."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        migrate(db)
        yield SqliteTransaction(db, ids)
