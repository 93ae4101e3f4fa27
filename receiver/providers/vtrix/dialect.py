"""The dialect itself: what gridhook asks of either API and what it makes of the answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Literal

import msgspec

from receiver.contracts import (
    Answer,
    Call,
    Order,
    Parent,
    Source,
)
from receiver.errors import Unmapped, Unsupported
from receiver.model.actions import Params
from receiver.model.deliveries import OrderOutcome, Refused
from receiver.model.jobs import (
    Cost,
    JobError,
    KeptJob,
    NextAction,
    Report,
)
from receiver.providers.shared import reading
from receiver.providers.shared.addresses import id_segment
from receiver.providers.shared.answers import read_order_answer
from receiver.providers.shared.dialect import Dialect
from receiver.providers.shared.ordering import refuse_impossible
from receiver.providers.vtrix import steps, tasks

GENERATION: Final = "/model/v1/generation"
QUEUE: Final = "/model/v1/queue"
#: Codes in a 2xx body without a job that mean "not taken": HTTP's own for refusals (inferred from one sample of 402).
REFUSED_CODES: Final = frozenset({"400", "401", "402", "403", "404"})
#: Answers that say nothing about one request.
NOT_ABOUT_IT: Final = frozenset({200, 202, 401, 403, 404, 429})
#: What the queue refuses a request for (documented: "webhook not supported").
CALLBACKS: Final = frozenset({"callback", "webhook", "webhook_url", "callback_url"})


class VtrixOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which of the two APIs the account is at."""

    api: Literal["generation", "queue"] = "generation"


