"""APIMart's task objects, unified and Midjourney-style, as reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from receiver.errors import Unmapped
from receiver.model.actions import Params
from receiver.model.jobs import (
    Cost,
    JobError,
    Report,
)
from receiver.providers.shared import failures, reading
from receiver.providers.shared.midjourney_buttons import ACTIONS, buttons_of
from receiver.providers.shared.statuses import SYNONYMS, Status, plain

#: Both vocabularies (documented); MODAL is not an end: the task waits for `/modal`. Beside them the usual words
#: (inferred), since Midjourney's webhooks are documented nowhere.
STATUSES: Final[dict[str, Status]] = {
    **SYNONYMS,
    "pending": "queued",
    "submitted": "queued",
    "queued": "queued",
    "not_start": "queued",
    "processing": "running",
    "in_progress": "running",
    "modal": "running",
    "completed": "completed",
    "success": "completed",
    "failed": "failed",
    "failure": "failed",
    "cancelled": "canceled",
    "canceled": "canceled",
}
#: Submit codes of the Midjourney services: the HTTP status each goes with. 4, 3 and 9 are documented, 24 was seen.
HTTP_OF_CODE: Final[dict[str, int]] = {"4": 400, "3": 404, "9": 502, "24": 400}
BANNED_PROMPT: Final = "24"
#: `repeat` makes up to 40 tasks of one order (documented).
MAX_TASKS: Final = 40


def unwrap(value: Any) -> list[Mapping[str, Any]]:
    """The task objects in a body: bare, in `data`, or in a list in `data`. Raises Unmapped if it is no object."""
    body = reading.table(value)
    inner = body.get("data")
    if isinstance(inner, dict):
        return [inner]
    if isinstance(inner, list) and inner:
        return [reading.table(task, "a task") for task in inner[:MAX_TASKS]]
    return [body]


def id_of(task: Mapping[str, Any]) -> str | None:
    """`id` (poll, webhook) or `task_id` (answer to an order)."""
    return reading.job_id(task.get("id")) or reading.job_id(task.get("task_id"))


def report_of(task: Mapping[str, Any]) -> Report:
    """What a task object says. Raises Unmapped when it has no id or a status that is not known."""
    known_id = reading.required_id(id_of(task), "id")
    result = task.get("result")
    inside = result if isinstance(result, dict) else {}
    images = reading.tiles(task.get("image_urls")) or reading.tiles(places_of(inside.get("images")))
    grid = reading.url(task.get("grid_image_url"))
    status = status_of(task.get("status"))
    action, params = kind_of(task.get("action"), grid, reading.count(images))
    facts = facts_of(task, action, reading.urls(task.get("video_urls"), inside.get("videos")))
    return Report(
        provider_job_id=known_id,
        status=status,
        progress=100 if status == "completed" else reading.percent(task.get("progress")),
        action=action,
        params=params,
        prompt=reading.text(task.get("prompt")) if action != "describe" else None,
        grid_url=grid,
        images=images,
        cost=cost_of(task) if status == "completed" else None,
        error=error_of(task) if status == "failed" else None,
        facts=facts,
        has_other_result="videos" in facts or "content" in facts,
        awaits_step=str(task.get("status")).lower() == "modal",
    )


def places_of(pictures: Any) -> list[Any]:
    """What stands at each place of the grid in `result.images`: its `url` lists end to end (older page: one address).

    A repeat, a null and an entry without any address have a place too, so that they move no other tile (inferred).
    """
    places: list[Any] = []
    for entry in pictures[: reading.MAX_IMAGES] if isinstance(pictures, list) else [pictures]:
        inside = entry.get("url") if isinstance(entry, dict) else entry
        places += inside[: reading.MAX_IMAGES] if isinstance(inside, list) and inside else [entry]
    return places


def status_of(word: Any) -> Status:
    """Our status for the vendor's word in either vocabulary. Raises Unmapped for any other."""
    known = STATUSES.get(plain(word)) if isinstance(word, str) else None
    if known is None:
        raise Unmapped(f"unknown status {str(word)[:50]!r}")
    return known


def kind_of(word: Any, grid: str | None, pictures: int) -> tuple[str | None, Params]:
    """Action and parameters by `action` (Midjourney view), else by the number of pictures (inferred)."""
    if isinstance(word, str) and word.upper() in ACTIONS:
        action, params = ACTIONS[word.upper()]
        return action, dict(params)
    if grid is not None or pictures == 4:
        return "imagine", {}
    return ("pick" if pictures == 1 else None), {}


def cost_of(task: Mapping[str, Any]) -> Cost | None:
    """`credits_cost` in credits if it is there, else `cost` in US dollars (both seen beside the documented sample)."""
    for name, unit in (("credits_cost", "credits"), ("cost", "USD")):
        amount = reading.number(task.get(name))
        if amount is not None and amount >= 0:
            return Cost(amount=amount, unit=unit, source="reported")
    return None


def facts_of(task: Mapping[str, Any], action: str | None, videos: list[str]) -> dict[str, Any]:
    """The buttons, the text that `describe` found, the addresses of videos."""
    facts: dict[str, Any] = {}
    buttons = buttons_of(task)
    if buttons:
        facts["buttons"] = buttons
    content = reading.text(task.get("description")) or reading.text(task.get("prompt"))
    if action == "describe" and content is not None:
        facts["content"] = content.splitlines()[:8]
    if videos:
        facts["videos"] = videos
    return facts


def code_of(body: Any) -> str | None:
    """The service's code of an answer: `error.code` or `code`, as text."""
    if not isinstance(body, dict):
        return None
    error = body.get("error")
    inside = reading.text(error.get("code"), 50) if isinstance(error, dict) else None
    return inside or reading.text(body.get("code"), 50)


def error_of(body: Any, status: int | None = None) -> JobError:
    """Why a task failed or an order was refused: `error: {code, message, type}`, `fail_reason`, or a code alone."""
    message = message_of(body) if isinstance(body, dict) else None
    code = code_of(body)
    if code == BANNED_PROMPT:
        return JobError(code="moderated", provider_code=code, message=(message or "banned prompt")[:1000])
    if code is not None and code in HTTP_OF_CODE:
        status = HTTP_OF_CODE[code]
    elif code is not None and code.isdecimal() and len(code) == 3 and status in (None, 200):
        status = int(code)
    if message is not None and message.startswith("This action requires an upscaled task"):
        return JobError(code="unsupported", provider_code=code, message=message[:1000])
    return failures.failure(message, code, status)


def message_of(body: Mapping[str, Any]) -> str | None:
    """The failure in words."""
    error = body.get("error")
    inside = error.get("message") if isinstance(error, dict) else error
    # A task's own `description` is its prompt, not its failure.
    description = None if "status" in body else body.get("description")
    for said in (inside, body.get("fail_reason"), body.get("message"), description):
        known = reading.text(said)
        if known is not None:
            return known
    return None
