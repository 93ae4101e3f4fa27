"""The dialect itself: what gridhook asks of Apiframe v2 and what it makes of the answers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from receiver.contracts import (
    Answer,
    Call,
    Order,
    Parent,
    Request,
    Seal,
    Source,
)
from receiver.errors import Unmapped, Unsupported
from receiver.lib.signatures import hex_signature_matches
from receiver.model.actions import Params
from receiver.model.deliveries import OrderOutcome, Unclear
from receiver.model.jobs import (
    Cost,
    KeptJob,
    NextAction,
    Report,
)
from receiver.providers.apiframe import steps
from receiver.providers.apiframe.tasks import (
    accepted,
    refused,
    report_of,
)
from receiver.providers.shared import reading
from receiver.providers.shared.addresses import id_segment
from receiver.providers.shared.answers import read_order_answer
from receiver.providers.shared.dialect import Dialect
from receiver.providers.shared.ordering import refuse_impossible
from receiver.providers.shared.seals import secret_seal

EVENTS: Final = ("progress", "completed", "failed")


class Apiframe(Dialect):
    """The dialect of Apiframe v2."""

    name: str = steps.NAME
    base_url: str = "https://api.apiframe.ai"
    seals: Literal["secret", "signature", "nothing"] = "signature"
    webhooks: bool = True
    #: `Idempotency-Key` returns the original job for 24 h (documented).
    idempotent: bool | frozenset[str] = True
    query_batch: int = 1
    #: Credits are refunded on failure, results kept for 24 h (documented).
    refunds: bool = True
    retention: float | None = 24 * 3600.0
    unit: str = steps.UNIT

    # --- in ----------------------------------------------------------------------------------------------------------

    def seal(self, request: Request, source: Source) -> Seal:
        """`x-webhook-signature` (documented) over the raw body; with `secrets`, `x-webhook-secret` counts as well."""
        given = request.headers.get("x-webhook-signature")
        if given is not None and not hex_signature_matches(given, signing_keys(source), request.body):
            return "wrong"
        if source.secrets:
            return secret_seal(request, source)
        return "absent" if given is None else "valid"

    def parse(self, value: Any, headers: Mapping[str, str]) -> list[Report]:
        """One report. Only the body counts: the signature does not cover `x-webhook-event`. Raises Unmapped."""
        return [report_of(reading.table(value))]

    # --- out ---------------------------------------------------------------------------------------------------------

    def parameters(self, action: str) -> frozenset[str]:
        """The canonical ones, and what the vendor's schema has beside them."""
        return super().parameters(action) | steps.TAKES.get(action, frozenset())

    def refusal(self, action: str, params: Params, parent: Parent | None) -> str | None:
        """By the table of follow-ups, and by the fields that the vendor's schema allows."""
        return steps.refusal(action, params, parent)

    def order(self, order: Order, source: Source, prepared: Answer | None) -> Call:
        """`POST` to generate or act; our job id is the idempotency key, so sending again never makes a second job."""
        refuse_impossible(order, self.refusal)
        path, body = _generation(order) if order.action == "imagine" else _follow_up(order)
        if order.webhook_url is not None:
            body |= {"webhookUrl": order.webhook_url, "webhookEvents": EVENTS}
        headers = _headers(source) | {"content-type": "application/json", "idempotency-key": order.kept.job.id}
        return Call(method="POST", url=source.base_url + path, headers=headers, body=reading.json_body(body))

    def answered(self, order: Order, answer: Answer, now: int) -> OrderOutcome:
        """`202 {"jobId", "status"}`; refusals `{"error"}` (documented).

        The 409 for a key that came with another body (the vendor's SDK names it) tells of an order that was taken.
        """
        if answer.status == 409 and b"idempoten" in answer.body.lower():
            return Unclear(note="an earlier order has this idempotency key (409)", status=answer.status)
        return read_order_answer(answer, now, accepted, refused)

    def query(self, jobs: Sequence[KeptJob], source: Source) -> Call:
        """`GET /v2/jobs/{id}` (documented)."""
        url = f"{source.base_url}/v2/jobs/{id_segment(jobs[0])}"
        return Call(method="GET", url=url, headers=_headers(source))

    def read(self, answer: Answer, jobs: Sequence[KeptJob]) -> list[Report]:
        """The job; 404 = not known (documented)."""
        if answer.status == 404:
            return []
        if answer.status != 200:
            raise Unmapped(f"HTTP {answer.status} to a status query")
        return [report_of(reading.table(reading.answer_json(answer)))]

    def next_actions(self, kept: KeptJob) -> tuple[NextAction, ...]:
        """The rows of the table of follow-ups for this job."""
        return steps.next_actions(kept)

    def price(self, action: str, params: Params) -> Cost | None:
        """Documented credits; the vendor reports what it took in `creditCost`."""
        return steps.price(action)


def signing_keys(source: Source) -> list[bytes]:
    """SHA-256 of every API key, as 32 bytes (the vendor's SDK) and as hexadecimal text (integrators): both count."""
    known = [key for key in (source.api_key, *source.old_api_keys) if key is not None and key.reveal()]
    digests = [hashlib.sha256(key.reveal().encode("utf-8", "surrogateescape")) for key in known]
    return [form for digest in digests for form in (digest.digest(), digest.hexdigest().encode())]


def _headers(source: Source) -> dict[str, str]:
    return {"x-api-key": source.api_key.reveal() if source.api_key else ""}


def _generation(order: Order) -> tuple[str, dict[str, Any]]:
    ratio = order.params.get("aspect_ratio")
    return "/v2/images/generate", {
        "model": "midjourney",
        "prompt": steps.prompt_of(order.params),
        "midjourneyParams": None if ratio is None else {"aspect_ratio": ratio},
    }


def _follow_up(order: Order) -> tuple[str, dict[str, Any]]:
    parent = order.parent.job.provider_job_id if order.parent is not None else None
    if parent is None:
        raise Unsupported(f"{order.action} needs a parent that Apiframe knows")
    said = order.params
    return "/v2/images/midjourney/action", {
        "parentJobId": parent,
        "action": steps.FOLLOW_UPS[order.action],
        "index": said.get("index"),
        "mask": said.get("mask"),
        "prompt": said.get("prompt"),
        "zoomRatio": _ratio(said.get("factor")),
        "direction": said.get("direction"),
    }


def _ratio(factor: Any) -> float | int | None:
    """1.5, or 2 as a whole number, as the schema writes them."""
    return factor if factor is None or factor % 1 else int(factor)
