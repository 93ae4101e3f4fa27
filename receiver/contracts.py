"""What the parts expect of each other: requests and calls, providers, handlers, transport, transactions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar, Literal, Protocol, TypeVar
from urllib.parse import urlsplit

import msgspec

from receiver.actions import Params
from receiver.deliveries import Attempt, Delivery, OrderOutcome, Outcome, Parcel
from receiver.events import Event
from receiver.ids import Ids
from receiver.jobs import Cost, KeptJob, NextAction, Report
from receiver.signatures import Secret
from receiver.times import Clock

T = TypeVar("T")

#: How a request proved that it is genuine. `token` alone does not bind it to a job of ours.
Proof = Literal["secret", "signature", "ref", "token"]
#: What a request's own headers and body prove: a valid secret or signature, none at all, or a wrong one.
Seal = Literal["valid", "absent", "wrong"]
RequestState = Literal["mapped", "unmapped", "unreadable"]

# --- HTTP, both ways -------------------------------------------------------------------------------------------------


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One inbound HTTP request, kept verbatim but for the values of secret headers."""

    source: str
    #: Lower-case name to value; a header sent twice has its values in one text, joined with ", ".
    headers: dict[str, str]
    body: bytes
    #: The ref or token of the path, if there was one.
    path_token: str | None = None
    #: Unix ms.
    received_at: int


class KeptRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it is kept."""

    number: int
    source: str
    state: RequestState
    proof: Proof
    #: Number of the job that its ref named.
    ref_job: int | None = None
    #: Why it is not mapped.
    note: str | None = None
    headers: dict[str, str]
    body: bytes


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP call to make, as data. Its `repr` shows where it goes and nothing else: the rest may hold keys."""

    method: Literal["GET", "POST", "PUT", "DELETE"]
    url: str
    headers: dict[str, str] = {}
    body: bytes | None = None

    def __repr__(self) -> str:
        place = urlsplit(self.url)
        return f"Call({self.method} {place.scheme}://{place.hostname})"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back: status, headers (lower-case names), body (bounded)."""

    status: int
    headers: dict[str, str] = {}
    body: bytes = b""

    def __repr__(self) -> str:
        return f"Answer({self.status}, {len(self.body)} bytes)"


class Transport(Protocol):
    """Carries calls out."""

    async def send(self, call: Call, seconds: float, *, paid: bool = False) -> Answer:
        """The answer to a call within so many seconds, redirects not followed, nothing retried.

        `paid` calls get a connection of their own, so that no stale one makes their fate unknown.
        Raises NotSent if nothing can have reached the other side, NoAnswer if it may have.
        """
        ...


# --- providers -------------------------------------------------------------------------------------------------------


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A planned job on its way to its vendor, with all that a provider needs to build the call."""

    kept: KeptJob
    #: Parent, grandparent ... up to the root; empty for a root job.
    ancestors: tuple[KeptJob, ...] = ()
    #: Where the vendor shall post; None = no webhook wanted.
    webhook_url: str | None = None
    #: Where the parent's result must be read back first, since only an unsigned webhook told it; None = not needed.
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
    def parent(self) -> KeptJob | None:
        """The job that it follows up on."""
        return self.ancestors[0] if self.ancestors else None


