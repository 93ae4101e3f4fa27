"""midjourney-proxy's face: novicezk's docs/api.md, and what the code of both flavours does beside it."""

from __future__ import annotations

from collections.abc import Callable
from random import SystemRandom
from typing import Any, Final

import msgspec
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from receiver.pretend.book import Draft, PretendJob
from receiver.pretend.faults import PretendRefusal
from receiver.pretend.midjourney_proxy import orders
from receiver.pretend.midjourney_proxy.buttons import buttons, job_uuid
from receiver.pretend.options import EventKind, ProxyFlavour, VendorOptions, WebhookTarget
from receiver.pretend.vendor import PretendRequest, PretendVendor

STATUS: Final = {
    "waiting": "MODAL",
    "queued": "SUBMITTED",
    "running": "IN_PROGRESS",
    "completed": "SUCCESS",
    "failed": "FAILURE",
    "canceled": "FAILURE",
}
#: What a refusal has beside its code and description, and what of it stands in `properties`.
PROPERTIES: Final = ("status", "imageUrl", "promptEn", "bannedWord")
RANDOM: Final = SystemRandom()


class PretendMidjourneyProxy:
    """midjourney-proxy as somebody runs it at home; which of the two is a switch."""

    name = "midjourney-proxy"
    base_path = ""
    #: A webhook is never sent again, whatever is answered (documented by its code).
    retry: tuple[float, ...] = ()
    four_is_final = True

    def routes(self, vendor: PretendVendor) -> list[Route]:
        """Orders, changes, buttons and the modal (trueai), and the ways to ask."""

        def is_trueai() -> bool:
            return vendor.options.flavour == "trueai"

        def trueai_only(received: PretendRequest) -> None:
            if not is_trueai():
                raise PretendRefusal(404, "Not Found")

        def change(received: PretendRequest) -> Draft:
            return orders.change(received, tells_existing=not is_trueai())

        def simple_change(received: PretendRequest) -> Draft:
            return orders.simple_change(received, tells_existing=not is_trueai())

        def press(received: PretendRequest) -> Draft:
            trueai_only(received)
            return orders.press(received)

        def modal(received: PretendRequest) -> Response:
            trueai_only(received)
            job = orders.confirmed(received)
            vendor.work.start(job)
            return _taken(1, "提交成功", job.id)

        def cancel(received: PretendRequest) -> Response:
            trueai_only(received)
            job = received.book.get(received.path["id"])
            if job is not None:
                vendor.work.cancel(job)
            return Response()

        def fetch(received: PretendRequest) -> Response:
            job = received.book.get(received.path["id"])
            if job is None:
                return Response(status_code=204 if is_trueai() else 200)
            return JSONResponse(_task(job, vendor.options.flavour))

        def listed(received: PretendRequest) -> Response:
            ids = received.body.get("ids")
            found = [received.book.get(str(name)) for name in ids] if isinstance(ids, list) else []
            return JSONResponse([_task(job, vendor.options.flavour) for job in found if job is not None])

        takes: dict[str, Callable[[PretendRequest], Draft]] = {
            **orders.ROOT_ORDERS,
            "change": change,
            "simple-change": simple_change,
            "action": press,
        }
        return [
            *(Route(f"/mj/submit/{name}", vendor.ordering(read), methods=["POST"]) for name, read in takes.items()),
            Route("/mj/submit/modal", vendor.asking(modal), methods=["POST"]),
            Route("/mj/task/list-by-condition", vendor.asking(listed), methods=["POST"]),
            Route("/mj/task/{id}/fetch", vendor.asking(fetch), methods=["GET"]),
            Route("/mj/task/{id}/cancel", vendor.asking(cancel), methods=["POST"]),
        ]

    def key(self, headers: Headers) -> str | None:
        """`mj-api-secret`, as a whole (documented)."""
        return headers.get("mj-api-secret")

    def refusal(self, refused: PretendRefusal, path: str) -> Response:
        """A code and Chinese words with HTTP status 200; what is no refusal of its own has an HTTP status."""
        if not refused.code:
            return JSONResponse({"code": 4, "description": refused.message, "type": "upstream_error"}, refused.status)
        more = {name: texts[0] for name, texts in refused.details.items()}
        properties = {name: more[name] for name in PROPERTIES if name in more}
        said = {"code": refused.code, "description": refused.message, "properties": properties}
        return JSONResponse({**said, "result": more.get("result")}, refused.status)

    def new_id(self, order: Draft) -> str:
        """16 digits (as in the documented samples)."""
        return str(RANDOM.randrange(10**15, 10**16))

    def accepted(self, jobs: list[PretendJob]) -> Response:
        """Code 1, or 21 for what waits for a modal (trueai)."""
        (job,) = jobs
        if job.state == "waiting":
            return _taken(21, "Waiting for window confirm", job.id, remix=True)
        return _taken(1, "提交成功", job.id)

    def hook(self, job: PretendJob, kind: EventKind, options: VendorOptions, key: str) -> WebhookTarget | None:
        """The task, posted at every change (documented)."""
        if job.order.webhook_url is None:
            return None
        body = msgspec.json.encode(_task(job, options.flavour))
        return WebhookTarget(url=job.order.webhook_url, body=body)

    def forgery(self, hook: WebhookTarget) -> WebhookTarget:
        """A wrong path, as nothing else proves anything."""
        return msgspec.structs.replace(hook, url=f"{hook.url}x")


def _taken(code: int, words: str, task: str, **properties: object) -> Response:
    return JSONResponse({"code": code, "description": words, "result": task, "properties": properties})


def _task(job: PretendJob, flavour: ProxyFlavour) -> dict[str, Any]:
    """The task object: documented by novicezk; trueai's has more."""
    details = job.order.details
    said: dict[str, Any] = {
        "id": job.id,
        "action": details["action"],
        "status": STATUS[job.state],
        "prompt": job.order.prompt,
        "promptEn": job.order.prompt,
        "description": details["description"],
        "state": details["state"],
        "submitTime": job.created,
        "startTime": job.created,
        "finishTime": job.finished,
        "progress": "" if job.ended and not job.done else f"{job.progress}%",
        "imageUrl": _shown(job),
        "failReason": None if job.done or not job.ended else job.error or "取消任务",
        "properties": {"finalPrompt": "1️⃣ a pretend description" if job.order.shape == "words" else job.order.prompt},
    }
    if flavour == "novicezk":
        return said
    if "custom_id" in details:
        said["properties"]["custom_id"] = details["custom_id"]
    own = {"parentId": details.get("parent"), "botType": "MID_JOURNEY", "buttons": buttons(job)}
    return {**said, **own, "jobId": job_uuid(job) if job.done else None, "displays": {"status": STATUS[job.state]}}


def _shown(job: PretendJob) -> str | None:
    """The picture, a preview of it while it is made (documented)."""
    if job.state not in ("running", "completed") or job.order.shape == "words":
        return None
    return job.picture("grid" if job.order.shape == "grid" else 1)
