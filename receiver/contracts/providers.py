"""Providers, and what they are given: orders, parents, sources."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar, Final, Literal, Protocol

import msgspec

from receiver.contracts.bodies import BodyRules
from receiver.contracts.guard import guarded
from receiver.contracts.http import Answer, Call
from receiver.contracts.public_keys import PublicKeys
from receiver.lib.nearest import nearest
from receiver.lib.signatures import Secret
from receiver.model.actions import Params
from receiver.model.deliveries import OrderOutcome
from receiver.model.jobs import (
    Cost,
    KeptJob,
    NextAction,
    Report,
)
from receiver.model.requests import Request, Seal


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A planned job on its way to its vendor, with all that a provider needs to build the call."""

    kept: KeptJob
    #: Parent, grandparent ... up to the root; empty for a root job.
    ancestors: tuple[KeptJob, ...] = ()
    #: Where the vendor shall post; None = no webhook wanted.
    webhook_url: str | None = None
    #: Where the result that it builds on must be read back first, since only an unsigned webhook told it; None = not
    #: needed.
    confirm: Source | None = None

    @property
    def action(self) -> str:
        """The canonical action."""
        return self.kept.job.action or ""

    @property
    def params(self) -> Params:
        """Its parameters, normalized."""
        return self.kept.job.params

    @property
    def extra(self) -> Params:
        """What is merged into the top level of the order's body as it is."""
        return self.kept.extra

    @property
    def parent(self) -> KeptJob | None:
        """The job that it follows up on."""
        return self.ancestors[0] if self.ancestors else None

    @property
    def worked_on(self) -> KeptJob | None:
        """The nearest job above that a vendor worked on: a tile taken out of a grid here is that grid's result."""
        return next((kept for kept in self.ancestors if kept.job.provider_job_id is not None), None)


