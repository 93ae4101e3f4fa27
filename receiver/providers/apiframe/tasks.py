"""Reads Apiframe's job object: what `GET /v2/jobs/{id}` answers and the webhook brings (both documented)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

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

#: What a webhook's `event` says where it has no `status`.
EVENTS: Final[dict[str, Status]] = {"progress": "running", "completed": "completed", "failed": "failed"}
TERMINAL: Final = ("completed", "failed", "canceled")
#: What an order's refusal says of the job that it names, by HTTP status.
OF_THE_PARENT: Final[Mapping[int, ErrorCode]] = {404: "invalid_params", 409: "unsupported"}


def report_of(job: Mapping[str, Any]) -> Report:
    """The report in a job object or a webhook. Raises Unmapped if it names no job or has an unknown status."""
    job_id = reading.required_id(job.get("jobId") or job.get("id"), "jobId")
    status = status_of(job)
    grid, images = result_of(job.get("result"))
    return Report(
        provider_job_id=job_id,
        status=status,
        progress=100 if status == "completed" else reading.percent(job.get("progress")),
        action=action_of(job, grid, images),
        prompt=reading.text(job.get("prompt")),
        grid_url=grid,
        images=images,
        cost=cost_of(job, status),
        error=failures.failure(message_of(job)) if status == "failed" else None,
        facts={"expired": True} if job.get("expired") is True else {},
    )


def status_of(job: Mapping[str, Any]) -> Status:
    """Our word for `status` (beside the documented ones the usual ones count), else for `event`. Raises Unmapped."""
    status, event = reading.text(job.get("status")), reading.text(job.get("event"))
    known = SYNONYMS.get(plain(status)) if status is not None else EVENTS.get((event or "").lower())
    if known is None:
        raise Unmapped(f"unknown status {str(status or event)[:50]!r}")
    return known


def result_of(result: Any) -> tuple[str | None, tuple[Image, ...]]:
    """Grid and pictures from an object `{images, gridUrl}` (seed 004), a text (older page) or a list (inferred)."""
    if not isinstance(result, dict):
        return None, reading.tiles(result)
    return reading.url(result.get("gridUrl")), reading.tiles(result.get("images")) or reading.tiles(result)


def action_of(job: Mapping[str, Any], grid: str | None, images: tuple[Image, ...]) -> str | None:
    """What kind of job it seems to be, for jobs that another tool started.

    Several pictures are a grid (inferred: which action made it is not told); one picture in an object without `gridUrl`
    is an upsample (documented). A text could be either.
    """
    if (reading.text(job.get("model")) or "midjourney").lower() != "midjourney":
        return None
    if grid is not None or len(images) > 1:
        return "imagine"
    return "pick" if images and isinstance(job.get("result"), dict) else None


def cost_of(job: Mapping[str, Any], status: Status) -> Cost | None:
    """What a finished job cost. Before the end it is not settled: credits come back on failure (documented)."""
    if status not in TERMINAL:
        return None
    amount = reading.number(job.get("creditCost"))
    if amount is not None and amount >= 0:
        return Cost(amount=amount, unit="credits", source="reported")
    return Cost(amount=Decimal(0), unit="credits", source="table") if status == "failed" else None


def message_of(body: Mapping[str, Any]) -> str | None:
    """`error` in words, with the fields that a 400 names and the credits that a 402 names (documented)."""
    error = body.get("error")
    message = reading.text(error.get("message") if isinstance(error, dict) else error)
    details = body.get("details")
    if message is None or not isinstance(details, dict):
        return message
    fields = (f"{field}: {_joined(said)}" for field, said in list(details.items())[:10])
    return reading.text(f"{message} ({'; '.join(fields)})", 1000)


def _joined(said: Any) -> str:
    return ", ".join(str(one)[:200] for one in said[:5]) if isinstance(said, list) else str(said)[:200]


def accepted(value: Any) -> Report:
    """`{"jobId", "status"}` (documented); the answer to a repeated key has the status of the original job.

    It never ends the job: the answer carries no result, so the webhook or a query has to bring that.
    """
    job = reading.table(value)
    job_id = reading.required_id(job.get("jobId") or job.get("id"), "jobId")
    status = SYNONYMS.get(plain(reading.text(job.get("status")) or "queued"), "queued")
    return Report(provider_job_id=job_id, status="queued" if status == "queued" else "running")


def refused(value: Any, status: int) -> JobError:
    """A documented 4xx. 404 says that the parent is not known, 409 that it does not allow the action (seed 004)."""
    body = value if isinstance(value, dict) else {}
    message = message_of(body)
    required, available = reading.number(body.get("creditsRequired")), reading.number(body.get("creditsAvailable"))
    if required is not None:
        message = f"{message or 'Insufficient credits'}: {required} needed, {available} left"
    error = failures.failure(message, status, status)
    code = OF_THE_PARENT.get(status)
    return error if code is None else msgspec.structs.replace(error, code=code, retryable=False)
