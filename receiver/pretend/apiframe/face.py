"""Apiframe v2's face: documented on apiframe.ai and in the vendor's own OpenAPI file (seed 004)."""

from __future__ import annotations

import hashlib
import hmac
from http import HTTPStatus
from typing import Any, Final
from uuid import uuid4

import msgspec
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from receiver.lib.times import stamp
from receiver.pretend.apiframe.orders import act, generate
from receiver.pretend.book import Draft, PretendJob
from receiver.pretend.faults import PretendRefusal
from receiver.pretend.options import (
    EventKind,
    VendorOptions,
    WebhookTarget,
)
from receiver.pretend.vendor import PretendRequest, PretendVendor

STATES: Final = {
    "queued": "QUEUED",
    "running": "PROCESSING",
    "completed": "COMPLETED",
    "failed": "FAILED",
    "canceled": "CANCELLED",
}
RETENTION_MS: Final = 86_400_000


class PretendApiframe:
    """The vendor at `https://api.apiframe.ai`."""

    name = "apiframe"
    base_path = ""
    #: Documented nowhere; made up.
    retry: tuple[float, ...] = (1.0, 5.0, 15.0)
    four_is_final = False

    def routes(self, vendor: PretendVendor) -> list[Route]:
        """Generate, act, and ask for one job."""
        return [
            Route("/v2/images/generate", vendor.ordering(generate), methods=["POST"]),
            Route("/v2/images/midjourney/action", vendor.ordering(act), methods=["POST"]),
            Route("/v2/jobs/{id}", vendor.asking(_job), methods=["GET"]),
        ]

    def key(self, headers: Headers) -> str | None:
        """`X-API-Key` (documented)."""
        return headers.get("x-api-key")

    def refusal(self, refused: PretendRefusal, path: str) -> Response:
        """`{"error"}` with what the status adds, `Retry-After` and `x-request-id` (documented)."""
        body: dict[str, Any] = {"error": refused.message}
        headers = {"x-request-id": str(uuid4())}
        if refused.details:
            body["details"] = refused.details
        if refused.status == HTTPStatus.PAYMENT_REQUIRED:
            body |= {"creditsRequired": 16, "creditsAvailable": 0}
        if refused.status == HTTPStatus.TOO_MANY_REQUESTS:
            headers["retry-after"] = "1"
        return JSONResponse(body, refused.status, headers)

    def new_id(self, order: Draft) -> str:
        """A UUID (documented)."""
        return str(uuid4())

    def accepted(self, jobs: list[PretendJob]) -> Response:
        """202 with id and status; a replay's status is the present one (documented)."""
        job = jobs[0]
        return JSONResponse({"jobId": job.id, "status": STATES[job.state]}, 202, {"x-request-id": str(uuid4())})

    def hook(self, job: PretendJob, kind: EventKind, options: VendorOptions, key: str) -> WebhookTarget | None:
        """The documented bodies, for the events that were asked for, signed as the switch says."""
        if job.order.webhook_url is None or kind not in job.order.events:
            return None
        body = msgspec.json.encode(_told(job, kind, options))
        headers = {"x-webhook-event": kind, **_signed(body, key, options)}
        return WebhookTarget(url=job.order.webhook_url, headers=headers, body=body)

    def forgery(self, hook: WebhookTarget) -> WebhookTarget:
        """A signature made with another key."""
        wrong = hmac.new(b"not the key", hook.body, hashlib.sha256).hexdigest()
        return msgspec.structs.replace(hook, headers={**hook.headers, "x-webhook-signature": f"sha256={wrong}"})


def _signed(body: bytes, key: str, options: VendorOptions) -> dict[str, str]:
    """Hex HMAC-SHA256 of the body; documents and receivers differ about the key's form, hence the switch."""
    if options.signature == "none":
        return {}
    digest = hashlib.sha256(key.encode())
    secret = digest.hexdigest().encode() if options.signature == "hex" else digest.digest()
    signature = hmac.new(secret, body, hashlib.sha256).hexdigest()
    return {"x-webhook-signature": signature if options.signature == "bare" else f"sha256={signature}"}


def _told(job: PretendJob, kind: EventKind, options: VendorOptions) -> dict[str, Any]:
    said: dict[str, Any] = {"event": kind, "jobId": job.id, "status": STATES[job.state], "model": "midjourney"}
    if kind == "progress":
        return {**said, "progress": job.progress}
    if kind == "failed":
        return {**said, "error": job.error}
    return {
        **said,
        "progress": 100,
        "result": _shaped(_result(job), options),
        "creditCost": int(job.order.amount),
        "completedAt": stamp(job.finished or job.created),
    }


def _shaped(result: dict[str, Any], options: VendorOptions) -> object:
    if options.result == "object":
        return result
    pictures: list[str] = result["images"]
    return pictures if options.result == "array" else result.get("gridUrl", pictures[0])


def _result(job: PretendJob) -> dict[str, Any]:
    if job.order.shape == "single":
        return {"images": job.pictures()}
    return {"images": job.pictures(), "gridUrl": job.picture("grid")}


def _job(received: PretendRequest) -> Response:
    """The job object (documented); its pictures expire after 24 hours."""
    job = received.book.get(received.path["id"])
    if job is None:
        raise PretendRefusal(404, "Job not found")
    said = {
        "id": job.id,
        "status": STATES[job.state],
        "model": "midjourney",
        "progress": job.progress,
        "result": _result(job) if job.done else None,
        "error": job.error,
        "creditCost": 0 if job.state == "failed" else int(job.order.amount),
        "webhookStatus": job.webhook,
        "createdAt": stamp(job.created),
        "completedAt": stamp(job.finished) if job.finished is not None else None,
    }
    if job.finished is not None and received.now - job.finished >= RETENTION_MS:
        said["expired"] = True
    return JSONResponse(said, headers={"x-request-id": str(uuid4())})
