"""What is asked about once more before it is ordered."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from receiver.model.jobs import Cost

#: What costs more is asked about, by its unit.
ASK_ABOVE: Final[Mapping[str, Decimal]] = {"credits": Decimal(4), "USD": Decimal("0.25")}


def is_dear(price: Cost | None) -> bool:
    """True if it costs more than that, or nobody knows how much."""
    return price is None or price.amount > ASK_ABOVE.get(price.unit, Decimal(0))
