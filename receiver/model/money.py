"""Money: budgets, costs, and breakers."""

from __future__ import annotations

from decimal import Decimal
from typing import Final, Literal

import msgspec

#: The one unit that is the same at every source.
ADDS_UP: Final = "USD"

#: Whose costs: those of the source, or of the rule, of this name.
Scope = tuple[Literal["source", "rule"], str]


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """How much may be spent in which time."""

    amount: Decimal
    unit: Literal["credits", "USD"]
    per: Literal["day", "week", "month", "total"]
    #: Names of the sources whose costs it counts: one vendor's credits are not another's. None = of all.
    sources: frozenset[str] | None = None


class CostRow(msgspec.Struct, frozen=True, kw_only=True):
    """What a job costs, as the budgets count it."""

    #: The job's number.
    job: int
    source: str
    rule: str | None
    #: The moment of the reservation, Unix ms: it counts in that day's budget.
    at: int
    state: Literal["reserved", "spent", "released"]
    unit: str
    #: None = not known.
    amount: Decimal | None


class CostSum(msgspec.Struct, frozen=True, kw_only=True):
    """The costs of some jobs of one source, rule, unit and state that were reserved about the same time."""

    source: str
    rule: str | None
    #: Where their span of time begins, Unix ms.
    at: int
    state: Literal["reserved", "spent", "released"]
    unit: str
    #: Of those whose cost is known.
    amount: Decimal
    #: Number of jobs whose cost is not known.
    unknown: int
    #: Number of all jobs.
    jobs: int


class Breaker(msgspec.Struct, frozen=True, kw_only=True):
    """A source whose account refuses orders: nothing is ordered there until a probe gets through."""

    source: str
    #: The error code that opened it.
    code: str
    note: str
    #: Unix ms.
    since: int
    #: When one held job is tried, Unix ms.
    probe_at: int
    #: How many orders in a row were refused.
    failures: int
