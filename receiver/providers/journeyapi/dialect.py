"""The dialect itself: what gridhook asks of JourneyAPI and what it makes of the answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from receiver.contracts import (
    Answer,
    Call,
    Order,
    Parent,
    Source,
)
from receiver.errors import Unmapped, Unsupported
from receiver.model.actions import Params
from receiver.model.deliveries import OrderOutcome
from receiver.model.jobs import (
    Cost,
    KeptJob,
    NextAction,
    Report,
)
from receiver.providers.journeyapi import steps
from receiver.providers.journeyapi.tasks import refused, report_of
from receiver.providers.shared import reading
from receiver.providers.shared.answers import read_order_answer
from receiver.providers.shared.dialect import Dialect
from receiver.providers.shared.ordering import refuse_impossible, with_version

#: The endpoints that are not named like our action.
PATHS: Final[dict[str, str]] = {
    "vary:index": "/variations",
    "vary:strength": "/variations",
    "pick": "/upscale-1x",
    "upscale:alt": "/upscale-alt",
    "upscale:size": "/upscale-2x-4x",
}
#: Canonical parameters that the vendor calls otherwise.
RENAMED: Final = frozenset({"kind", "strength", "factor", "version"})


class JourneyAPI(Dialect):
    """The dialect of JourneyAPI. Its webhook body is undocumented; inferred to be the `/fetch` object.

    Its webhooks echo the `webhook_secret` of the order in `x-webhook-secret` (documented).
    """

    name: str = steps.NAME
    base_url: str = "https://api.journeyapi.com/api/v1"
    webhooks: bool = True
    #: /fetch-many takes 2-20 ids (documented).
    query_batch: int = 20
    unit: str = steps.UNIT

    # --- in ----------------------------------------------------------------------------------------------------------

    def parse(self, value: Any, headers: Mapping[str, str]) -> list[Report]:
        """One report: the `/fetch` object, with or without a `data` wrapper or a `status`. Raises Unmapped."""
        body = reading.table(value)
        inner = body.get("data")
        return [report_of(inner if isinstance(inner, dict) and "task_id" in inner else body)]

    # --- out ---------------------------------------------------------------------------------------------------------

    def parameters(self, action: str) -> frozenset[str]:
        """The canonical ones, and what the vendor documents beside them."""
        return super().parameters(action) | steps.OWN_PARAMETERS.get(action, frozenset())

    def refusal(self, action: str, params: Params, parent: Parent | None) -> str | None:
        """By the table of follow-ups; `upscale` 2x/4x takes any public picture, so parents of other vendors too."""
        return steps.refusal(action, params, parent)

    def order(self, order: Order, source: Source, prepared: Answer | None) -> Call:
        """`POST` to the action's endpoint, the raw key in `Authorization` (documented: no `Bearer`)."""
        refuse_impossible(order, self.refusal)
        step = steps.step_of(order.action, order.params)
        body = _params(step, order) | _parent(step, order)
        if order.webhook_url is not None:
            body["webhook_url"] = order.webhook_url
            body["webhook_secret"] = source.secrets[0].reveal() if source.secrets else None
        return _post(source, PATHS.get(step, f"/{order.action}"), body)

    def answered(self, order: Order, answer: Answer, now: int) -> OrderOutcome:
        """`200 {"task_id"}`, or the finished task at once (documented for some models); else `{"errors":[{"msg"}]}`."""
        return read_order_answer(answer, now, _accepted, refused)

    def query(self, jobs: Sequence[KeptJob], source: Source) -> Call:
        """`/fetch` for one task, `/fetch-many` for 2-20 (documented)."""
        ids = [kept.job.provider_job_id for kept in jobs]
        if len(ids) == 1:
            return _post(source, "/fetch", {"task_id": ids[0]})
        return _post(source, "/fetch-many", {"task_ids": ids})

    def read(self, answer: Answer, jobs: Sequence[KeptJob]) -> list[Report]:
        """One task, or `{"tasks": [...]}` from which unknown ids are missing (documented); 404 = unknown (inferred)."""
        if answer.status == 404:
            return []
        if answer.status != 200:
            raise Unmapped(f"HTTP {answer.status} to a status query")
        value = reading.table(reading.answer_json(answer))
        tasks = value.get("tasks")
        return reading.each(tasks if isinstance(tasks, list) else [value], report_of)

    def next_actions(self, kept: KeptJob) -> tuple[NextAction, ...]:
        """The rows of the table of follow-ups for this job."""
        return steps.next_actions(kept)

    def price(self, action: str, params: Params) -> Cost | None:
        """Documented credits; inpaint and outpaint have none on the pages that were read."""
        return steps.price(action, params)


def _post(source: Source, path: str, body: Mapping[str, Any]) -> Call:
    key = source.api_key.reveal() if source.api_key else ""
    headers = {"authorization": key, "content-type": "application/json"}
    return Call(method="POST", url=source.base_url + path, headers=headers, body=reading.json_body(body))


def _params(step: str, order: Order) -> dict[str, Any]:
    said = order.params
    body = {name: value for name, value in said.items() if name not in RENAMED}
    if order.action == "imagine" and said.get("model", "midjourney") == "midjourney":
        body["prompt"] = with_version(str(said.get("prompt", "")), said.get("version"))
    if order.action == "upscale":
        body["type"] = said.get("kind", "2x")
    if step == "vary:strength":
        body["index"] = said.get("strength", "subtle")
    if "factor" in said:
        body["zoom_ratio"] = said["factor"]
    if "index" in body:
        # Documented as text.
        body["index"] = str(body["index"])
    return body


def _parent(step: str, order: Order) -> dict[str, Any]:
    parent = order.parent
    if parent is None or order.action in steps.ROOTS or (step == "upscale:size" and "image_url" in order.params):
        return {}
    if parent.job.provider == steps.NAME:
        return {"parent_task_id": parent.job.provider_job_id}
    images = parent.job.images
    index = order.params.get("index", images[0].index if images else 1)
    picture = next((image.url for image in images if image.index == index), None)
    if picture is None:
        raise Unsupported(f"the parent has no picture {index}")
    return {"image_url": picture, "index": None}


def _accepted(value: Any) -> Report:
    task = reading.table(value)
    taken = Report(provider_job_id=reading.required_id(task.get("task_id"), "task_id"), status="queued")
    if "status" not in task:
        return taken
    try:
        return report_of(task)
    except Unmapped:
        # A task id in a 2xx is an accepted order, whatever its status is called.
        return taken
