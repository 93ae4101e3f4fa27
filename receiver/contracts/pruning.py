"""What pruning takes away, and what the file is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import msgspec


class Pruned(msgspec.Struct, frozen=True, kw_only=True):
    """How many rows are gone, or would go."""

    jobs: int = 0
    events: int = 0
    deliveries: int = 0
    attempts: int = 0
    requests: int = 0

    def plus(self, more: Self) -> Self:
        """The sum of both, row by row."""
        sums = {name: getattr(self, name) + getattr(more, name) for name in self.__struct_fields__}
        return msgspec.structs.replace(self, **sums)


class OldRows(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of what is old."""

    #: What of it may go: numbers of root jobs (with each goes its whole family), or of requests.
    numbers: Sequence[int]
    #: The last number of the stretch, after which the next one begins; None = there is no more.
    last: int | None


class FilePages(msgspec.Struct, frozen=True, kw_only=True):
    """The pages of the database."""

    count: int
    #: Those of them that hold nothing.
    free: int
    #: Bytes of each.
    size: int
    #: Whether free ones can be given back to the file system bit by bit.
    shrinks: bool
