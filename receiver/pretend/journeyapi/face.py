"""JourneyAPI's face. Documented on journeyapi.co (seeds 001, 003) but for the webhook's body, which is inferred."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from uuid import uuid4

import msgspec
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from receiver.pretend.book import Draft, PretendJob
from receiver.pretend.faults import PretendRefusal
from receiver.pretend.fields import text, texts
from receiver.pretend.journeyapi.orders import INDEXES, ORDERS
from receiver.pretend.options import (
    EventKind,
    VendorOptions,
    WebhookTarget,
)
from receiver.pretend.vendor import PretendRequest, PretendVendor


class PretendJourneyApi:
    """The vendor at `https://api.journeyapi.com/api/v1`."""

    name = "journeyapi"
    base_path = "/api/v1"
    #: Documented nowhere; made up.
    retry: tuple[float, ...] = (1.0, 5.0, 15.0)
    four_is_final = False

    def routes(self, vendor: PretendVendor) -> list[Route]:
        """Every endpoint is a POST (documented)."""
        orders = [Route(f"/api/v1/{name}", vendor.ordering(read), methods=["POST"]) for name, read in ORDERS.items()]
        return [
            *orders,
            Route("/api/v1/fetch", vendor.asking(_fetch), methods=["POST"]),
            Route("/api/v1/fetch-many", vendor.asking(_fetch_many), methods=["POST"]),
        ]

    def key(self, headers: Headers) -> str | None:
        """The raw key, without `Bearer` (documented)."""
        key = headers.get("authorization", "")
        return None if key.lower().startswith("bearer ") else key

    def refusal(self, refused: PretendRefusal, path: str) -> Response:
        """`{"errors": [{"msg"}]}`, and `{}` for 401 and 5xx (documented)."""
        if refused.status == HTTPStatus.UNAUTHORIZED or refused.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return JSONResponse({}, refused.status)
        return JSONResponse({"errors": [{"msg": refused.message}]}, refused.status)

    def new_id(self, order: Draft) -> str:
        """A UUID (documented)."""
        return str(uuid4())

    def accepted(self, jobs: list[PretendJob]) -> Response:
        """The task's id; models other than Midjourney answer with the picture (documented)."""
        job = jobs[0]
        if job.order.kind == "imagine" and job.order.shape == "single":
            return JSONResponse({"task_id": job.id, "status": "finished", "image_url": job.picture(1)})
        return JSONResponse({"task_id": job.id})

    def hook(self, job: PretendJob, kind: EventKind, options: VendorOptions, key: str) -> WebhookTarget | None:
        """The /fetch object (inferred), with the order's secret in `x-webhook-secret` (documented)."""
        if job.order.webhook_url is None:
            return None
        secret = job.order.webhook_secret or options.webhook_secret
        headers = {"x-webhook-secret": secret} if secret else {}
        return WebhookTarget(url=job.order.webhook_url, headers=headers, body=msgspec.json.encode(told(job)))

    def forgery(self, hook: WebhookTarget) -> WebhookTarget:
        """A wrong secret."""
        return msgspec.structs.replace(hook, headers={"x-webhook-secret": "not-the-secret"})


def told(job: PretendJob) -> dict[str, Any]:
    """The /fetch object (documented)."""
    state = {"completed": "finished", "queued": "pending", "running": "processing"}.get(job.state, "failed")
    said: dict[str, Any] = {"task_id": job.id, "task_type": _task_type(job), "model": _model(job), "status": state}
    if not job.ended:
        return {**said, "percentage": str(job.progress)}
    if not job.done:
        return {**said, "error": job.error or "Task failed"}
    return {**said, **_result(job)}


def _result(job: PretendJob) -> dict[str, Any]:
    if job.order.shape == "grid":
        return {"percentage": "100", "original_image_url": job.picture("grid"), "image_urls": job.pictures()}
    if job.order.shape == "single":
        return {"image_url": job.picture(1)}
    lines = [f"{number}. a pretend description --ar 1:1" for number in INDEXES]
    return {"image_url": job.order.body["image_url"], "content": lines}


def _task_type(job: PretendJob) -> str:
    return job.order.details.get("task_type", job.order.kind)


def _model(job: PretendJob) -> str:
    return str(job.order.body.get("model", "midjourney"))


# --- status


def _fetch(received: PretendRequest) -> Response:
    job = received.book.get(text(received.body, "task_id"))
    if job is None:
        raise PretendRefusal(400, "task_id not found")  # inferred: what an unknown id gets is not documented
    return JSONResponse(told(job))


def _fetch_many(received: PretendRequest) -> Response:
    ids = texts(received.body, "task_ids", 2, 20)
    if ids is None:
        raise PretendRefusal(400, "task_ids must contain 2-20 IDs")
    known = [job for name in ids if (job := received.book.get(name)) is not None]
    return JSONResponse({"tasks": [_in_many(job) for job in known]})


def _in_many(job: PretendJob) -> dict[str, Any]:
    """The sample of /fetch-many calls it `upscale-1x`, the page of /upscale-1x `upscale#1`: both are documented."""
    said = told(job)
    return {**said, "task_type": "upscale-1x"} if job.order.kind == "upscale-1x" else said
