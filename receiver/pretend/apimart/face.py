"""APIMart's face: documented on docs.apimart.ai (seed 000); the webhook after dated copies of its page."""

from __future__ import annotations

from typing import Any, Final
from uuid import uuid4

import msgspec
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from receiver.pretend.apimart.orders import (
    ORDERS,
    buttons,
    modal_parent,
)
from receiver.pretend.book import Draft, PretendJob
from receiver.pretend.faults import PretendRefusal
from receiver.pretend.options import (
    EventKind,
    VendorOptions,
    WebhookTarget,
)
from receiver.pretend.vendor import PretendRequest, PretendVendor

ERROR_TYPES: Final = {
    401: "authentication_error",
    402: "payment_required",
    403: "permission_error",
    429: "rate_limit_error",
    500: "server_error",
    502: "bad_gateway",
}
UNIFIED: Final = {"queued": "pending", "running": "processing", "waiting": "processing", "canceled": "cancelled"}
MJ: Final = {
    "waiting": "MODAL",
    "queued": "SUBMITTED",
    "running": "IN_PROGRESS",
    "completed": "SUCCESS",
    "failed": "FAILURE",
    "canceled": "FAILURE",
}
DAY: Final = 86_400


class PretendApiMart:
    """The vendor at `https://api.apimart.ai`."""

    name = "apimart"
    base_path = ""
    #: Documented.
    retry: tuple[float, ...] = (10.0, 30.0, 60.0)
    four_is_final = True

    def routes(self, vendor: PretendVendor) -> list[Route]:
        """Orders, the step that an inpaint waits for, and two views of a task."""

        def modal(received: PretendRequest) -> Response:
            job = modal_parent(received)
            vendor.work.start(job)
            return self._submitted([job.id], "submitted")

        base = "/v1/midjourney/generations"
        orders = [Route(f"{base}/{name}", vendor.ordering(read), methods=["POST"]) for name, read in ORDERS.items()]
        return [
            Route(base, vendor.ordering(ORDERS["imagine"]), methods=["POST"]),
            *orders,
            Route(f"{base}/modal", vendor.asking(modal), methods=["POST"]),
            Route("/v1/tasks/{id}", vendor.asking(_task), methods=["GET"]),
            Route("/v1/midjourney/{id}", vendor.asking(_midjourney), methods=["GET"]),
        ]

    def key(self, headers: Headers) -> str | None:
        """`Authorization: Bearer` (documented)."""
        scheme, _, key = headers.get("authorization", "").partition(" ")
        return key.strip() if scheme.lower() == "bearer" else None

    def refusal(self, refused: PretendRefusal, path: str) -> Response:
        """`{"error": {"code", "message", "type"}}` (as seen in an integrator's code)."""
        kind = ERROR_TYPES.get(refused.status, "invalid_request_error")
        return JSONResponse(
            {"error": {"code": refused.status, "message": refused.message, "type": kind}}, refused.status
        )

    def new_id(self, order: Draft) -> str:
        """`task_` and 26 characters (by the documented samples)."""
        return f"task_{uuid4().hex[:26].upper()}"

    def accepted(self, jobs: list[PretendJob]) -> Response:
        """One entry per task; an inpaint's says `modal` (documented)."""
        return self._submitted([job.id for job in jobs], "modal" if jobs[0].state == "waiting" else "submitted")

    def hook(self, job: PretendJob, kind: EventKind, options: VendorOptions, key: str) -> WebhookTarget | None:
        """The status answer, posted to the address with `/callback` behind it, once the task has ended (documented)."""
        if job.order.webhook_url is None or kind == "progress":
            return None
        body = {"code": 200, "data": _told(job)} if options.wrapped else _told(job)
        return WebhookTarget(url=f"{job.order.webhook_url.rstrip('/')}/callback", body=msgspec.json.encode(body))

    def forgery(self, hook: WebhookTarget) -> WebhookTarget:
        """A wrong path, as nothing else proves anything."""
        return msgspec.structs.replace(hook, url=f"{hook.url.removesuffix('/callback')}x/callback")

    def _submitted(self, ids: list[str], status: str) -> Response:
        model = {"model": "midjourney"} if status == "modal" else {}
        return JSONResponse({"code": 200, "data": [{"status": status, "task_id": name, **model} for name in ids]})


def _task(received: PretendRequest) -> Response:
    return JSONResponse({"code": 200, "data": _told(_known(received))})


def _told(job: PretendJob) -> dict[str, Any]:
    """The unified task (documented); how MODAL looks in it is not documented."""
    created = job.created // 1000
    said: dict[str, Any] = {
        "id": job.id,
        "status": UNIFIED.get(job.state, job.state),
        "progress": job.progress,
        "created": created,
        "estimated_time": 60,
    }
    if job.finished is None:
        return said
    ended = job.finished // 1000
    said |= {"completed": ended, "actual_time": ended - created}
    if not job.done:
        error = {"message": job.error or "task failed", "type": "task_failed", "param": "", "code": "task_failed"}
        return {**said, "error": error}
    images = [{"url": [url], "expires_at": ended + DAY} for url in job.pictures()]
    cost = {"cost": float(job.order.amount / 10), "credits_cost": float(job.order.amount)}
    return {**said, **cost, "result": {"images": images}}


def _midjourney(received: PretendRequest) -> Response:
    """The Midjourney view (documented): the only one with buttons."""
    job = _known(received)
    said: dict[str, Any] = {
        "id": job.id,
        "status": MJ[job.state],
        "action": job.order.kind.replace("-", "_").upper(),
        "progress": f"{job.progress}%",
        "prompt": job.order.prompt,
    }
    if job.ended and not job.done:
        return JSONResponse({**said, "fail_reason": job.error or "canceled"})
    if not job.done:
        return JSONResponse(said)
    if job.order.shape == "words":
        return JSONResponse({**said, "prompt": "a pretend description", "description": "a pretend description"})
    if job.order.shape == "grid":
        said["grid_image_url"] = job.picture("grid")
    return JSONResponse({**said, "image_urls": job.pictures(), "buttons": buttons(job)})


def _known(received: PretendRequest) -> PretendJob:
    job = received.book.get(received.path["id"])
    if job is None:
        raise PretendRefusal(404, f"task {received.path['id']} not found")
    return job
