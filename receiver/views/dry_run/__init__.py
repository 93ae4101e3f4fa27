"""What an event would lead to: the real flow on a throw-away database, with nothing sent and nothing kept."""

from __future__ import annotations

from receiver.views.dry_run.records import (
    DryRun,
    PlannedCost,
    PlannedOrder,
    ToldEvent,
)
from receiver.views.dry_run.running import dry_run

__all__ = ["DryRun", "PlannedCost", "PlannedOrder", "ToldEvent", "dry_run"]
