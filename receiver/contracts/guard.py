"""The border to provider code: whatever it raises or returns, what crosses keeps to the contract.

Everything passes here, because a `Source` holds its provider guarded. What a broken provider means, by call:

seal            "absent": it proves nothing, so secrets, ref or token must
parse, read     ProviderBroke, an Unmapped: the request is kept, the job is asked for again
refusal, local  the order is refused or fails; nothing is sent
parameters      not known: none is a mistake
prepare, order  ProviderBroke: nothing was sent, so the order is tried again on its schedule
answered        Unclear: the vendor may have taken the order
query           ProviderBroke: the job is asked for again
cancel, price   None;  next_actions: none
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast, get_args

import msgspec
import structlog

from receiver.contracts.http import Answer, Call, Method
from receiver.errors import (
    InvalidParams,
    ProviderBroke,
    Unmapped,
    Unsupported,
)
from receiver.lib.addresses.url_paths import leads_elsewhere
from receiver.model.actions import Params
from receiver.model.deliveries import (
    Accepted,
    NotAccepted,
    OrderOutcome,
    Refused,
    Unclear,
)
from receiver.model.jobs import (
    Cost,
    JobError,
    KeptJob,
    NextAction,
    Report,
)
from receiver.model.requests import Request, Seal

if TYPE_CHECKING:
    from receiver.contracts.providers import Order, Parent, Provider, Source

T = TypeVar("T")
log = structlog.get_logger("provider")

#: Our own dialects are held to their types by one suite, so their reports are not read once more: a tenth of a webhook.
OURS: Final = "receiver.providers."
SEALS: Final = frozenset(get_args(Seal))
METHODS: Final = frozenset(get_args(Method))
#: What a provider may raise where its contract says so.
WORDS: Final = (Unmapped, Unsupported, InvalidParams)
#: So many sets of next actions are remembered as checked.
KNOWN_CHOICES: Final = 256
MAX_STATUS: Final = 999

_ENCODER: Final = msgspec.json.Encoder()
_REPORT: Final = msgspec.json.Decoder(Report)
_COST: Final = msgspec.json.Decoder(Cost)
_CHOICES: Final = msgspec.json.Decoder(tuple[NextAction, ...])
_OUTCOME: Final[msgspec.json.Decoder[Accepted | Refused | NotAccepted | Unclear]] = msgspec.json.Decoder(
    Accepted | Refused | NotAccepted | Unclear
)


class NotByContract(Exception):
    """What came back is not what the contract says; the message says what it is."""


class GuardedProvider:
    """A provider that keeps to its contract, whatever `inner` does. Attributes are those that `inner` has now."""

    def __init__(self, inner: Provider, attributes: Iterable[str]) -> None:
        self.inner = inner
        self._ours = type(inner).__module__.startswith(OURS)
        self._checked: dict[int, Sequence[NextAction]] = {}
        for name in attributes:
            if hasattr(inner, name):
                setattr(self, name, getattr(inner, name))
        self.paces = dict(inner.paces)

    def __repr__(self) -> str:
        return repr(self.inner)

    # --- in

    def seal(self, request: Request, source: Source) -> Seal:
        """What `inner` says, or "absent"."""
        try:
            return _seal(self.inner.seal(request, source))
        except BaseException as wrong:  # noqa: BLE001
            self._broke("seal", wrong)
            return "absent"

    def parse(self, value: Any, headers: Mapping[str, str]) -> list[Report]:
        """The reports. Raises Unmapped."""
        try:
            return self._reports(self.inner.parse(value, headers))
        except Unmapped:
            raise
        except BaseException as wrong:  # noqa: BLE001
            raise self._broke("parse", wrong) from None

    # --- out

    def parameters(self, action: str) -> frozenset[str]:
        """What `inner` says, or none: not known."""
        try:
            return _names(self.inner.parameters(action))
        except BaseException as wrong:  # noqa: BLE001
            self._broke("parameters", wrong)
            return frozenset()

    def refusal(self, action: str, params: Params, parent: Parent | None) -> str | None:
        """What `inner` says, or that it broke: then the action cannot be ordered."""
        try:
            return _optional(self.inner.refusal(action, params, parent), str)
        except BaseException as wrong:  # noqa: BLE001
            return str(self._broke("refusal", wrong))

    def local(self, order: Order) -> Report | None:
        """The outcome; where `inner` broke, that the job failed."""
        try:
            report = _optional(self.inner.local(order), Report)
            return None if report is None else self._report(report)
        except BaseException as wrong:  # noqa: BLE001
            error = JobError(code="provider_error", message=str(self._broke("local", wrong)))
            return Report(provider_job_id=None, status="failed", error=error)

    def prepare(self, order: Order, source: Source) -> Call | None:
        """A free call or None. Raises Unmapped, Unsupported or InvalidParams."""
        return self._asked("prepare", lambda: _call_or_none(self.inner.prepare(order, source)))

    def order(self, order: Order, source: Source, prepared: Answer | None) -> Call:
        """The paid call. Raises Unmapped, Unsupported or InvalidParams."""
        return self._asked("order", lambda: _call(self.inner.order(order, source, prepared)))

    def answered(self, order: Order, answer: Answer, now: int) -> OrderOutcome:
        """What `inner` says, or Unclear."""
        try:
            return _outcome(self.inner.answered(order, answer, now))
        except BaseException as wrong:  # noqa: BLE001
            return Unclear(note=str(self._broke("answered", wrong)), status=answer.status)

    def query(self, jobs: Sequence[KeptJob], source: Source) -> Call:
        """The free call. Raises Unmapped or Unsupported."""
        return self._asked("query", lambda: _call(self.inner.query(jobs, source)))

    def read(self, answer: Answer, jobs: Sequence[KeptJob]) -> list[Report]:
        """The reports. Raises Unmapped."""
        return self._asked("read", lambda: self._reports(self.inner.read(answer, jobs)))

    def cancel(self, kept: KeptJob, source: Source) -> Call | None:
        """The call, or None."""
        try:
            return _call_or_none(self.inner.cancel(kept, source))
        except BaseException as wrong:  # noqa: BLE001
            self._broke("cancel", wrong)
            return None

    def next_actions(self, kept: KeptJob) -> Sequence[NextAction]:
        """What `inner` says, the very same tuple where it is one; or nothing."""
        try:
            return self._choices(self.inner.next_actions(kept))
        except BaseException as wrong:  # noqa: BLE001
            self._broke("next_actions", wrong)
            return ()

    def price(self, action: str, params: Params) -> Cost | None:
        """What `inner` says, or None: not known."""
        try:
            return _cost(self.inner.price(action, params))
        except BaseException as wrong:  # noqa: BLE001
            self._broke("price", wrong)
            return None

    # --- what came back

    def _asked(self, method: str, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except WORDS:
            raise
        except BaseException as wrong:  # noqa: BLE001
            raise self._broke(method, wrong) from None

    def _broke(self, method: str, wrong: BaseException) -> ProviderBroke:
        """Told to the operator; the exception says it without anything of the request or the order."""
        log.error("provider.broke", provider=type(self.inner).__name__, method=method, exc_info=wrong)
        what = f"{method} returned {wrong}" if isinstance(wrong, NotByContract) else type(wrong).__name__
        return ProviderBroke(f"the provider code broke: {what}")

    def _reports(self, found: object) -> list[Report]:
        if not isinstance(found, list):
            raise NotByContract(type(found).__name__)
        return [self._report(report) for report in found]

    def _report(self, report: object) -> Report:
        if not isinstance(report, Report):
            raise NotByContract(type(report).__name__)
        return report if self._ours else _REPORT.decode(_ENCODER.encode(report))

    def _choices(self, found: object) -> Sequence[NextAction]:
        if not isinstance(found, list | tuple):
            raise NotByContract(type(found).__name__)
        if self._ours or self._checked.get(id(found)) is found:
            return found
        if not all(isinstance(one, NextAction) for one in found):
            raise NotByContract("what is no NextAction")
        choices = _CHOICES.decode(_ENCODER.encode(found))
        if isinstance(found, list):
            return choices
        if len(self._checked) >= KNOWN_CHOICES:
            self._checked.clear()
        self._checked[id(found)] = found
        return found


def guarded(provider: Provider, attributes: Iterable[str]) -> Provider:
    """The provider behind its border; one that is guarded stays as it is. `attributes` are those of the contract."""
    if isinstance(cast(object, provider), GuardedProvider):
        return provider
    # Its attributes are set by name, which no type can say.
    return cast("Provider", GuardedProvider(provider, attributes))


def _seal(value: Seal) -> Seal:
    if value not in SEALS:
        raise NotByContract(type(value).__name__)
    return value


def _names(value: object) -> frozenset[str]:
    if not isinstance(value, frozenset | set) or not all(isinstance(name, str) for name in value):
        raise NotByContract(type(value).__name__)
    return frozenset(value)


def _optional(value: object, kind: type[T]) -> T | None:
    if value is not None and not isinstance(value, kind):
        raise NotByContract(type(value).__name__)
    return value


def _call_or_none(value: object) -> Call | None:
    return None if value is None else _call(value)


def _call(value: object) -> Call:
    """A call that a transport can read: found here, before anything is committed to be sent."""
    if not isinstance(value, Call):
        raise NotByContract(type(value).__name__)
    texts = (value.url, *value.headers, *value.headers.values())
    if value.method not in METHODS or not all(isinstance(text, str) for text in texts):
        raise NotByContract("a Call with a method, an address or headers that are none")
    if value.body is not None and not isinstance(value.body, bytes):
        raise NotByContract(f"a Call whose body is {type(value.body).__name__}")
    if leads_elsewhere(value.url.partition("?")[0]):
        raise NotByContract("a Call whose address has . or .. in its path")
    return value


def _outcome(value: object) -> OrderOutcome:
    if not isinstance(value, Accepted | Refused | NotAccepted | Unclear):
        raise NotByContract(type(value).__name__)
    outcome = _OUTCOME.decode(_ENCODER.encode(value))
    if outcome.status is not None and not 0 <= outcome.status <= MAX_STATUS:
        raise NotByContract(f"status {outcome.status}")
    return outcome


def _cost(value: object) -> Cost | None:
    cost = _optional(value, Cost)
    if cost is not None and not _COST.decode(_ENCODER.encode(cost)).amount.is_finite():
        raise NotByContract("a Cost without a finite amount")
    return cost
