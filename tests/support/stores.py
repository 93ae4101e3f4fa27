"""The store that a test's world stands on: SQLite in the test's folder, or a schema of PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from receiver.contracts import Database
from receiver.lib.times import Clock
from receiver.store.opening import SQLITE, database_at
from support.empty import empty_file


class Engine:
    """Where the stores of the present test are."""

    #: An address; None = a file in the test's folder.
    address: ClassVar[str | None] = None


def a_store(path: Path, clock: Clock) -> Database:
    """The test's store, to be opened: on this file, unless the test is run on another engine."""
    if Engine.address is None:
        empty_file(path)
    return database_at(Engine.address or f"{SQLITE}{path}", clock)
