"""What there is at a database's address, whatever engine keeps it: the only module that knows the engines."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from receiver.contracts import Backup, Database, Inspection, Restored, Transaction
from receiver.lib.ids import Ids
from receiver.lib.times import Clock
from receiver.store.sqlite.files import backup, restore
from receiver.store.sqlite.files.live_file import COMPANIONS
from receiver.store.sqlite.inspection import inspect as inspect_file
from receiver.store.sqlite.memory import memory_transaction
from receiver.store.sqlite.store import SqliteStore

#: How the address of a SQLite file begins; its absolute path follows.
SQLITE: Final = "sqlite:///"
#: How that of a database on a PostgreSQL server begins.
POSTGRESQL: Final = ("postgresql://", "postgres://")


def database_at(address: str, clock: Clock) -> Database:
    """The database, to be opened. `clock` is this machine's; the store's `clock` is what is to be gone by."""
    if address.startswith(POSTGRESQL):
        from receiver.store.postgres.store import PostgresStore  # noqa: PLC0415 - its driver is an extra

        return PostgresStore(address, clock)
    return SqliteStore(_file(address), clock)


def inspect(address: str) -> Inspection:
    """What there is at an address; changes nothing. Raises StoreRefused or StoreUnavailable."""
    return inspect_file(_file(address))


def shown(address: str) -> str:
    """What a database is called where it is told of: its file."""
    return str(_file(address))


def files_of(address: str) -> list[str]:
    """The paths of the files on this machine that hold the database, whether they are there or not."""
    file = _file(address)
    return [str(file), *(os.path.realpath(file) + suffix for suffix in COMPANIONS)]


def folder_of(address: str) -> Path:
    """The folder on this machine that the database stands in, for what is kept beside it."""
    return _file(address).parent


def back_up(address: str, target: Path, told: Callable[[str, int, int], None]) -> Backup:
    """Writes a whole, checked copy of a database, or nothing. `told` hears how far it is.

    Raises StoreRefused or StoreUnavailable.
    """
    return backup.back_up(_file(address), target, told)


def put_back(address: str, made: Path, clock: Clock, told: Callable[[str, int, int], None]) -> Restored:
    """Puts a backup in the database's place, whole or not at all. `told` hears how far it is.

    Raises StoreRefused (a server runs; it is no sound backup) or StoreUnavailable.
    """
    return restore.restore(_file(address), made, clock, told)


@contextmanager
def throwaway_transaction(ids: Ids) -> Iterator[Transaction]:
    """A transaction on an empty database that is gone at the end; to be used on the thread that opened it."""
    with memory_transaction(ids) as tx:
        yield tx


def _file(address: str) -> Path:
    return Path(address.removeprefix(SQLITE))
