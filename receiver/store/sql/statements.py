"""What the tables ask of a connection: statements in SQLite's SQL, whatever engine runs them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol


class Rows(Protocol):
    """What a statement returned."""

    @property
    def rowcount(self) -> int:
        """How many rows it wrote."""
        ...

    def fetchone(self) -> Any:
        """The next row, None if there is none."""
        ...

    def fetchall(self) -> list[Any]:
        """All further rows."""
        ...

    def __iter__(self) -> Iterator[Any]: ...


class Statements(Protocol):
    """Runs statements within an open transaction; `?` or `?1` stands for a value."""

    def execute(self, sql: str, values: Sequence[Any] = (), /) -> Rows:
        """Runs one and returns its rows."""
        ...

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> object:
        """Runs one that returns nothing, for each of these rows."""
        ...
