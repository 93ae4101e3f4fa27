"""What a unit of work has read and locked: it is read once for all works of a commit, and changed in memory."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from receiver.contracts import LaneLimits, MissingWebhooks
from receiver.model.deliveries import Delivery
from receiver.model.destinations import Destination
from receiver.model.jobs import KeptJob
from receiver.model.money import Breaker, CostRow, CostSum, Scope
from receiver.store.sql.keys import job_key

#: A source and the id that its vendor knows a job by.
VendorKey = tuple[str, str]
#: A statement and its values.
Asked = tuple[str, tuple[Any, ...]]
#: The tables whose names a statement may hold.
_NAMES: Final = re.compile(
    r"\b(requests|jobs|events|choices|tags|deliveries|attempts|lanes|destinations|missing_webhooks|costs|cost_sums|"
    r"breakers|job_warnings|forgotten|inline_pictures|meta|meta_numbers)\b"
)


class SumSpan(NamedTuple):
    """Which sums of costs are wanted: the arguments of `Transaction.cost_sums`."""

    since: int
    until: int | None
    of: Scope | None
    by_quarters: bool


class FoundSums(NamedTuple):
    """Sums as they were read."""

    sums: list[CostSum]
    #: So many changes of this commit are in them.
    changes: int


class Wanted:
    """What is not loaded and was asked for."""

    def __init__(self) -> None:
        self.jobs: set[int] = set()
        self.at: set[VendorKey] = set()
        self.intents: set[str] = set()
        self.questions: set[str] = set()
        self.deliveries: set[int] = set()
        #: Of these jobs.
        self.orders: set[int] = set()
        self.costs: set[int] = set()
        self.sums: set[SumSpan] = set()
        #: Of these roots.
        self.families: set[int] = set()
        self.forgotten: set[int] = set()
        #: To be read, and to be changed.
        self.breakers: set[str] = set()
        self.own_breakers: set[str] = set()
        #: To be changed: all of them.
        self.destinations: set[str] = set()
        #: By number, with their text.
        self.choices: set[tuple[int, bytes]] = set()
        self.reads: set[Asked] = set()
        #: What a work would claim, under its place and the lanes.
        self.claim: tuple[tuple[int, tuple[str, ...]], Sequence[LaneLimits], int] | None = None

    @property
    def names_jobs(self) -> bool:
        """Whether jobs are wanted."""
        return bool(self.jobs or self.at or self.intents or self.questions)


class Small(NamedTuple):
    """The tables that hold a row a source or lane at most, as they were when the commit began."""

    destinations: dict[str, Destination | None]
    missing_webhooks: dict[str, MissingWebhooks | None]
    breakers: dict[str, Breaker]
    numbers: dict[str, int]
    some_forgotten: bool


class LoadedRows:
    """Jobs, deliveries and what else works go by, each locked by itself or by its job; None = there is none."""

    def __init__(self) -> None:
        self.jobs: dict[int, KeptJob | None] = {}
        self.at: dict[VendorKey, int | None] = {}
        self.intents: dict[str, int | None] = {}
        self.questions: dict[str, int | None] = {}
        #: The keys of the events of each job.
        self.event_keys: dict[int, frozenset[int]] = {}
        self.deliveries: dict[int, Delivery | None] = {}
        #: The delivery that is the order of a job.
        self.orders: dict[int, int | None] = {}
        self.costs: dict[int, CostRow | None] = {}
        self.sums: dict[SumSpan, FoundSums] = {}
        #: How many jobs each root has led to, without itself.
        self.families: dict[int, int] = {}
        self.forgotten: dict[int, bool] = {}
        self.breakers: dict[str, Breaker | None] = {}
        #: The sources whose breaker nobody else changes.
        self.own_breakers: set[str] = set()
        self.owns_destinations = False
        #: The numbers of choices that are kept; None = they are left in their jobs.
        self.choices: dict[int, int | None] = {}
        #: Rows of events, which never change.
        self.events: dict[int, tuple[Any, ...]] = {}
        #: Of claimed deliveries: what the lane's handler remembers of the job.
        self.receipts: dict[tuple[str, int], str | None] = {}
        #: What other statements returned.
        self.reads: dict[Asked, list[Any]] = {}
        self.small: Small | None = None
        self.wanted = Wanted()

    def forget_reads(self, tables: frozenset[str]) -> None:
        """These tables are written: what was read of them is not so any more."""
        self.reads = {asked: rows for asked, rows in self.reads.items() if not tables & tables_of(asked[0])}


@lru_cache(maxsize=1024)
def tables_of(sql: str) -> frozenset[str]:
    """The tables that a statement names."""
    return frozenset(_NAMES.findall(sql))


def forgotten_key(source: str, provider_job_id: str) -> int:
    """The key under which a pruned job of a vendor is remembered."""
    return job_key(source, provider_job_id)
