"""The usual words for statuses: what vendors say whose own words are not documented, or as well as those."""

from __future__ import annotations

from typing import Final, Literal

Status = Literal["queued", "running", "completed", "failed", "canceled"]

STATUSES: Final[tuple[Status, ...]] = ("queued", "running", "completed", "failed", "canceled")
#: The usual words (documented by one vendor or another; `ON_QUEUE` is TTAPI's, inferred).
USUAL: Final[dict[Status, tuple[str, ...]]] = {
    "queued": (
        "queued",
        "pending",
        "pending_queue",
        "in_queue",
        "staged",
        "starting",
        "submitted",
        "not_start",
        "created",
        "waiting",
        "queuing",
    ),
    "running": ("running", "processing", "in_progress", "on_queue", "started", "progress", "modal", "generating"),
    "completed": ("completed", "complete", "finished", "success", "succeeded", "done", "ready"),
    "failed": (
        "failed",
        "failure",
        "fail",
        "error",
        "moderated",
        "content_moderated",
        "request_moderated",
        "task_not_found",
    ),
    "canceled": ("canceled", "cancelled", "cancel"),
}
#: Our status by the usual word.
SYNONYMS: Final[dict[str, Status]] = {word: status for status, usual in USUAL.items() for word in usual}


def plain(word: str) -> str:
    """A word as it is compared: small letters, `_` for a space or hyphen."""
    return word.strip().lower().replace("-", "_").replace(" ", "_")
