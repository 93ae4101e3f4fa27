"""The objects that Vtrix, SeaCloud and what stands behind them give out, as reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from receiver.errors import Unmapped
from receiver.model.jobs import (
    Cost,
    ErrorCode,
    Image,
    JobError,
    Report,
)
from receiver.providers.shared import failures, reading
from receiver.providers.shared.statuses import SYNONYMS, Status, plain

#: The words of both APIs (documented, or seen in the vendor's own clients; `staged` is Legnext's), beside the usual
#: ones (inferred), since the webhook's body is documented nowhere.
STATUSES: Final[dict[str, Status]] = {
    **SYNONYMS,
    "in_queue": "queued",
    "queued": "queued",
    "pending": "queued",
    "staged": "queued",
    "submitted": "queued",
    "in_progress": "running",
    "processing": "running",
    "running": "running",
    "completed": "completed",
    "failed": "failed",
    "canceled": "canceled",
    "cancelled": "canceled",
}
#: `error_type` of the queue (documented).
ERROR_TYPES: Final[dict[str, tuple[ErrorCode, bool]]] = {
    "INFERENCE_FAILURE": ("provider_error", True),
    "INFERENCE_TIMEOUT": ("provider_timeout", True),
    "REQUEST_INVALID": ("invalid_params", False),
    "CONTENT_BLOCKED": ("moderated", False),
    "CANCELED": ("canceled", False),
    "INTERNAL_SERVER_ERROR": ("provider_error", True),
}
#: The vendor's model and Legnext's task type to our action.
ACTIONS: Final[dict[str, str]] = {
    "diffusion": "imagine",
    "upscale": "upscale",
    "variation": "vary",
    "outpaint": "outpaint",
    "inpaint": "inpaint",
}
MODEL_PREFIX: Final = "midjourney_"
#: Last three digits of an error code: 098 generation failed, 099 provider unavailable (documented).
TRANSIENT: Final = frozenset({"098", "099"})
ERROR_CODE_LENGTH: Final = 10


def report_of(value: Any) -> Report:
    """The report in a body of any known shape, with or without a `data` wrapper. Raises Unmapped.

    A task (`id`), a queue request (`request_id`), or Legnext's job (`job_id`): the callback's body is documented
    nowhere, and the last is inferred from what stands behind the vendor.
    """
    body = reading.table(value)
    inner = body.get("data")
    task = inner if isinstance(inner, dict) else body
    if "request_id" in task and any(name in task for name in ("status", "outputs", "error_type")):
        return request_report(task)
    if "job_id" in task:
        return upstream_report(task)
    if "id" in task:
        return task_report(task)
    raise Unmapped("neither id, request_id nor job_id")


def task_report(task: Mapping[str, Any]) -> Report:
    """A task of the `generation` API. Raises Unmapped."""
    items = contents(task.get("output"))
    status = status_of(task)
    return Report(
        provider_job_id=reading.required_id(task.get("id"), "id"),
        status=status,
        progress=100 if status == "completed" else reading.fraction(task.get("progress")),
        action=action_of(task.get("model"), items),
        images=pictures(items),
        cost=cost_of(task) if status == "completed" else None,
        error=error_of(task) if status in ("failed", "canceled") else None,
        facts=output_facts(items),
    )


def request_report(request: Mapping[str, Any]) -> Report:
    """A request of the queue: its status, or its outputs. Raises Unmapped.

    COMPLETED with an `error` is a failure (documented). COMPLETED without outputs means that they can be fetched now.
    """
    items = contents([{"content": request.get("outputs")}])
    ready = isinstance(request.get("outputs"), list)
    status = "completed" if ready and "status" not in request and not failed(request) else status_of(request)
    facts = output_facts(items)
    if status == "completed" and not ready:
        status, facts = "running", {"ready": True}
    return Report(
        provider_job_id=reading.required_id(request.get("request_id"), "request_id"),
        status=status,
        progress=100 if status == "completed" else reading.fraction(request.get("progress")),
        action=action_of(request.get("model"), items),
        images=pictures(items),
        error=error_of(request) if status in ("failed", "canceled") else None,
        facts=facts,
    )


def upstream_report(job: Mapping[str, Any]) -> Report:
    """A Legnext-type job, as a callback may be (inferred): its `job_id` is not the vendor's own. Raises Unmapped."""
    output = job.get("output")
    inside: Mapping[str, Any] = output if isinstance(output, dict) else {}
    images = reading.tiles(inside.get("image_urls"))
    grid = reading.url(inside.get("image_url"))
    status = status_of(job)
    word = str(job.get("task_type") or "").lower()
    return Report(
        provider_job_id=None,
        status=status,
        progress=100 if status == "completed" else None,
        action=ACTIONS.get(word),
        grid_url=grid if reading.count(images) > 1 else None,
        images=images or reading.tiles(grid),
        error=error_of(job) if status in ("failed", "canceled") else None,
        facts={"output_id": reading.required_id(job.get("job_id"), "job_id")},
    )


