"""Exact sums of amounts."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Context, Decimal
from typing import Final

#: More digits than any sum of amounts has: nothing is rounded.
EXACT: Final = Context(prec=100)


def exact_sum(amounts: Iterable[Decimal]) -> Decimal:
    """The sum, to the last digit."""
    total = Decimal(0)
    for amount in amounts:
        total = EXACT.add(total, amount)
    return total
