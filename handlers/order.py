"""Orders: brings a planned job to its vendor, with exactly one paid call."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from receiver.contracts import (
    Answer,
    Call,
    Committed,
    Order,
    Source,
    Transport,
)
from receiver.errors import (
    InvalidParams,
    NoAnswer,
    NotSent,
    TransportError,
    Unmapped,
    Unsupported,
)
from receiver.lib.redaction import Redaction
from receiver.lib.times import Clock
from receiver.model.actions import Params
from receiver.model.deliveries import (
    NotAccepted,
    OrderOutcome,
    Refused,
    Unclear,
    Withdrawn,
)
from receiver.model.jobs import JobError


class OrderHandler:
    """`receiver.contracts.OrderSender` over a transport."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def send(
        self, order: Order, source: Source, begin: Committed, may_go: Callable[[], bool], clock: Clock
    ) -> OrderOutcome:
        """Free calls first, then `begin` (commits `submitting`), then the paid call: once, never retried here."""
        if source.api_key is None:
            return Refused(error=JobError(code="auth", message=f"source {source.name} has no api_key"))
        try:
            doubt = await self._doubt(order)
            if doubt is not None:
                return Refused(error=JobError(code="invalid_params", message=doubt))
            prepared = await self._prepare(order, source)
            call = with_extra(source.provider.order(order, source, prepared), order.extra)
        except (TransportError, Unmapped) as wrong:
            return NotAccepted(note=f"nothing was ordered: {wrong}")
        except (Unsupported, InvalidParams) as wrong:
            return Refused(error=JobError(code=wrong.code, message=str(wrong)))  # type: ignore[arg-type]  # both are error codes
        if not await begin():
            return Withdrawn()
        try:
            answer = await self._transport.send(call, source.timeout, paid=True, may_go=may_go)
        except NotSent as wrong:
            return NotAccepted(note=str(wrong))
        except NoAnswer as wrong:
            return Unclear(note=str(wrong))
        return source.provider.answered(order, without_secrets(answer, source), clock())

    async def _doubt(self, order: Order) -> str | None:
        """Why a result that only an unsigned webhook told is not built on; None if its vendor confirms it."""
        source, result = order.confirm, order.worked_on
        if source is None or result is None:
            return None
        if source.api_key is None or not source.provider.query_batch or not result.job.provider_job_id:
            return f"{result.job.id} came unsigned and {source.name} cannot be asked; `confirm = false` would trust it"
        answer = await self._transport.send(source.provider.query([result], source), source.timeout)
        reports = source.provider.read(answer, [result])
        if any(report.status == "completed" for report in reports):
            return None
        return f"{result.job.id} came unsigned and its vendor does not confirm that it is completed"

    async def _prepare(self, order: Order, source: Source) -> Answer | None:
        call = source.provider.prepare(order, source)
        if call is None:
            return None
        answer = await self._transport.send(call, source.timeout)
        if answer.status >= 500 or answer.status == 429:
            raise NoAnswer(f"the look before the order was answered with HTTP {answer.status}")
        return answer


def without_secrets(answer: Answer, source: Source) -> Answer:
    """An answer in which none of the source's secrets stand: some vendors tell which key they refuse."""
    secrets = source.secrets if source.api_key is None else (source.api_key, *source.secrets)
    body = Redaction(secrets).body(answer.body)
    return answer if body is answer.body else msgspec.structs.replace(answer, body=body)


def with_extra(call: Call, extra: Params) -> Call:
    """An order's call with `extra` merged into the top level of its JSON body, over what stands there.

    Raises Unsupported if the body is no JSON object.
    """
    if not extra:
        return call
    try:
        body = msgspec.json.decode(call.body or b"")
    except (msgspec.DecodeError, ValueError):
        body = None
    if not isinstance(body, dict):
        raise Unsupported("this order's body is no JSON object, into which extra could go", "the same without extra")
    return msgspec.structs.replace(call, body=msgspec.json.encode(body | extra))
