"""The dialect itself: what gridhook asks of midjourney-proxy and what it makes of the answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Literal

import msgspec

from receiver.contracts import Answer, Call, Order, Parent, Source
from receiver.errors import Unmapped, Unsupported
from receiver.model.actions import Params
from receiver.model.deliveries import OrderOutcome, Refused
from receiver.model.jobs import KeptJob, NextAction, Report
from receiver.providers.midjourney_proxy import steps, tasks
from receiver.providers.shared import reading
from receiver.providers.shared.addresses import id_segment
from receiver.providers.shared.answers import read_order_answer
from receiver.providers.shared.dialect import Dialect
from receiver.providers.shared.midjourney_buttons import button_for, buttons_of, kept_buttons
from receiver.providers.shared.ordering import refuse_impossible

SUBMIT: Final = "/mj/submit"
TASK: Final = "/mj/task"


class MidjourneyProxyOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where it runs and which of the two programs it is."""

    #: `novicezk` (the original) or `trueai` (trueai-org's, with buttons): they mean different things by code 21.
    flavour: steps.Flavour
    #: The common key, here without a default: everybody runs their own. It is judged with the common keys.
    base_url: str
    #: Whether U, V and reroll are ordered by `/simple-change` where both are there, for relays without `/change`.
    simple_change: bool = False


class MidjourneyProxy(Dialect):
    """The dialect of midjourney-proxy. Its webhook is the task object, unsigned and never sent again (documented)."""

    Options: ClassVar[type[msgspec.Struct]] = MidjourneyProxyOptions

    name: str = steps.NAME
    seals: Literal["secret", "signature", "nothing"] = "nothing"
    webhooks: bool = True
    query_batch: int = 20

    def __init__(self, options: MidjourneyProxyOptions) -> None:
        """Takes which program it is, and where."""
        self.base_url = options.base_url.rstrip("/")
        self._flavour = options.flavour
        self._simple = options.simple_change

    # --- in ----------------------------------------------------------------------------------------------------------

    def parse(self, value: Any, headers: Mapping[str, str]) -> list[Report]:
        """The task object (documented), or a list of them. Raises Unmapped."""
        return reading.each(value if isinstance(value, list) else [value], tasks.report_of) or _nothing()

    # --- out ---------------------------------------------------------------------------------------------------------

    def parameters(self, action: str) -> frozenset[str]:
        """The canonical ones, and what the flavour takes beside them."""
        return super().parameters(action) | steps.own_parameters(self._flavour, action)

    def refusal(self, action: str, params: Params, parent: Parent | None) -> str | None:
        """By the flavour's table of follow-ups, and by the parent's buttons where they are known."""
        return steps.refusal(self._flavour, action, params, parent)

    def prepare(self, order: Order, source: Source) -> Call | None:
        """`GET /mj/task/{parent}/fetch` (free) before a button is pressed, unless the parent's buttons are known."""
        if not self._needs_button(order) or kept_buttons(steps.parent_of(order)):
            return None
        return self._get(source, steps.parent_of(order))

    def order(self, order: Order, source: Source, prepared: Answer | None) -> Call:
        """`POST /mj/submit/...`. Raises Unsupported or InvalidParams."""
        refuse_impossible(order, self.refusal)
        route = steps.route_of(order, simple=self._simple)
        custom_id = order.params.get("custom_id")
        if route == "action" and custom_id is None:
            custom_id = _button(order, prepared)
        return self._post(source, f"{SUBMIT}/{route}", steps.body_of(order, route, custom_id))

    def answered(self, order: Order, answer: Answer, now: int) -> OrderOutcome:
        """`{code, description, result}`, nearly always with HTTP status 200: the code tells (documented)."""
        body = tasks.body_of(answer)
        not_now = tasks.not_now if answer.status < 500 else _never
        if tasks.code_of(body) in tasks.REFUSED and 200 <= answer.status < 300 and not_now(body) is None:
            return Refused(error=tasks.error_of(body, answer.status), status=answer.status)
        return read_order_answer(answer, now, lambda value: self._accepted(value, order), tasks.error_of, not_now)

    def query(self, jobs: Sequence[KeptJob], source: Source) -> Call:
        """`GET /mj/task/{id}/fetch` for one, `POST /mj/task/list-by-condition` with `ids` for several (documented)."""
        if len(jobs) == 1:
            return self._get(source, jobs[0])
        return self._post(source, f"{TASK}/list-by-condition", {"ids": [kept.job.provider_job_id for kept in jobs]})

    def read(self, answer: Answer, jobs: Sequence[KeptJob]) -> list[Report]:
        """The tasks; an empty answer is what is said of one that is not known (seen in its code). Raises Unmapped."""
        if answer.status == 204 or (answer.status == 200 and not answer.body.strip()):
            return []
        value = reading.answer_json(answer)
        if _is_not_found(value):
            return []
        if answer.status != 200:
            raise Unmapped(f"HTTP {answer.status} to a status query")
        return reading.each(value if isinstance(value, list) else [value], tasks.report_of) if value is not None else []

    def cancel(self, kept: KeptJob, source: Source) -> Call | None:
        """`POST /mj/task/{id}/cancel`: trueai alone has it, for keys of an administrator (seen in its code)."""
        if self._flavour != "trueai" or kept.job.provider_job_id is None:
            return None
        try:
            return self._post(source, f"{TASK}/{id_segment(kept)}/cancel", {})
        except Unsupported:
            return None

    def next_actions(self, kept: KeptJob) -> list[NextAction]:
        """What the flavour can do with the job, as far as its buttons tell."""
        return steps.next_actions(self._flavour, kept)

    # --- parts -------------------------------------------------------------------------------------------------------

    def _needs_button(self, order: Order) -> bool:
        if order.parent is None or order.action not in steps.BY_BUTTON or "custom_id" in order.params:
            return False
        return self._flavour == "trueai" and steps.route_of(order, simple=self._simple) == "action"

    def _get(self, source: Source, kept: KeptJob) -> Call:
        return Call(method="GET", url=f"{_root(source)}{TASK}/{id_segment(kept)}/fetch", headers=_key(source))

    def _post(self, source: Source, path: str, body: dict[str, Any]) -> Call:
        headers = {**_key(source), "content-type": "application/json"}
        return Call(method="POST", url=_root(source) + path, headers=headers, body=reading.json_body(body))

    def _accepted(self, value: Any, order: Order) -> Report:
        """The report in an answer that took the order. A modal goes on with its parent's task, which tells the rest."""
        body, code = reading.table(value), tasks.code_of(value)
        if code == tasks.EXISTS_OR_MODAL and self._flavour == "novicezk":
            return tasks.existing(body)
        if code not in tasks.TAKEN and code != tasks.EXISTS_OR_MODAL:
            raise Unmapped(f"code {code}")
        known_id = reading.required_id(body.get("result"), "result")
        if order.action == "modal" and order.parent is not None and known_id == order.parent.job.provider_job_id:
            return Report(provider_job_id=None, status="completed", progress=100)
        waits = code == tasks.EXISTS_OR_MODAL
        return Report(provider_job_id=known_id, status="running" if waits else "queued", awaits_step=waits)