def status_of(task: Mapping[str, Any]) -> Status:
    """Our status; an error turns "completed" into "failed". Raises Unmapped for a word that is not known."""
    word = task.get("status")
    if word is None and failed(task):
        word = "completed"
    known = STATUSES.get(plain(word)) if isinstance(word, str) else None
    if known is None:
        raise Unmapped(f"unknown status {str(word)[:50]!r}")
    if known != "completed" or not failed(task):
        return known
    return "canceled" if task.get("error_type") == "CANCELED" else "failed"


def failed(task: Mapping[str, Any]) -> bool:
    """Whether there is an error: text, an `error_type`, or an object whose code is not 0 ("no error", documented)."""
    error = task.get("error")
    if isinstance(error, dict):
        code = reading.text(error.get("code"))
        return code not in (None, "0") or (code is None and _message(error) is not None)
    return reading.text(error) is not None or reading.text(task.get("error_type")) is not None


def contents(output: Any) -> list[Mapping[str, Any]]:
    """The entries of `output[].content[]`, in order; one that is no object is empty, and keeps its place."""
    blocks = output if isinstance(output, list) else []
    found: list[Mapping[str, Any]] = []
    for block in blocks[: reading.MAX_IMAGES]:
        content = block.get("content") if isinstance(block, dict) else None
        if isinstance(content, list):
            found += [item if isinstance(item, dict) else {} for item in content[: reading.MAX_IMAGES]]
    return found


def pictures(items: Iterable[Mapping[str, Any]]) -> tuple[Image, ...]:
    """The entries that are pictures, as tiles; entries without a type count as such.

    `imageNo` is the place in the list (seen in the vendor's own client), so a repeat or an entry without an address
    moves no other tile. That entries of another type have no place is inferred.
    """
    return reading.tiles([item.get("url") for item in items if item.get("type") in (None, "", "image")])


def output_facts(items: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """`output_id`: the `jobId` of the output, which follow-ups must name (the same on every entry)."""
    known = next((found for item in items if (found := reading.job_id(item.get("jobId"))) is not None), None)
    return {"output_id": known} if known is not None else {}


def action_of(model: Any, items: list[Mapping[str, Any]]) -> str | None:
    """Our action by the model's name, else `imagine` for four pictures (inferred)."""
    word = model.removeprefix(MODEL_PREFIX) if isinstance(model, str) else ""
    return ACTIONS.get(word) or ("imagine" if reading.count(pictures(items)) == 4 else None)


def cost_of(task: Mapping[str, Any]) -> Cost | None:
    """`usage.cost`, text in US dollars (documented)."""
    usage = task.get("usage")
    amount = reading.number(usage.get("cost")) if isinstance(usage, dict) else None
    return Cost(amount=amount, unit="USD", source="reported") if amount is not None and amount >= 0 else None


def error_of(body: Any, status: int | None = None) -> JobError:
    """Why a task failed or an order was refused.

    Takes `error` (text, `{code, error_message}`, `{code, message}`) with or without `error_type`, `{"detail"}`, and
    `{"status": {code, message, error_code}}`. Codes are kept as text: they exceed 32 bits.
    """
    table: Mapping[str, Any] = body if isinstance(body, dict) else {}
    error, outer = table.get("error"), table.get("status")
    inside: Mapping[str, Any] = error if isinstance(error, dict) else outer if isinstance(outer, dict) else {}
    message = _message(inside) or reading.text(error) or reading.text(table.get("detail"))
    word = reading.text(table.get("error_type"), 50)
    if word in ERROR_TYPES:
        code, retryable = ERROR_TYPES[word]
        return JobError(code=code, provider_code=word, message=(message or word)[:1000], retryable=retryable)
    number = reading.text(inside.get("error_code"), 50) or reading.text(inside.get("code"), 50)
    if is_own_code(number):
        status = 503 if str(number)[-3:] in TRANSIENT else 400
    return failures.failure(message, number or word, status)


def is_own_code(number: str | None) -> bool:
    """Whether it is `8004`, three digits of the model, three of the error (the pattern of the documented ones)."""
    return number is not None and number.isdecimal() and len(number) == ERROR_CODE_LENGTH and number.startswith("8004")


def is_callers_mistake(number: str | None) -> bool:
    """Whether it is one of 001-097 (inferred from the documented ones: something missing or invalid)."""
    return is_own_code(number) and str(number)[-3:] not in TRANSIENT


def _message(error: Mapping[str, Any]) -> str | None:
    for name in ("error_message", "message", "raw_message"):
        known = reading.text(error.get(name))
        if known is not None:
            return known
    return None
