"""The dialect itself: what gridhook asks of APIMart and what it makes of the answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Literal

import msgspec

from receiver.contracts import (
    Answer,
    Call,
    Order,
    Parent,
    Source,
)
from receiver.errors import Unmapped
from receiver.model.actions import Params
from receiver.model.deliveries import OrderOutcome, Refused
from receiver.model.jobs import (
    JobError,
    KeptJob,
    NextAction,
    Report,
)
from receiver.providers.apimart import steps, tasks, tiles
from receiver.providers.shared import reading
from receiver.providers.shared.addresses import id_segment
from receiver.providers.shared.answers import read_order_answer
from receiver.providers.shared.dialect import Dialect
from receiver.providers.shared.ordering import refuse_impossible

GENERATIONS: Final = "/v1/midjourney/generations"
#: Codes in a 2xx body that mean "not taken": HTTP's own, and the Midjourney services' 3, 4, 9 and 24.
REFUSED_CODES: Final = frozenset({"400", "401", "402", "403", "404", *tasks.HTTP_OF_CODE})
#: Of a body that says "too many" (`rate_limit_error`) without the HTTP status to match.
TOO_MANY: Final = "429"
#: What only the Midjourney view shows: the state MODAL, and the text that `describe` found.
ONLY_IN_VIEW: Final = frozenset({"inpaint", "describe"})


class APIMart(Dialect):
    """The dialect of APIMart. Its webhook is the object of `GET /v1/tasks/{id}`, without a signature (documented)."""

    name: str = "apimart"
    base_url: str = "https://api.apimart.ai"
    seals: Literal["secret", "signature", "nothing"] = "nothing"
    webhooks: bool = True
    query_batch: int = 1
    #: A failed task is refunded, tasks are kept for 3 days (documented).
    refunds: bool = True
    retention: float | None = 3 * 24 * 3600.0
    #: A pick is composed at once; an HD upscale takes 60-120 s (documented, seed 000).
    paces: Mapping[str, float] = MappingProxyType({"pick": 10.0, "upscale": 120.0})

    # --- in ----------------------------------------------------------------------------------------------------------

    def parse(self, value: Any, headers: Mapping[str, str]) -> list[Report]:
        """The unified or the Midjourney-style task object, with or without a `data` wrapper. Raises Unmapped."""
        return [tasks.report_of(task) for task in tasks.unwrap(value)]

    # --- out ---------------------------------------------------------------------------------------------------------

    def parameters(self, action: str) -> frozenset[str]:
        """The canonical ones, and what the vendor documents beside them."""
        return super().parameters(action) | steps.OWN_PARAMETERS.get(action, frozenset())

    def refusal(self, action: str, params: Params, parent: Parent | None) -> str | None:
        """By the table of follow-ups, and by the version where the parent tells it."""
        return steps.refusal(action, params, parent, self.name)

    def prepare(self, order: Order, source: Source) -> Call | None:
        """`GET /v1/midjourney/{grid}` (free) before an HD upscale, unless the grid's buttons are known."""
        grid = tiles.needs_buttons(order)
        if grid is None:
            return None
        return self._get(source, f"/v1/midjourney/{id_segment(grid)}")

    def order(self, order: Order, source: Source, prepared: Answer | None) -> Call:
        """`POST /v1/midjourney/generations/...` with a Bearer key. Raises Unsupported or InvalidParams.

        `webhook` is the base address: the vendor appends `/callback` (documented for tasks in general; for the
        follow-ups inferred). `modal` goes on with the inpaint's own task, which has its webhook already.
        """
        refuse_impossible(order, self.refusal)
        if order.action == "upscale" and "custom_id" not in order.params:
            body = steps.extras(order.params) | tiles.hd_body(order, prepared)
        else:
            body = steps.body_of(order)
        if order.action == "upscale" and (tile := tiles.tile_of(order)) is not None:
            body["task_id"] = tile.grid.job.provider_job_id
        if order.webhook_url is not None and order.action != "modal":
            body["webhook"] = order.webhook_url
        return Call(
            method="POST",
            url=f"{source.base_url}{GENERATIONS}/{steps.route_of(order.action, order.params)}",
            headers={**_bearer(source), "content-type": "application/json"},
            body=reading.json_body(body),
        )

    def answered(self, order: Order, answer: Answer, now: int) -> OrderOutcome:
        """`{"code": 200, "data": [{"status", "task_id"}]}`, or the finished task; refusals by status or code."""
        refused = _refused_by_code(answer)
        if refused is not None:
            return Refused(error=refused, status=answer.status)
        not_now = _not_now if answer.status < 500 else _never
        return read_order_answer(answer, now, lambda value: _accepted(value, order), tasks.error_of, not_now)

    def query(self, jobs: Sequence[KeptJob], source: Source) -> Call:
        """`GET /v1/tasks/{id}`; the Midjourney view where only that shows what matters."""
        kept = jobs[0]
        view = "midjourney" if kept.job.action in ONLY_IN_VIEW else "tasks"
        return self._get(source, f"/v1/{view}/{id_segment(kept)}")

    def read(self, answer: Answer, jobs: Sequence[KeptJob]) -> list[Report]:
        """The task in either view; 404 after three days (documented). Raises Unmapped."""
        if answer.status == 404:
            return []
        value = reading.answer_json(answer)
        if answer.status != 200:
            raise Unmapped(f"HTTP {answer.status} to a status query")
        if tasks.code_of(value) in ("404", "3") and "data" not in reading.table(value):
            return []
        return self.parse(value, {})

    def _get(self, source: Source, path: str) -> Call:
        return Call(method="GET", url=source.base_url + path, headers=_bearer(source))

    def next_actions(self, kept: KeptJob) -> list[NextAction]:
        """The rows of the table of follow-ups for this job."""
        return steps.next_actions(kept)


