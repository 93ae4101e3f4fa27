"""What a move asks of a database, whatever engine keeps it; and how far it got, which the target itself keeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

import msgspec

#: The name under which a target keeps how far the move is; who finds it there, keeps out.
MARK: Final = "moving"
#: What each database knows of itself alone.
NOT_MOVED: Final = frozenset({MARK, "probe", "dispatcher", "schema", "home"})
#: What is known by name: bytes, and numbers. SQLite keeps both in one table.
NAMED: Final = ("meta", "meta_numbers")

Row = tuple[Any, ...]


class Shape(NamedTuple):
    """A table's columns, in order."""

    columns: tuple[str, ...]
    #: Those of its primary key.
    key: tuple[str, ...]


class MoveMark(msgspec.Struct, frozen=True, kw_only=True):
    """How far a move is."""

    #: Which database it comes from: a hash of its refs' key and where it is.
    identity: str
    #: The same for people.
    source: str
    #: The tables that are copied whole.
    done: tuple[str, ...] = ()
    #: The one that is being copied, and the key of the last row that is there.
    table: str = ""
    after: tuple[Any, ...] = ()


class MoveEnd(Protocol):
    """A database that only this process may use."""

    #: Where it is, as it may be shown.
    name: str

    @property
    def faults(self) -> type[Exception]:
        """What its engine raises where it cannot go on."""
        ...

    def shapes(self) -> Mapping[str, Shape]:
        """The tables that can be moved, by name."""
        ...

    def ref_key(self) -> bytes:
        """The key of the refs."""
        ...

    def count(self, table: str) -> int:
        """How many rows a table has."""
        ...

    def rows(self, table: str, shape: Shape, after: Sequence[Any] = ()) -> Iterator[Row]:
        """The rows of a table behind this key, in the key's order, one after the other."""
        ...

    def mark(self) -> MoveMark | None:
        """How far a move into it is; None = there is none."""
        ...

    def add(self, table: str, shape: Shape, rows: Sequence[Row], mark: MoveMark) -> None:
        """Adds rows, and keeps the mark, in one transaction."""
        ...

    def clear(self, table: str, mark: MoveMark) -> None:
        """Takes a table's rows away, and keeps the mark, in one transaction."""
        ...

    def finish(self) -> None:
        """The move is over: it is a database like any other from here on."""
        ...

    def close(self) -> None:
        """Lets it go."""
        ...


def half_moved(mark: bytes) -> str:
    """What is said to who would use a database that only a part has been moved into."""
    source = msgspec.json.decode(mark, type=MoveMark).source
    return (
        f"it holds only a part of {source}, from where it was being moved: run the same `gridhook migrate --to` again, "
        "which goes on where it stopped"
    )