class Vtrix(Dialect):
    """The dialect of Vtrix: `generation` (documented by seed 002) or `queue` (SeaCloud, which never calls back).

    The body of the callback is documented nowhere, nor anything about its authenticity; `generation` says itself that
    the result must be polled for.
    """

    Options: ClassVar[type[msgspec.Struct]] = VtrixOptions

    name: str = "vtrix"
    seals: Literal["secret", "signature", "nothing"] = "nothing"
    query_batch: int = 1
    unit: str = "USD"

    def __init__(self, options: VtrixOptions) -> None:
        """Where the API stands, and whether it calls back, depend on the options."""
        self.queue = options.api == "queue"
        self.webhooks = not self.queue
        self.base_url = "https://cloud.seaart.ai" if self.queue else "https://cloud.vtrix.ai"

    # --- in ----------------------------------------------------------------------------------------------------------

    def parse(self, value: Any, headers: Mapping[str, str]) -> list[Report]:
        """A task, a queue request or a Legnext-type job. Raises Unmapped."""
        return [tasks.report_of(value)]

    # --- out ---------------------------------------------------------------------------------------------------------

    def parameters(self, action: str) -> frozenset[str]:
        """The canonical ones, and what stands for them at this vendor."""
        return super().parameters(action) | steps.OWN_PARAMETERS.get(action, frozenset())

    def refusal(self, action: str, params: Params, parent: Parent | None) -> str | None:
        """By what the vendor documents; models without documented parameters are not offered."""
        return steps.refusal(action, params, parent, self.name)

    def local(self, order: Order) -> Report | None:
        """A pick is taken out of the grid here: the vendor has no such call."""
        return steps.picked(order) if order.action == "pick" else None

    def order(self, order: Order, source: Source, prepared: Answer | None) -> Call:
        """`POST` of the wrapped parameters (generation) or of the bare ones (queue). Raises Unsupported, InvalidParams.

        Where `callback` goes in the wrapper is inferred: among the parameters, as seed 002 lists it.
        """
        refuse_impossible(order, self.refusal)
        model = steps.MODELS.get(order.action)
        if model is None:
            raise Unsupported(f"Vtrix has no call for {order.action}")
        params = steps.params_of(order)
        if self.queue:
            bare = {name: value for name, value in params.items() if name not in CALLBACKS}
            return self._post(source, f"{QUEUE}/{model}", bare)
        if order.webhook_url is not None:
            params["callback"] = order.webhook_url
        return self._post(source, GENERATION, {"model": model, "input": [{"params": params}]})

    def answered(self, order: Order, answer: Answer, now: int) -> OrderOutcome:
        """The task (generation) or `{"request_id", ...}` (queue); refusals by status, or by the code in a 2xx body."""
        refused = _refused_by_code(answer)
        if refused is not None:
            return Refused(error=refused, status=answer.status)
        return read_order_answer(answer, now, self._accepted, tasks.error_of)

    def _accepted(self, value: Any) -> Report:
        body = reading.table(value)
        inner = body.get("data")
        task = inner if isinstance(inner, dict) else body
        if self.queue:
            return Report(
                provider_job_id=reading.required_id(task.get("request_id"), "request_id"),
                status="queued",
            )
        if task.get("status") is None and not tasks.failed(task):
            return Report(provider_job_id=reading.required_id(task.get("id"), "id"), status="queued")
        return tasks.task_report(task)

    def query(self, jobs: Sequence[KeptJob], source: Source) -> Call:
        """The task; or the queue's `response`, which is the status while there is no result (documented, 202).

        Once `response` said something else, `status` is asked until that says the result is ready. The address is
        built from the model and the id (documented); the addresses in the vendor's answers are not followed.
        """
        kept = jobs[0]
        if not self.queue:
            return self._get(source, f"{GENERATION}/task/{id_segment(kept)}")
        asks_status = kept.facts.get("odd_response") is True and kept.facts.get("ready") is not True
        return self._get(source, f"{_request(kept)}/{'status' if asks_status else 'response'}")

    def read(self, answer: Answer, jobs: Sequence[KeptJob]) -> list[Report]:
        """The task or request; none for 404. Raises Unmapped.

        What a failed request's `response` looks like is documented nowhere: anything odd there leads to its `status`.
        """
        if answer.status == 404:
            return []
        if self.queue and answer.status not in NOT_ABOUT_IT and jobs[0].facts.get("odd_response") is not True:
            return [Report(provider_job_id=jobs[0].job.provider_job_id, status=None, facts={"odd_response": True})]
        if answer.status not in (200, 202):
            raise Unmapped(f"HTTP {answer.status} to a status query")
        return [tasks.report_of(reading.answer_json(answer))]

    def _post(self, source: Source, path: str, body: Mapping[str, Any]) -> Call:
        headers = {**_bearer(source), "content-type": "application/json"}
        return Call(method="POST", url=source.base_url + path, headers=headers, body=reading.json_body(body))

    def _get(self, source: Source, path: str) -> Call:
        return Call(method="GET", url=source.base_url + path, headers=_bearer(source))

    def cancel(self, kept: KeptJob, source: Source) -> Call | None:
        """The queue's `PUT .../cancel` (documented); 202 means that the wish is taken, the status tells of the end.

        Built like the address of a query. None for a job without an id that leads to one, and for generation, which
        documents no way.
        """
        if not self.queue:
            return None
        try:
            where = _request(kept)
        except Unsupported:
            return None
        return Call(method="PUT", url=f"{source.base_url}{where}/cancel", headers=_bearer(source))

    def next_actions(self, kept: KeptJob) -> list[NextAction]:
        """What the documented models can do with this job."""
        return steps.next_actions(kept)

    def price(self, action: str, params: Params) -> Cost | None:
        """Nothing for a pick, which is no call; amounts for the rest are not documented."""
        return steps.NOTHING if action == "pick" else None


def _request(kept: KeptJob) -> str:
    """Where a queue request stands: by its model, which is the imagine's where the action is not known (inferred)."""
    model = steps.MODELS.get(kept.job.action or "", steps.MODELS["imagine"])
    return f"{QUEUE}/{model}/requests/{id_segment(kept)}"


def _bearer(source: Source) -> dict[str, str]:
    """Documented for both APIs (the queue also takes `Key`)."""
    return {"authorization": f"Bearer {source.api_key.reveal() if source.api_key else ''}"}


def _refused_by_code(answer: Answer) -> JobError | None:
    """The refusal in a 2xx body that names no job: a caller's mistake, or `{"status": {"code": 402}}` (a sample)."""
    if not 200 <= answer.status < 300:
        return None
    try:
        body = reading.answer_json(answer)
    except Unmapped:
        return None
    if not isinstance(body, dict) or _names_job(body):
        return None
    outer, error = body.get("status"), body.get("error")
    code = reading.text(outer.get("code"), 50) if isinstance(outer, dict) else None
    number = reading.text(error.get("code"), 50) if isinstance(error, dict) else None
    if code in REFUSED_CODES or tasks.is_callers_mistake(number):
        return tasks.error_of(body, int(code) if code in REFUSED_CODES and code else None)
    return None


def _names_job(body: Mapping[str, Any]) -> bool:
    inner = body.get("data")
    return any(
        reading.job_id(table.get(name)) is not None
        for table in (body, inner)
        if isinstance(table, dict)
        for name in ("id", "request_id", "job_id")
    )
