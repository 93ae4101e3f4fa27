"""What there is at a database's address, whatever engine keeps it: the only module that knows the engines."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from receiver.contracts import Backup, Database, Inspection, Restored, Transaction
from receiver.contracts.moves import Moved
from receiver.contracts.upkeep.backups import DumpCommands
from receiver.errors import StoreRefused
from receiver.lib.ids import Ids
from receiver.lib.times import Clock
from receiver.store.moving.ends import MoveEnd
from receiver.store.moving.move import move as move_between
from receiver.store.sqlite.files import backup, restore
from receiver.store.sqlite.files.live_file import COMPANIONS
from receiver.store.sqlite.inspection import inspect as inspect_file
from receiver.store.sqlite.memory import memory_transaction
from receiver.store.sqlite.move_end import open_file_end
from receiver.store.sqlite.store import SqliteStore

#: How the address of a SQLite file begins; its absolute path follows.
SQLITE: Final = "sqlite:///"
#: How that of a database on a PostgreSQL server begins.
POSTGRESQL: Final = ("postgresql://", "postgres://")


def database_at(address: str, clock: Clock) -> Database:
    """The database, to be opened. `clock` is this machine's; the store's `clock` is what is to be gone by."""
    if _is_server(address):
        from receiver.store.postgres.store import PostgresStore  # noqa: PLC0415 - its driver is an extra

        return PostgresStore(address, clock)
    return SqliteStore(_file(address), clock)


def inspect(address: str) -> Inspection:
    """What there is at an address; changes nothing. Raises StoreRefused or StoreUnavailable."""
    if _is_server(address):
        from receiver.store.postgres.inspection import inspect_server  # noqa: PLC0415 - as above

        return inspect_server(address)
    return inspect_file(_file(address))


def shown(address: str) -> str:
    """What a database is called where it is told of: its file, or a server's address without names and passwords."""
    if _is_server(address):
        from receiver.store.postgres.connections import named  # noqa: PLC0415 - as above

        return named(address)
    return str(_file(address))


def without_secrets(address: str) -> str:
    """An address as it may be shown: without the name and password of who uses it."""
    return shown(address) if _is_server(address) else address


def files_of(address: str) -> list[str]:
    """The paths of the files on this machine that hold the database, whether they are there or not."""
    if _is_server(address):
        return []
    file = _file(address)
    return [str(file), *(os.path.realpath(file) + suffix for suffix in COMPANIONS)]


def folder_of(address: str, otherwise: Path) -> Path:
    """The folder on this machine that the database stands in, for what is kept beside it; or another, on a server."""
    return otherwise if _is_server(address) else _file(address).parent


def dump_commands(address: str, file: Path) -> DumpCommands | None:
    """What backs a database up, and puts it back, that gridhook does not back up itself; None if it does."""
    if not _is_server(address):
        return None
    from receiver.store.postgres.connections import without_password  # noqa: PLC0415 - as above

    where = shlex.quote(without_password(address))
    return DumpCommands(
        back_up=f"pg_dump --format=custom --no-owner --file={shlex.quote(str(file))} --dbname={where}",
        put_back=(
            f"pg_restore --no-owner --clean --if-exists --single-transaction --dbname={where} {shlex.quote(str(file))}"
        ),
    )


def back_up(address: str, target: Path, told: Callable[[str, int, int], None]) -> Backup:
    """Writes a whole, checked copy of a file, or nothing. `told` hears how far it is.

    Raises StoreRefused or StoreUnavailable.
    """
    return backup.back_up(_file(address), target, told)


def put_back(address: str, made: Path, clock: Clock, told: Callable[[str, int, int], None]) -> Restored:
    """Puts a backup in a file's place, whole or not at all. `told` hears how far it is.

    Raises StoreRefused (a server runs; it is no sound backup) or StoreUnavailable.
    """
    return restore.restore(_file(address), made, clock, told)


def move(source: str, target: str, told: Callable[[str, int, int], None]) -> Moved:
    """Moves all that one database holds into another one, which is empty, or holds a part of it from an earlier move.

    `told` hears how far it is. Raises StoreRefused (one of them is in use, or not what it should be) or
    StoreUnavailable.
    """
    if source == target:
        raise StoreRefused(f"{shown(target)} is the database itself: name another one")
    return move_between(lambda: _move_end(source, make=False), lambda: _move_end(target, make=True), told)


@contextmanager
def throwaway_transaction(ids: Ids) -> Iterator[Transaction]:
    """A transaction on an empty database that is gone at the end; to be used on the thread that opened it."""
    with memory_transaction(ids) as tx:
        yield tx


def _move_end(address: str, *, make: bool) -> MoveEnd:
    if _is_server(address):
        from receiver.store.postgres.move_end import open_server_end  # noqa: PLC0415 - as above

        return open_server_end(address, make=make)
    return open_file_end(_file(address), make=make)


def _is_server(address: str) -> bool:
    return address.startswith(POSTGRESQL)


def _file(address: str) -> Path:
    return Path(address.removeprefix(SQLITE))
