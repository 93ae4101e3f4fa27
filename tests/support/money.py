"""Budgets and accounts for tests about money."""

from __future__ import annotations

from decimal import Decimal

from receiver.contracts import Budget
from receiver.contracts.setup import Limits


def a_day(amount: str) -> Limits:
    """So many credits a day for the source `journey`."""
    return Limits(budgets={"journey": Budget(amount=Decimal(amount), unit="credits", per="day")})
