"""Times as the command line prints them: in the configured time zone. JSON stays in UTC."""

from __future__ import annotations

from contextvars import ContextVar
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

_ZONE: Final[ContextVar[str]] = ContextVar("zone", default="UTC")


def use_zone(name: str) -> None:
    """From now on times are printed in this time zone."""
    _ZONE.set(name)


def local(stamp: str | None) -> str | None:
    """An RFC 3339 moment in the time zone in use, with its offset: `2026-11-21T11:00:00.000+01:00`; None stays None."""
    zone = _ZONE.get()
    if stamp is None or zone == "UTC":
        return stamp
    return datetime.fromisoformat(stamp).astimezone(ZoneInfo(zone)).isoformat(timespec="milliseconds")
