"""What lists and counts are made of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import msgspec

T = TypeVar("T")


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """What a list shows: everything given must match. Times are Unix ms.

    `since` and `until` go by what the clock showed when a row was made, also where it was set back since: what was made
    an hour ago then is older than what was made a minute ago now, though it may stand below it in the list.
    """

    limit: int = 50
    #: Show what is older than this id: `next` of the page before.
    before: int | None = None
    since: int | None = None
    until: int | None = None
    type: str | None = None
    status: str | None = None
    source: str | None = None
    sink: str | None = None
    action: str | None = None
    provider_job_id: str | None = None
    job: int | None = None
    root: int | None = None
    parent: int | None = None
    #: Jobs whose prompt holds this text, whatever the case of its ASCII letters.
    prompt: str | None = None
    tags: dict[str, str] = {}


class Page(list[T]):
    """One page of a list, newest first: not always full, and maybe empty, though there is more."""

    def __init__(self, items: Iterable[T], following: int | None) -> None:
        super().__init__(items)
        #: `before` of the page that follows; None = this is the last one.
        self.next = following


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How much there is of what waits or went wrong; each number is 100,000 at most: nothing is counted further."""

    #: By status: pending, running, dead; and `unseen`: the dead ones that nobody left.
    deliveries: dict[str, int]
    #: By source and status: the jobs that are not over.
    jobs: dict[tuple[str, str], int]
    #: By source and warning: the jobs that ever ended with it.
    warnings: dict[tuple[str, str], int] = {}
    #: Of the log of what is not in the database file yet; None = this store has none.
    wal_bytes: int | None = None
    #: The living processes on this database; of a store that is one process's own there is no other.
    replicas: int = 1


class MissingWebhooks(msgspec.Struct, frozen=True, kw_only=True):
    """Jobs of one source that completed by asking, while no webhook of that source came."""

    source: str
    #: When the first of them was made, Unix ms.
    since: int
    jobs: int
