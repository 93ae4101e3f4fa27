"""midjourney-proxy's task objects and codes, as reports."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from receiver.contracts import Answer
from receiver.errors import Unmapped
from receiver.model.actions import GRIDS, Params
from receiver.model.jobs import ErrorCode, Image, JobError, Report
from receiver.providers.shared import failures, reading
from receiver.providers.shared.midjourney_buttons import ACTIONS, buttons_of, pressed, shows_grid
from receiver.providers.shared.statuses import SYNONYMS, Status, plain

#: The codes of an answer to an order (documented by both flavours; 21 means another thing at each).
TAKEN: Final = frozenset({"1", "22"})
EXISTS_OR_MODAL: Final = "21"
QUEUE_FULL: Final = "23"
#: Not taken: not found, not valid, a failure of the service, a banned prompt; -1 is what trueai says of limits a day
#: (seen in its code). The HTTP status that each goes with; None = none.
REFUSED: Final[dict[str, int | None]] = {"3": 404, "4": 400, "9": 500, "24": 400, "-1": None}
#: What the code alone says, whatever the words beside it, which are Chinese at most services.
MEANS: Final[dict[str, ErrorCode]] = {"23": "queue_full", "24": "moderated"}
#: What relays say of a task that they do not have (seen in their code).
NOT_FOUND: Final = "task_no_found"
#: `/up 1320098173412546 U2` (documented).
_CHANGE: Final = re.compile(r"/up \S{1,200} [UV]([1-4])")


def report_of(task: Mapping[str, Any]) -> Report:
    """What a task object says. Raises Unmapped when it has no id or a status that is not known."""
    known_id = reading.required_id(task.get("id"), "id")
    status = status_of(task)
    buttons = buttons_of(task)
    action, params = kind_of(task)
    done = status == "completed"
    grid, images = pictures_of(task, action, buttons) if done else (None, ())
    facts = facts_of(task, action, buttons) if done else {}
    return Report(
        provider_job_id=known_id,
        status=status,
        progress=100 if done else reading.percent(task.get("progress")),
        action=action,
        params=params,
        prompt=reading.text(task.get("prompt")) if action != "describe" else None,
        grid_url=grid,
        images=images,
        error=failures.failure(reading.text(task.get("failReason"))) if status == "failed" else None,
        facts=facts,
        has_other_result="videos" in facts or "content" in facts,
        awaits_step=plain(str(task.get("status"))) == "modal",
    )


def status_of(task: Mapping[str, Any]) -> Status:
    """Our status. Relays say "" or null of a task that has not begun (seen in their code). Raises Unmapped."""
    word = task.get("status")
    if word in ("", None) and "progress" in task and "action" in task:
        return "queued"
    known = SYNONYMS.get(plain(word)) if isinstance(word, str) else None
    if known is None:
        raise Unmapped(f"unknown status {str(word)[:50]!r}")
    return known


def kind_of(task: Mapping[str, Any]) -> tuple[str | None, Params]:
    """Action and parameters: by the button that was pressed (inferred), else by `action` and `description`."""
    properties = task.get("properties")
    inside = properties if isinstance(properties, dict) else {}
    button = reading.job_id(inside.get("custom_id")) or reading.job_id(inside.get("customId"))
    told = pressed(button) if button is not None else None
    if told is not None:
        return told
    word = task.get("action")
    action, params = ACTIONS.get(word.upper(), (None, {})) if isinstance(word, str) else (None, {})
    change = _CHANGE.fullmatch(reading.text(task.get("description")) or "")
    if change is not None and action in ("pick", "vary"):
        return action, {"index": int(change[1])}
    return action, dict(params)


def pictures_of(
    task: Mapping[str, Any], action: str | None, buttons: list[str]
) -> tuple[str | None, tuple[Image, ...]]:
    """The grid's address and the tiles of a finished task, or its single picture.

    A grid's `imageUrl` is the whole grid (documented); `imageUrls` has the tiles where there are several (trueai).
    """
    picture = reading.url(task.get("imageUrl"))
    tiles = reading.tiles(task.get("imageUrls"))
    if action == "describe":
        return None, ()
    is_grid = action in GRIDS if action is not None else shows_grid(buttons)
    if not is_grid:
        return None, tiles or ((Image(index=1, url=picture),) if picture is not None else ())
    several = reading.count(tiles) > 1
    return picture or (tiles[0].url if tiles and not several else None), tiles if several else ()


def facts_of(task: Mapping[str, Any], action: str | None, buttons: list[str]) -> dict[str, Any]:
    """The buttons, the text that `describe` found, the addresses of videos."""
    facts: dict[str, Any] = {}
    if buttons:
        facts["buttons"] = buttons
    properties = task.get("properties")
    said = properties.get("finalPrompt") if isinstance(properties, dict) else None
    content = reading.text(said) or reading.text(task.get("prompt"))
    if action == "describe" and content is not None:
        facts["content"] = [line for line in content.splitlines() if line.strip()][:8]
    videos = reading.urls(task.get("videoUrl"), task.get("videoUrls"))
    if videos:
        facts["videos"] = videos
    return facts


def body_of(answer: Answer) -> Any:
    """The JSON of an answer; None if it is none."""
    try:
        return reading.answer_json(answer)
    except Unmapped:
        return None


def code_of(body: Any) -> str | None:
    """The `code` of an answer, as text."""
    return reading.text(body.get("code"), 50) if isinstance(body, dict) else None


def error_of(body: Any, status: int | None = None) -> JobError:
    """Why an order was refused: `{code, description}`, or what a relay or the program's web server says instead."""
    code = code_of(body)
    message = _message(body) if isinstance(body, dict) else None
    known = MEANS.get(code or "")
    if known is not None:
        said = (message or known.replace("_", " "))[:1000]
        return JobError(code=known, provider_code=code, message=said, retryable=known in failures.RETRYABLE)
    # The HTTP status is 200 for nearly all refusals: the code has the meaning that the status has elsewhere.
    by_code = REFUSED.get(code or "") if status is None or 200 <= status < 300 else None
    return failures.failure(message, code, by_code or status)


def _message(body: Mapping[str, Any]) -> str | None:
    error = body.get("error")
    inside = error.get("message") if isinstance(error, dict) else error
    for said in (body.get("description"), inside, body.get("message"), body.get("msg")):
        known = reading.text(said)
        if known is not None and failures.is_reason(known):
            return known
    return None


def not_now(value: Any) -> str | None:
    """Why an order is to be tried later: code 23, or trueai's code 9 with the same words (seen in its code)."""
    code = code_of(value)
    full = code == QUEUE_FULL or (code == "9" and error_of(value).code == "queue_full")
    return "the provider's queue is full" if full else None


def existing(value: Mapping[str, Any]) -> Report:
    """What novicezk's code 21 says: the tile was picked before, `properties` tell how far that task is (documented).

    One that has ended is told without its id, which may be that of another job here. Raises Unmapped.
    """
    known_id = reading.required_id(value.get("result"), "result")
    said = value.get("properties")
    properties = said if isinstance(said, dict) else {}
    word = properties.get("status")
    status = SYNONYMS.get(plain(word), "queued") if isinstance(word, str) else "queued"
    picture = reading.url(properties.get("imageUrl"))
    if status == "completed" and picture is not None:
        return Report(provider_job_id=None, status=status, progress=100, images=(Image(index=1, url=picture),))
    if status in ("failed", "canceled"):
        error = JobError(code="provider_error", provider_code="21", message=f"task {known_id} exists, and it failed")
        return Report(provider_job_id=None, status="failed", error=error)
    return Report(provider_job_id=known_id, status="running" if status == "running" else "queued")