def _root(source: Source) -> str:
    """What stands before `/mj`, which is itself the last part of the address that the program shows its users."""
    return source.base_url.removesuffix("/mj")


def _key(source: Source) -> dict[str, str]:
    """`mj-api-secret` alone: both programs know it, and relays take it where no `Authorization` is sent.

    trueai compares an `Authorization` as a whole, so a Bearer beside it would be refused (seen in their code).
    """
    return {"mj-api-secret": source.api_key.reveal() if source.api_key else ""}


def _button(order: Order, prepared: Answer | None) -> str:
    """The custom id of the button to press. Raises Unsupported if the parent has none that does it."""
    known = kept_buttons(steps.parent_of(order)) or _fetched(prepared)
    found = button_for(order.action, order.params, known)
    if found is None:
        raise Unsupported(f"the parent has no button for this {order.action}", "action with a custom_id that it has")
    return found


def _fetched(prepared: Answer | None) -> list[str]:
    body = tasks.body_of(prepared) if prepared is not None and prepared.status == 200 else None
    return buttons_of(body) if isinstance(body, dict) else []


def _is_not_found(value: Any) -> bool:
    """Code 3, or the words of relays."""
    if not isinstance(value, dict) or "id" in value:
        return False
    said = reading.text(value.get("description")) or ""
    return tasks.code_of(value) == "3" or said == tasks.NOT_FOUND


def _never(value: Any) -> str | None:
    return None


def _nothing() -> list[Report]:
    raise Unmapped("an empty list")