def _bearer(source: Source) -> dict[str, str]:
    return {"authorization": f"Bearer {source.api_key.reveal() if source.api_key else ''}"}


def _accepted(value: Any, order: Order) -> Report:
    """The report for the first task of an order; `repeat` makes several, which are its siblings.

    `modal` names the inpaint's task again (documented: the same task): it is done once taken, and the inpaint's job
    goes on to the pictures and the cost.
    """
    found = tasks.unwrap(value)
    if tasks.code_of(value) in REFUSED_CODES and "data" not in value:
        raise Unmapped("an id and a refusal in one answer")
    first = found[0]
    word = first.get("status")
    if isinstance(word, str) and word.strip().lower() in tasks.STATUSES:
        report = tasks.report_of(first)
    else:
        report = Report(provider_job_id=reading.required_id(tasks.id_of(first), "task_id"), status="queued")
    if order.action == "modal" and order.parent and report.provider_job_id == order.parent.job.provider_job_id:
        return Report(provider_job_id=None, status="completed", progress=100)
    siblings = tuple(known for task in found[1:] if (known := tasks.id_of(task)) is not None)
    return msgspec.structs.replace(report, sibling_ids=siblings) if siblings else report


def _refused_by_code(answer: Answer) -> JobError | None:
    """The refusal that a code in the body proves where the HTTP status does not.

    A 2xx without a task but with such a code; and 502 with code 9, which the vendor documents as "service rejected".
    Any other 5xx says nothing: the order may have been taken.
    """
    body = _body(answer)
    code = tasks.code_of(body)
    if code not in REFUSED_CODES or _names_task(body):
        return None
    rejected = answer.status == 502 and code == "9"
    return tasks.error_of(body, answer.status) if rejected or 200 <= answer.status < 300 else None


def _not_now(value: Any) -> str | None:
    busy = tasks.code_of(value) == TOO_MANY and not _names_task(value)
    return "the provider takes no more orders now" if busy else None


def _never(value: Any) -> str | None:
    return None


def _body(answer: Answer) -> Any:
    try:
        return reading.answer_json(answer)
    except Unmapped:
        return None


def _names_task(body: Any) -> bool:
    try:
        return any(tasks.id_of(task) is not None for task in tasks.unwrap(body))
    except Unmapped:
        return False
