"""Durations as people write them: `500ms`, `30s`, `24h`."""

from __future__ import annotations

import re
from typing import Final

SECONDS: Final[dict[str, float]] = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400}
#: An amount and its unit.
QUANTITY: Final = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?) ?([A-Za-z]+)")


def duration(value: object) -> float:
    """Seconds from `"500ms" "10s" "5m" "24h" "30d"`. Raises ValueError."""
    found = QUANTITY.fullmatch(value) if isinstance(value, str) else None
    factor = SECONDS.get(found[2]) if found else None
    if found is None or factor is None:
        raise ValueError("is not a duration")
    return float(found[1]) * factor


def duration_text(seconds: float) -> str:
    """Seconds as a duration is written in the file, in the largest unit that leaves a whole number: `24h`, `90m`."""
    for unit, factor in sorted(SECONDS.items(), key=lambda one: -one[1]):
        # "1d" is exact, but a day is said as hours up to two of them.
        if seconds >= factor * (2 if unit == "d" else 1) and seconds % factor == 0:
            return f"{seconds / factor:g}{unit}"
    return f"{seconds * 1000:g}ms"
