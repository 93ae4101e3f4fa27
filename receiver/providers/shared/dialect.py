"""What a dialect is where its vendor has nothing: a vendor writes what it has, and inherits the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Final, Literal

import msgspec

from receiver.contracts import (
    Answer,
    Call,
    NoOptions,
    Order,
    Parent,
    Provider,
    Request,
    Seal,
    Source,
)
from receiver.contracts.bodies import PLAIN_JSON, BodyRules
from receiver.errors import Unmapped, Unsupported
from receiver.model.actions import PARAMETERS, Params
from receiver.model.deliveries import OrderOutcome, Unclear
from receiver.model.jobs import (
    Cost,
    KeptJob,
    NextAction,
    Report,
)
from receiver.providers.shared.seals import ECHO_HEADER, secret_seal

#: For vendors that document no pace.
NO_PACES: Final[Mapping[str, float]] = MappingProxyType({})


class Dialect(Provider):
    """A vendor that only posts webhooks: it can be ordered, asked and told nothing.

    A subclass has at least `name` and `parse`. One whose vendor takes orders overrides `refusal`, `order` and
    `answered`; one whose vendor can be asked overrides `query_batch`, `query` and `read`.
    """

    Options: ClassVar[type[msgspec.Struct]] = NoOptions

    base_url: str = ""
    seals: Literal["secret", "signature", "nothing"] = "secret"
    secret_header: str = ECHO_HEADER
    keys_url: str = ""
    webhooks: bool = False
    idempotent: bool | frozenset[str] = False
    query_batch: int = 0
    refunds: bool = False
    retention: float | None = None
    paces: Mapping[str, float] = NO_PACES
    unit: str = "credits"
    bodies: BodyRules = PLAIN_JSON

    def __init__(self, options: Any) -> None:
        """Needs no options."""

    def seal(self, request: Request, source: Source) -> Seal:
        """By `x-webhook-secret`, as far as the source has `secrets`; without them the header proves nothing."""
        return secret_seal(request, source)

    def parameters(self, action: str) -> frozenset[str]:
        """The canonical parameters of the action."""
        return PARAMETERS.get(action, frozenset())

    def refusal(self, action: str, params: Params, parent: Parent | None) -> str | None:
        """Nothing can be ordered."""
        return f"a {self.name} source only receives; nearest: the same at a source of another provider (source = ...)"

    def local(self, order: Order) -> Report | None:
        """Every action is a call."""
        return None

    def prepare(self, order: Order, source: Source) -> Call | None:
        """No order needs another call first."""
        return None

    def order(self, order: Order, source: Source, prepared: Answer | None) -> Call:
        """Raises Unsupported."""
        raise Unsupported(f"a {self.name} source only receives")

    def answered(self, order: Order, answer: Answer, now: int) -> OrderOutcome:
        """Not understood: what the answer means is not known."""
        return Unclear(note=f"a {self.name} source cannot read answers to orders", status=answer.status)

    def query(self, jobs: Sequence[KeptJob], source: Source) -> Call:
        """Raises Unsupported."""
        raise Unsupported(f"a {self.name} source cannot be asked about its jobs")

    def read(self, answer: Answer, jobs: Sequence[KeptJob]) -> list[Report]:
        """Raises Unmapped: no question was asked."""
        raise Unmapped(f"a {self.name} source cannot be asked about its jobs")

    def cancel(self, kept: KeptJob, source: Source) -> Call | None:
        """No way to stop a job is known."""
        return None

    def next_actions(self, kept: KeptJob) -> Sequence[NextAction]:
        """None."""
        return ()

    def price(self, action: str, params: Params) -> Cost | None:
        """Not known."""
        return None