class Parent(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a parent when it is asked whether a follow-up is possible."""

    #: Its canonical action; None = not known (yet).
    action: str | None
    #: Name of its provider's dialect; None = not known (yet).
    provider: str | None
    #: The job itself, once it exists.
    kept: KeptJob | None = None


class Provider(Protocol):
    """Code for one vendor's dialect. No I/O, no clock: bytes and records in, records out.

    A plug-in inherits from `receiver.providers.shared.dialect.Dialect` and writes what its vendor has, or it has
    everything here itself. `check` derives from this class what a plug-in must have: whatever it accepts, `serve` runs.
    What a provider then raises or returns beyond its contract is caught at the border (`receiver.contracts.guard`).
    """

    #: Keys of its own in `[sources.NAME]`, beside the common ones; `receiver.contracts.options` judges them one by one.
    Options: ClassVar[type[msgspec.Struct]]

    #: Name in the configuration and in job JSON.
    name: str
    #: Where the vendor's API stands; `base_url` of the configuration overrides it. "" if nothing is called.
    base_url: str
    #: What the vendor puts on its webhooks: its `x-webhook-secret` header, an HMAC signature, or nothing.
    seals: Literal["secret", "signature", "nothing"]
    #: The header in which the vendor echoes the secret, where `seals` is "secret".
    secret_header: str
    #: Where the vendor publishes the public keys of its signatures (JWKS); "" = nowhere.
    keys_url: str
    #: Whether the vendor can be told a webhook URL with an order.
    webhooks: bool
    #: Whether the vendor honours an idempotency key, or the actions for whose orders it does: the same order may be
    #: sent again when its fate is not known.
    idempotent: bool | frozenset[str]
    #: How many jobs one status query can ask for; 0 = the vendor cannot be asked.
    query_batch: int
    #: Whether a job that failed is paid back (documented). Where it is not known, it counts as paid.
    refunds: bool
    #: How long a result can be fetched after it is there, seconds; None = not documented.
    retention: float | None
    #: How long an action takes at the longest (documented), seconds: after that a silent job is first asked for.
    paces: Mapping[str, float]
    #: What the vendor counts in: "credits" or "USD".
    unit: str
    #: How its bodies are read, answered and kept.
    bodies: BodyRules

    def __init__(self, options: Any) -> None:
        """Takes an instance of its own `Options` and does no I/O: it is called while the configuration is read.

        Raises OptionError, or an ExceptionGroup of them, for keys that cannot be used (together). Any other exception
        is told as a mistake of the source as a whole.
        """
        ...

    @abstractmethod
    def seal(self, request: Request, source: Source) -> Seal:
        """What the request's own headers and body prove. Never raises, whatever they hold; constant time."""
        ...

    @abstractmethod
    def parse(self, value: Any, headers: Mapping[str, str]) -> list[Report]:
        """The reports in a webhook's JSON value. Raises Unmapped if its shape or status is not known."""
        ...

    @abstractmethod
    def parameters(self, action: str) -> frozenset[str]:
        """The names of all parameters that this action may have: the canonical ones and the vendor's own.

        Any other is a mistake, unless it is in `extra`, which goes into the order's body as it is. Empty: not known, so
        none is a mistake.
        """
        ...

    @abstractmethod
    def refusal(self, action: str, params: Params, parent: Parent | None) -> str | None:
        """Why this action cannot be ordered (with the nearest thing that can), or None if it can.

        Asked with what is known: when the configuration is read (`parent.kept` None), before planning, before the call.
        """
        ...

    @abstractmethod
    def local(self, order: Order) -> Report | None:
        """The outcome of an action that needs no call (a tile taken out of a grid); None if a call is needed."""
        ...

    @abstractmethod
    def prepare(self, order: Order, source: Source) -> Call | None:
        """A free call whose answer `order` needs first; None if none is needed."""
        ...

    @abstractmethod
    def order(self, order: Order, source: Source, prepared: Answer | None) -> Call:
        """The paid call. Raises Unsupported or InvalidParams (nothing is sent then)."""
        ...

    @abstractmethod
    def answered(self, order: Order, answer: Answer, now: int) -> OrderOutcome:
        """What the vendor's answer to the order means. Never raises; what is not understood is Unclear."""
        ...

    @abstractmethod
    def query(self, jobs: Sequence[KeptJob], source: Source) -> Call:
        """A free status query for at most `query_batch` jobs, all of which have a vendor's id."""
        ...

    @abstractmethod
    def read(self, answer: Answer, jobs: Sequence[KeptJob]) -> list[Report]:
        """The reports in a status answer; jobs the vendor does not know are left out. Raises Unmapped."""
        ...

    @abstractmethod
    def cancel(self, kept: KeptJob, source: Source) -> Call | None:
        """The call that asks the vendor to stop a job (2xx = it will see); None if the vendor has no such call."""
        ...

    @abstractmethod
    def next_actions(self, kept: KeptJob) -> Sequence[NextAction]:
        """What can be ordered from a completed job, with the documented prices.

        The very same tuple for all jobs of a kind is kept at less cost.
        """
        ...

    @abstractmethod
    def price(self, action: str, params: Params) -> Cost | None:
        """The documented price of an order; None if it is not known."""
        ...


#: How long a job may be silent before its vendor is asked, where neither operator nor vendor say, seconds.
SILENCE: Final = 60.0


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A configured account at a provider."""

    name: str
    #: Guarded, whatever it is made with: see `receiver.contracts.guard`.
    provider: Provider
    base_url: str
    api_key: Secret | None = None
    #: Earlier API keys whose signatures still count (vendors that sign with the key).
    old_api_keys: tuple[Secret, ...] = ()
    #: Any one matches; the first is sent with orders.
    secrets: tuple[Secret, ...] = ()
    #: The fixed path token.
    token: Secret | None = None
    webhooks: bool = True
    #: Seconds for one order or query.
    timeout: float = 30.0
    #: Seconds of silence before the first look (None = by the vendor's pace, else a minute), and between looks.
    poll_after: float | None = None
    poll_every: float = 20.0
    #: Seconds until we stop waiting for a job.
    deadline: float = 1800.0
    #: Read a parent back before money follows from an unsigned webhook.
    confirm: bool = True
    #: How many of its jobs may be live at once.
    concurrency: int = 5
    #: Amounts that override the price table, by action.
    prices: dict[str, Decimal] = {}
    #: The keys at its provider's `keys_url`; None where there is none.
    public_keys: PublicKeys | None = None

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "provider", guarded(self.provider, Provider.__annotations__))
        url = self.provider.keys_url
        if url != (self.public_keys.url if self.public_keys is not None else ""):
            msgspec.structs.force_setattr(self, "public_keys", PublicKeys(url) if url else None)

    @property
    def must_verify(self) -> bool:
        """Whether the vendor's header or signature must be right, always, whatever else proves a request."""
        return bool(self.secrets) or self.public_keys is not None

    def unknown_params(self, action: str, params: Params, words: Collection[str] = ()) -> dict[str, str]:
        """The parameters that this action has not at the provider: by name, which one was most likely meant.

        `words` are those that may stand beside parameters and be meant too. Of an action for which the provider names
        none at all, none is judged.
        """
        known = sorted(self.provider.parameters(action))
        meant = sorted({*known, *words})
        return {name: nearest(name, meant) for name in params if known and name not in known}

    @property
    def all_secrets(self) -> tuple[Secret, ...]:
        """Every secret of the account: what must not be kept anywhere."""
        single = (secret for secret in (self.api_key, self.token) if secret is not None)
        return (*self.secrets, *self.old_api_keys, *single)

    def honours_key(self, action: str | None) -> bool:
        """Whether an order of this action may be sent again when its fate is not known (an idempotency key)."""
        known = self.provider.idempotent
        return known if isinstance(known, bool) else action in known

    def price(self, action: str, params: Params) -> Cost | None:
        """What an order costs: the operator's word, else the documented price, else None (unknown)."""
        listed = self.provider.price(action, params)
        own = self.prices.get(action)
        if own is None:
            return listed
        return Cost(amount=own, unit=self.provider.unit, source="table")