class Parent(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a parent when it is asked whether a follow-up is possible."""

    #: Its canonical action; None = not known (yet).
    action: str | None
    #: Name of its provider's dialect; None = not known (yet).
    provider: str | None
    #: The job itself, once it exists.
    kept: KeptJob | None = None


class Provider(Protocol):
    """Code for one vendor's dialect. No I/O, no clock: bytes and records in, records out."""

    #: Keys of its own in `[sources.NAME]`, beside the common ones.
    Options: ClassVar[type[msgspec.Struct]]

    #: Name in the configuration and in job JSON.
    name: str
    #: Where the vendor's API stands; `base_url` of the configuration overrides it.
    base_url: str
    #: What the vendor puts on its webhooks: its `x-webhook-secret` header, an HMAC signature, or nothing.
    seals: Literal["secret", "signature", "nothing"]
    #: Whether the vendor can be told a webhook URL with an order.
    webhooks: bool
    #: Whether the vendor honours an idempotency key: the same order may be sent again when its fate is not known.
    idempotent: bool
    #: How many jobs one status query can ask for; 0 = the vendor cannot be asked.
    query_batch: int
    #: Whether a job that failed is paid back (documented). Where it is not known, it counts as paid.
    refunds: bool
    #: How long a result can be fetched after it is there, seconds; None = not documented.
    retention: float | None
    #: What the vendor counts in: "credits" or "USD".
    unit: str

    def seal(self, request: Request, source: Source) -> Seal:
        """What the request's own headers and body prove. Never raises, whatever they hold; constant time."""
        ...

    def parse(self, value: Any, headers: Mapping[str, str]) -> list[Report]:
        """The reports in a webhook's JSON value. Raises Unmapped if its shape or status is not known."""
        ...

    def refusal(self, action: str, params: Params, parent: Parent | None) -> str | None:
        """Why this action cannot be ordered (with the nearest thing that can), or None if it can.

        Asked with what is known: when the configuration is read (`parent.kept` None), before planning, before the call.
        """
        ...

    def local(self, order: Order) -> Report | None:
        """The outcome of an action that needs no call (a tile taken out of a grid); None if a call is needed."""
        ...

    def prepare(self, order: Order, source: Source) -> Call | None:
        """A free call whose answer `order` needs first; None if none is needed."""
        ...

    def order(self, order: Order, source: Source, prepared: Answer | None) -> Call:
        """The paid call. Raises Unsupported or InvalidParams (nothing is sent then)."""
        ...

    def answered(self, order: Order, answer: Answer, now: int) -> OrderOutcome:
        """What the vendor's answer to the order means. Never raises; what is not understood is Unclear."""
        ...

    def query(self, jobs: Sequence[KeptJob], source: Source) -> Call:
        """A free status query for at most `query_batch` jobs, all of which have a vendor's id."""
        ...

    def read(self, answer: Answer, jobs: Sequence[KeptJob]) -> list[Report]:
        """The reports in a status answer; jobs the vendor does not know are left out. Raises Unmapped."""
        ...

    def cancel(self, kept: KeptJob, source: Source) -> Call | None:
        """The call that asks the vendor to stop a job (2xx = it will see); None if the vendor has no such call."""
        ...

    def next_actions(self, kept: KeptJob) -> list[NextAction]:
        """What can be ordered from a completed job, with the documented prices."""
        ...

    def price(self, action: str, params: Params) -> Cost | None:
        """The documented price of an order; None if it is not known."""
        ...


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A configured account at a provider."""

    name: str
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
    #: Seconds of silence before the first look, and between looks.
    poll_after: float = 60.0
    poll_every: float = 20.0
    #: Seconds until we stop waiting for a job.
    deadline: float = 1800.0
    #: Read a parent back before money follows from an unsigned webhook.
    confirm: bool = True
    #: How many of its jobs may be live at once.
    concurrency: int = 5
    #: Amounts that override the price table, by action.
    prices: dict[str, Decimal] = {}

    def price(self, action: str, params: Params) -> Cost | None:
        """What an order costs: the operator's word, else the documented price, else None (unknown)."""
        listed = self.provider.price(action, params)
        own = self.prices.get(action)
        if own is None:
            return listed
        return Cost(amount=own, unit=self.provider.unit, source="table")


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """How much may be spent in which time."""

    amount: Decimal
    unit: Literal["credits", "USD"]
    per: Literal["day", "week", "month", "total"]


# --- handlers --------------------------------------------------------------------------------------------------------


class Handler(Protocol):
    """Code that carries out deliveries to one kind of sink."""

    #: Keys of its own in `[sinks.NAME]`.
    Options: ClassVar[type[msgspec.Struct]]

    async def deliver(self, parcel: Parcel) -> Outcome:
        """Brings one event to the sink, once, and says what became of it. Exceptions count as Again."""
        ...


class Sink(msgspec.Struct, frozen=True, kw_only=True):
    """A configured way out."""

    name: str
    handler: Handler
    #: Waits between tries, seconds; spent = dead letter.
    retry: tuple[float, ...] = (5, 30, 120, 600, 3600, 21_600, 86_400)
    #: Seconds for one try.
    timeout: float = 15.0
    concurrency: int = 4
    #: Deliveries a second; None = as they come.
    rate: float | None = None


#: Called by the order handler right before the paid call: commits `submitting`. False = it is no longer ours to send.
Committed = Callable[[], Awaitable[bool]]


class OrderSender(Protocol):
    """Code that brings planned jobs to their vendors."""

    async def send(self, order: Order, source: Source, begin: Committed, clock: Clock) -> OrderOutcome:
        """Sends one order at most once. `begin` is awaited right before the paid call; False stops it."""
        ...


# --- the store -------------------------------------------------------------------------------------------------------


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """What a list shows: everything given must match. Times are Unix ms."""

    limit: int = 50
    #: Show what is older than this id.
    before: int | None = None
    since: int | None = None
    until: int | None = None
    type: str | None = None
    status: str | None = None
    source: str | None = None
    sink: str | None = None
    action: str | None = None
    provider_job_id: str | None = None
    job: int | None = None
    root: int | None = None
    parent: int | None = None
    tags: dict[str, str] = {}


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How much there is of what waits or went wrong."""

    #: By state: pending, running, dead.
    deliveries: dict[str, int]
    #: By source and status: the jobs that are not over.
    jobs: dict[tuple[str, str], int]


class CostRow(msgspec.Struct, frozen=True, kw_only=True):
    """What a job costs, as the budgets count it."""

    #: The job's number.
    job: int
    source: str
    rule: str | None
    #: The moment of the reservation, Unix ms: it counts in that day's budget.
    at: int
    state: Literal["reserved", "spent", "released"]
    unit: str
    #: None = not known.
    amount: Decimal | None


class Breaker(msgspec.Struct, frozen=True, kw_only=True):
    """A source whose account refuses orders: nothing is ordered there until a probe gets through."""

    source: str
    #: The error code that opened it.
    code: str
    note: str
    #: Unix ms.
    since: int
    #: When one held job is tried, Unix ms.
    probe_at: int
    #: How many orders in a row were refused.
    failures: int


class Transaction(Protocol):
    """What a flow can read and change within one transaction. Synchronous: it runs on the store's own thread."""

    ids: Ids

    # requests
    def add_request(self, request: KeptRequest) -> None: ...
    def request(self, number: int) -> KeptRequest | None: ...
    def mark_request(self, number: int, state: RequestState, note: str | None) -> None: ...
    def requests(self, filters: Filters) -> list[KeptRequest]: ...

    # jobs
    def job(self, number: int) -> KeptJob | None: ...
    def job_at(self, source: str, provider_job_id: str) -> KeptJob | None: ...
    def job_for(self, intent: str) -> KeptJob | None: ...
    def put_job(self, kept: KeptJob) -> None: ...
    def jobs(self, filters: Filters) -> list[KeptJob]: ...
    def family_size(self, root_id: str) -> int:
        """How many jobs a root has led to, itself included."""
        ...

    def live(self, source: str) -> int:
        """How many jobs of ours the vendor works on, or is being sent right now."""
        ...

    def held(self, source: str, reason: str) -> list[KeptJob]:
        """The held jobs of a source, oldest first."""
        ...

    def to_look_at(self, source: str, now: int, limit: int) -> list[KeptJob]:
        """Jobs whose look is due, oldest first: their pictures die first."""
        ...

    def next_look(self, sources: Sequence[str]) -> int | None:
        """When the earliest look at a job of these sources is due, Unix ms."""
        ...

    # money
    def put_cost(self, row: CostRow) -> None: ...
    def cost(self, job: int) -> CostRow | None: ...
    def costs(self, since: int, *, source: str | None = None, rule: str | None = None) -> list[CostRow]:
        """The costs reserved from a moment on (Unix ms), of a source or of a rule."""
        ...

    def breaker(self, source: str) -> Breaker | None: ...
    def breakers(self) -> list[Breaker]: ...
    def put_breaker(self, breaker: Breaker) -> None: ...
    def close_breaker(self, source: str) -> None: ...

    # events
    def add_event(self, number: int, key: int, job: int, event: Event, request: int | None) -> bytes | None:
        """Keeps an event and gives its JSON; None if the job has one with this key already."""
        ...

    def event(self, number: int) -> bytes | None: ...
    def events(self, filters: Filters) -> list[bytes]: ...
    def events_after(self, number: int, limit: int) -> list[bytes]: ...

    # deliveries
    def add_delivery(self, delivery: Delivery) -> None: ...
    def delivery(self, number: int) -> Delivery | None: ...
    def order_delivery(self, job: int) -> Delivery | None: ...
    def deliveries(self, filters: Filters) -> list[Delivery]: ...
    def claim(self, lane: str, limit: int, now: int, lease_until: int) -> list[Delivery]:
        """Takes due deliveries of a lane: they are `running` and their attempt is counted."""
        ...

    def next_due(self, lanes: Sequence[str]) -> int | None:
        """When the earliest pending delivery of these lanes is due, Unix ms."""
        ...

    def running(self) -> list[Delivery]: ...
    def settle(self, delivery: Delivery, after: Delivery) -> bool:
        """Writes a delivery's new state, if it is still `running` in the attempt of `delivery`; else False (fenced)."""
        ...

    def put_delivery(self, delivery: Delivery) -> None: ...
    def add_attempt(self, delivery: int, attempt: Attempt) -> None: ...
    def attempts(self, delivery: int) -> list[Attempt]: ...
    def receipt(self, lane: str, job: int) -> str | None:
        """What the handler of this lane last remembered about this job."""
        ...

    # the whole
    def counts(self) -> Counts: ...
    def probe(self, size: int) -> None:
        """Writes so many bytes and takes them away again: fails where a request of that size could not be kept."""
        ...


class Store(Protocol):
    """Keeps everything. Writes that wait together share one committed, fsynced transaction."""

    #: Key of the refs; made with the database and kept in it.
    ref_key: bytes

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Runs `work` in a write transaction and gives its value once that is on disk.

        `work` may run again from the start if a neighbour in the same batch fails, so it touches nothing but the
        transaction. Raises StoreUnavailable (nothing of it is kept), or what `work` raised.
        """
        ...

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Runs `work` on a consistent view of what is committed; it must not write."""
        ...

    def watch(self) -> Watch:
        """A new watcher of commits."""
        ...


class Watch(Protocol):
    """Told of every commit; several commits may be one signal."""

    async def wait(self, seconds: float | None = None) -> bool:
        """Waits for a commit since the last call; False when the time ran out first."""
        ...

    def signal(self) -> None:
        """Ends a wait."""
        ...

    def close(self) -> None: ...
