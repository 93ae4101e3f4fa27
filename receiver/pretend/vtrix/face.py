"""Vtrix's two faces: the generation API (seed 002) and the SeaCloud queue API, which takes no webhooks."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final
from uuid import uuid4

import msgspec
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from receiver.pretend.book import Draft, PretendJob
from receiver.pretend.faults import PretendRefusal
from receiver.pretend.options import (
    EventKind,
    VendorOptions,
    WebhookTarget,
)
from receiver.pretend.vendor import PretendRequest, PretendVendor
from receiver.pretend.vtrix.orders import (
    QUEUE,
    generation,
    output_id,
    queued,
)

QUEUE_PATH: Final = "/model/v1/queue"
NO_KEY: Final = "Authorization Bearer or Key token is required"
#: "Generation process failed" (documented for midjourney_upscale).
FAILED: Final = 8004005098


class PretendVtrix:
    """The vendor at `https://cloud.vtrix.ai`, and its successor at `https://cloud.seaart.ai`."""

    name = "vtrix"
    base_path = ""
    #: Documented nowhere; made up.
    retry: tuple[float, ...] = (1.0, 5.0, 15.0)
    four_is_final = False

    def routes(self, vendor: PretendVendor) -> list[Route]:
        """Both APIs. That the queue's `cancel` is a PUT is documented, and so are the paths of its addresses."""

        def cancel(received: PretendRequest) -> Response:
            job = received.book.get(received.path["id"])
            if job is not None and not job.ended:
                vendor.work.cancel(job)
            return _cancel_answer(job)

        requests = QUEUE_PATH + "/{model}/requests/{id}"
        return [
            Route("/model/v1/generation", vendor.ordering(generation), methods=["POST"]),
            Route("/model/v1/generation/task/{id}", vendor.asking(_task), methods=["GET"]),
            Route(QUEUE_PATH + "/{model}", vendor.ordering(queued), methods=["POST"]),
            Route(f"{requests}/status", vendor.asking(_queue_status), methods=["GET"]),
            Route(f"{requests}/response", vendor.asking(_queue_response), methods=["GET"]),
            Route(f"{requests}/cancel", vendor.asking(cancel), methods=["PUT"]),
        ]

    def key(self, headers: Headers) -> str | None:
        """`Bearer KEY`, or `Key KEY` (documented for the queue; here both take both)."""
        scheme, _, key = headers.get("authorization", "").partition(" ")
        return key.strip() if scheme.lower() in ("bearer", "key") else None

    def refusal(self, refused: PretendRefusal, path: str) -> Response:
        """402 and the queue's texts are documented; the frame of the generation API's errors is inferred."""
        if refused.status == HTTPStatus.PAYMENT_REQUIRED:
            body: dict[str, Any] = {
                "status": {"code": 402, "message": refused.message, "error_code": 40201},
                "data": None,
            }
        elif path.startswith(QUEUE_PATH):
            body = {"detail": NO_KEY if refused.status == HTTPStatus.UNAUTHORIZED else refused.message}
        else:
            body = {"error": {"code": refused.code or refused.status, "error_message": refused.message}}
        return JSONResponse(body, refused.status)

    def new_id(self, order: Draft) -> str:
        """`mmsu_...` in the queue (documented); else plain hex (inferred)."""
        return f"mmsu_{uuid4().hex}" if order.details["api"] == QUEUE else uuid4().hex

    def accepted(self, jobs: list[PretendJob]) -> Response:
        """The task object, or the queue's addresses (documented)."""
        job = jobs[0]
        if job.order.details["api"] != QUEUE:
            return JSONResponse(_told(job))
        address = _address(job)
        return JSONResponse(
            {
                "request_id": job.id,
                "response_url": f"{address}/response",
                "status_url": f"{address}/status",
                "cancel_url": f"{address}/cancel",
                "queue_position": 0,
            }
        )

    def hook(self, job: PretendJob, kind: EventKind, options: VendorOptions, key: str) -> WebhookTarget | None:
        """The task object, once it has ended (inferred: nothing about the callback is documented)."""
        if job.order.webhook_url is None or kind == "progress":
            return None
        return WebhookTarget(url=job.order.webhook_url, body=msgspec.json.encode(_told(job)))

    def forgery(self, hook: WebhookTarget) -> WebhookTarget:
        """A wrong path, as nothing else proves anything."""
        return msgspec.structs.replace(hook, url=f"{hook.url.rstrip('/')}x")


# --- the generation API


def _task(received: PretendRequest) -> Response:
    return JSONResponse(_told(_known(received)))


def _told(job: PretendJob) -> dict[str, Any]:
    """The task object: fields as in the vendor's command line tool and seed 002."""
    state = {"queued": "in_progress", "running": "in_progress", "completed": "completed"}.get(job.state, "failed")
    said: dict[str, Any] = {
        "id": job.id,
        "status": state,
        "model": job.order.kind,
        "created_at": job.created // 1000,
        "metadata": {},
    }
    if not job.ended:
        return {**said, "progress": job.progress / 100}
    if not job.done:
        return {**said, "error": {"code": FAILED, "error_message": job.error or "Generation process failed"}}
    content = [{"type": "image", "url": url, "jobId": output_id(job.id)} for url in job.pictures()]
    usage = {"cost": str(job.order.amount), "discount": 1}
    return {**said, "output": [{"content": content}], "usage": usage}


# --- the queue API


def _address(job: PretendJob) -> str:
    return f"{job.base}{QUEUE_PATH}/{job.order.kind}/requests/{job.id}"


def _queue_status(received: PretendRequest) -> Response:
    return JSONResponse(_status_body(_known(received)))


def _status_body(job: PretendJob) -> dict[str, Any]:
    """COMPLETED with an `error` is a failure (documented)."""
    state = {"queued": "IN_QUEUE", "running": "IN_PROGRESS"}.get(job.state, "COMPLETED")
    said = {"status": state, "request_id": job.id, "response_url": f"{_address(job)}/response"}
    if job.state == "canceled":
        return {**said, "error": "Request was canceled", "error_type": "CANCELED"}
    if job.state == "failed":
        return {**said, "error": job.error, "error_type": "INFERENCE_FAILURE"}
    return said


def _cancel_answer(job: PretendJob | None) -> Response:
    """202, 400 or 404 with the documented `status`; that it is all of the body is inferred. `job` is from before."""
    if job is None:
        return JSONResponse({"status": "NOT_FOUND"}, 404)
    if job.ended:
        return JSONResponse({"status": "ALREADY_COMPLETED"}, 400)
    return JSONResponse({"status": "CANCELLATION_REQUESTED"}, 202)


def _queue_response(received: PretendRequest) -> Response:
    """202 and the status while unfinished (documented); the status of a failure (inferred)."""
    job = _known(received)
    if not job.done:
        return JSONResponse(_status_body(job), 200 if job.ended else 202)
    outputs = [
        {
            "type": "image",
            "url": url,
            "content_type": "image/png",
            "width": job.order.size,
            "height": job.order.size,
            "jobId": output_id(job.id),
        }
        for url in job.pictures()
    ]
    return JSONResponse({"request_id": job.id, "outputs": outputs, "metadata": {}})


def _known(received: PretendRequest) -> PretendJob:
    job = received.book.get(received.path["id"])
    if job is None:
        raise PretendRefusal(404, "task not found")
    return job
