"""Reads JourneyAPI's task object: what `/fetch` answers (documented) and the webhook brings (inferred)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from receiver.errors import Unmapped
from receiver.model.actions import (
    DIRECTIONS,
    STRENGTHS,
    Params,
)
from receiver.model.jobs import (
    Image,
    JobError,
    Report,
)
from receiver.providers.journeyapi.steps import ACTIONS
from receiver.providers.shared import failures, reading
from receiver.providers.shared.statuses import SYNONYMS, Status, plain

#: The vendor's status words (documented at /fetch), beside the usual ones (inferred): a webhook's body is documented
#: nowhere.
STATUSES: Final[dict[str, Status]] = {
    **SYNONYMS,
    "staged": "queued",
    "pending": "queued",
    "starting": "queued",
    "processing": "running",
    "finished": "completed",
    "failed": "failed",
}
UPSCALES: Final = ("2x", "4x", "subtle", "creative")
INDEXES: Final = ("1", "2", "3", "4")
#: Task types that are called like our action and say no more.
PLAIN: Final = ACTIONS - {"upscale"}


def report_of(task: Mapping[str, Any]) -> Report:
    """The report in a task object. Raises Unmapped if it names no task or has an unknown status."""
    task_id = reading.required_id(task.get("task_id"), "task_id")
    # The other spelling is an integrator's (inferred).
    grid = reading.url(task.get("original_image_url")) or reading.url(task.get("origin_image_url"))
    images = pictures_of(task)
    status = status_of(task, bool(images))
    action, params = kind_of(task.get("task_type"), grid is not None or len(images) > 1, bool(images))
    return Report(
        provider_job_id=task_id,
        status=status,
        progress=100 if status == "completed" else reading.percent(task.get("percentage")),
        action=action,
        params=params,
        prompt=reading.text(task.get("prompt")),
        grid_url=grid,
        images=images,
        has_other_result=isinstance(task.get("content"), list),
        error=failures.failure(message_of(task)) if status == "failed" else None,
        facts=facts_of(task),
    )


def pictures_of(task: Mapping[str, Any]) -> tuple[Image, ...]:
    """The tiles, or the one picture. What `describe` echoes (documented) is its input, not a result."""
    if task.get("task_type") == "describe":
        return ()
    return reading.tiles(task.get("image_urls")) or reading.tiles(task.get("image_url"))


def status_of(task: Mapping[str, Any], has_images: bool) -> Status:
    """Our word for the task's status. Raises Unmapped for one that is not documented."""
    word = task.get("status")
    if word in (None, ""):
        return status_without_word(task, has_images)
    known = STATUSES.get(plain(reading.text(word) or ""))
    if known is None:
        raise Unmapped(f"unknown status {str(word)[:50]!r}")
    return known


def status_without_word(task: Mapping[str, Any], has_images: bool) -> Status:
    """Apiframe v1's documented final body has no `status`; what else it holds tells (inferred for JourneyAPI)."""
    if message_of({**task, "message": None}) is not None:
        return "failed"
    if has_images or isinstance(task.get("content"), list):
        return "completed"
    if reading.percent(task.get("percentage")) is not None:
        return "running"
    raise Unmapped("no status, pictures, error or percentage")


def kind_of(task_type: Any, is_grid: bool, has_images: bool) -> tuple[str | None, Params]:
    """Action and parameters from a `task_type`; by the pictures where it is missing (inferred).

    `upscale#1` and `upscale-1x` contradict each other in the documentation, so the prefix decides.
    """
    word = (reading.text(task_type) or "").lower()
    if not word:
        return _kind_by_pictures(is_grid, has_images), {}
    if word in PLAIN:
        return word, {}
    head, _, tail = word.partition("-")
    if word.startswith("upscale"):
        return ("upscale", {"kind": tail}) if tail in UPSCALES else ("pick", {})
    if head in ("variation", "variations"):
        return "vary", {"index": int(tail)} if tail in INDEXES else _said("strength", tail, STRENGTHS)
    if head == "pan":
        return "pan", _said("direction", tail, DIRECTIONS)
    return None, {}


def _kind_by_pictures(is_grid: bool, has_images: bool) -> str | None:
    if is_grid:
        return "imagine"
    return "pick" if has_images else None


def _said(name: str, value: str, known: tuple[str, ...]) -> Params:
    return {name: value} if value in known else {}


def message_of(task: Mapping[str, Any]) -> str | None:
    """The failure in words: `error` as text or object, `errors: [{"msg"}]`, or (inferred) `message`."""
    error = task.get("error")
    if isinstance(error, dict):
        error = error.get("message") or error.get("msg")
    errors = task.get("errors")
    if error is None and isinstance(errors, list):
        error = "; ".join(str(one.get("msg", "")) for one in errors if isinstance(one, dict))
    return reading.text(error) or reading.text(task.get("message"))


def facts_of(task: Mapping[str, Any]) -> dict[str, Any]:
    """What `describe` found, which has no place in a job's pictures."""
    content = task.get("content")
    return {"content": [str(line)[:2000] for line in content[:8]]} if isinstance(content, list) else {}


def refused(value: Any, status: int) -> JobError:
    """`{"errors":[{"msg"}]}`; 401 and 500 have the body `{}` (documented)."""
    return failures.failure(message_of(value) if isinstance(value, dict) else None, status, status)
