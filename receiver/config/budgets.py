"""Reads budgets: `{ credits = 200, per = "day" }` or `{ usd = "5.00", per = "month" }`."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from receiver.config.findings import Findings
from receiver.config.units import Amount
from receiver.contracts import Budget, Provider


class BudgetKeys(msgspec.Struct, frozen=True, kw_only=True):
    """A budget as it is written."""

    credits: Amount | None = None
    usd: Amount | None = None
    per: Literal["day", "week", "month", "total"]

    def __post_init__(self) -> None:
        """Raises ValueError unless exactly one currency is named."""
        if (self.credits is None) == (self.usd is None):
            raise ValueError("a budget names either credits or usd")


def budget_of(keys: BudgetKeys) -> Budget:
    """The budget that the keys mean."""
    if keys.usd is not None:
        return Budget(amount=keys.usd, unit="USD", per=keys.per)
    return Budget(amount=keys.credits or Decimal(0), unit="credits", per=keys.per)


def check_source_budget(budget: Budget, provider: Provider, where: str, findings: Findings) -> None:
    """Notes a budget in which none of the source's prices could ever be counted: it would hold every order."""
    if budget.unit != provider.unit:
        wrong = f"is in {budget.unit}, but {provider.name} counts in {provider.unit}: every order would be held"
        findings.wrong(where, wrong, f'write {{ {written(provider.unit)} = ..., per = "{budget.per}" }}')


def written(unit: str) -> str:
    """The key under which an amount of this unit is written."""
    return "usd" if unit == "USD" else unit
