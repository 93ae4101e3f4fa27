"""What pruning takes away, what the file is made of, and what a transaction does about it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol, Self

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
    """The pages of the database; all 0, and `shrinks` False, where the database sees to its room by itself."""

    count: int
    #: Those of them that hold nothing.
    free: int
    #: Bytes of each.
    size: int
    #: Whether free ones can be given back to the file system bit by bit.
    shrinks: bool


class Upkeep(Protocol):
    """What a transaction does for the retention. `before` and `after` are ids."""

    def old_families(self, after: int, before: int, limit: int) -> OldRows:
        """Looks at the next `limit` jobs: roots whose whole families are over and older than `before`."""
        ...

    def prune_families(self, roots: Sequence[int], before: int) -> Pruned:
        """Takes away the families of these roots, as far as they (still) may go."""
        ...

    def prunable_rows(self, roots: Sequence[int], before: int) -> tuple[Pruned, list[int]]:
        """What `prune_families` would take away, and the numbers of those jobs."""
        ...

    def old_requests(self, after: int, before: int, limit: int, going: Collection[int] = ()) -> OldRows:
        """Looks at the next `limit` requests: those that told of no job that is still here, but for jobs in `going`."""
        ...

    def prune_operator_events(self, before: int, limit: int) -> Pruned:
        """Takes away at most `limit` old operator events, with deliveries that are over."""
        ...

    def prune_requests(self, numbers: Sequence[int]) -> Pruned:
        """Takes these requests away."""
        ...

    def spent_requests(self, after: int, before: int, limit: int) -> OldRows:
        """Looks at the next `limit` requests: those that told of no job that is not over."""
        ...

    def prune_spent_requests(self, numbers: Sequence[int]) -> Pruned:
        """Takes these requests away, as far as they (still) may go."""
        ...

    def spent_progress(self, after: int, before: int, limit: int) -> OldRows:
        """Looks at the next `limit` events: those of progress, of jobs that are over, that nothing needs any more."""
        ...

    def prune_spent_progress(self, numbers: Sequence[int], before: int) -> Pruned:
        """Takes these events away, as far as they (still) may go, with their deliveries."""
        ...

    def pages(self) -> FilePages:
        """What the file is made of."""
        ...

    def give_back(self, pages: int) -> None:
        """Gives so many free pages back to the file system; nothing happens where the database does so by itself."""
        ...
