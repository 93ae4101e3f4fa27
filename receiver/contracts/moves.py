"""A move: all that a database holds goes into another one, of whatever engine."""

from __future__ import annotations

import msgspec


class MovedTable(msgspec.Struct, frozen=True, kw_only=True):
    """A table that is the same in both databases."""

    name: str
    rows: int
    #: The lowest and the highest number of its rows; None where it is empty, or its rows have none.
    first: int | None
    last: int | None


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a move. Both databases hold the same: every table was compared, row by row."""

    #: A file, or the address of a server without names and passwords.
    source: str
    target: str
    #: Whether it went on where an earlier move of the same database had been broken off.
    resumed: bool
    rows: int
    #: Deliveries and orders that a process had claimed: the next start takes them back.
    lost: int
    tables: list[MovedTable]
    #: What all orders cost, by unit; what is not known counts as nothing. Exact decimal text.
    costs: dict[str, str]
