"""Times as the command line prints and reads them: in the configured time zone. JSON stays in UTC."""

from __future__ import annotations

from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

_ZONE: Final[ContextVar[str]] = ContextVar("zone", default="UTC")


def use_zone(name: str) -> None:
    """From now on times are printed, and read, in this time zone."""
    _ZONE.set(name)


def local(stamp: str | None) -> str | None:
    """An RFC 3339 moment in the time zone in use, with its offset: `2026-11-21T11:00:00.000+01:00`; None stays None."""
    zone = _ZONE.get()
    if stamp is None or zone == "UTC":
        return stamp
    return datetime.fromisoformat(stamp).astimezone(ZoneInfo(zone)).isoformat(timespec="milliseconds")


def from_local(text: str) -> int:
    """RFC 3339 text, or a date, as Unix ms; without an offset it is in the time zone in use. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        zone = _ZONE.get()
        moment = moment.replace(tzinfo=UTC if zone == "UTC" else ZoneInfo(zone))
    return round(moment.timestamp() * 1000)
