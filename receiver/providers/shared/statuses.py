"""The usual words for statuses: what vendors say whose own words are not documented, or as well as those."""

from __future__ import annotations

from typing import Final, Literal

Status = Literal["queued", "running", "completed", "failed", "canceled"]

STATUSES: Final[tuple[Status, ...]] = ("queued", "running", "completed", "failed", "canceled")
#: The usual words (documented by one vendor or another; `ON_QUEUE` is TTAPI's, inferred). "ok" is none of them: it says
#: of a message that it arrived.
USUAL: Final[dict[Status, tuple[str, ...]]] = {
    "queued": (
        "queued", "pending", "pending_queue", "in_queue", "inqueue", "staged", "starting", "submitted", "not_start",
        "not_started", "created", "waiting", "queuing", "scheduled", "accepted", "new", "init", "initialized",
        "task_status_queued",
    ),
    "running": (
        "running", "processing", "in_progress", "inprogress", "on_queue", "started", "progress", "modal", "generating",
        "working", "executing", "rendering", "upscaling", "active", "ongoing", "task_status_processing",
    ),
    "completed": (
        "completed", "complete", "finished", "finish", "success", "succeeded", "succeed", "successful", "done", "ready",
        "generated", "task_completed", "task_status_succeed",
    ),
    "failed": (
        "failed", "failure", "fail", "error", "errored", "unsuccessful", "moderated", "content_moderated",
        "request_moderated", "blocked", "banned", "nsfw", "rejected", "timeout", "timed_out", "expired", "terminated",
        "task_not_found", "task_failed", "task_status_failed",
    ),
    "canceled": ("canceled", "cancelled", "cancel", "aborted", "stopped"),
}  # fmt: skip
#: Our status by the usual word.
SYNONYMS: Final[dict[str, Status]] = {word: status for status, usual in USUAL.items() for word in usual}


def plain(word: str) -> str:
    """A word as it is compared: small letters, `_` for a space or hyphen."""
    return word.strip().lower().replace("-", "_").replace(" ", "_")
