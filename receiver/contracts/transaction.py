"""A transaction: what flows read and change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from receiver.contracts.claims import ClaimedDue, LaneLimits
from receiver.contracts.lists import Counts, Filters, MissingWebhooks, Page
from receiver.contracts.public_keys import FetchedKeys
from receiver.contracts.traces import DeliveryTrace, EventTrace, JobTrace, RequestTrace, TraceOrigin
from receiver.contracts.upkeep.pruning import Upkeep
from receiver.lib.ids import Ids
from receiver.lib.steady_clock import ClockReading
from receiver.model.deliveries import Attempt, Delivery
from receiver.model.destinations import Destination
from receiver.model.events import EventType, KeptEvent, OperatorEventType
from receiver.model.jobs import JobWarning, KeptJob
from receiver.model.money import (
    Breaker,
    CostRow,
    CostSum,
    Scope,
)
from receiver.model.requests import KeptRequest, RefusedRequest, RequestState


class Transaction(Upkeep, Protocol):
    """What a flow can read and change within one transaction. Synchronous: it runs on the store's own thread."""

    ids: Ids

    def afterwards(self, call: Callable[[], None]) -> None:
        """Has this called on the event loop, once, when the transaction is on disk; never if it is not. For log lines.

        It must not raise, and there is no transaction any more.
        """
        ...

    # requests
    def add_request(self, request: KeptRequest) -> None: ...
    def request(self, number: int) -> KeptRequest | None: ...
    def mark_request(self, number: int, state: RequestState, note: str | None) -> None: ...
    def requests(self, filters: Filters) -> Page[KeptRequest]: ...

    # requests that were refused: each has a number, which counts all that ever were
    def add_refused(self, newest: Sequence[RefusedRequest], skipped: int, keep: int) -> None:
        """Keeps these, oldest first, behind `skipped` that are only counted; no more than `keep` remain."""
        ...

    def refused(self, after: int = 0) -> list[tuple[int, RefusedRequest]]:
        """The kept ones with a number above `after`, newest first."""
        ...

    def prune_refused(self, before: int) -> None:
        """Takes away those from before this moment (Unix ms), but for the newest."""
        ...

    def burst_told_at(self, source: str) -> int | None:
        """When the operator was last told of a burst of refused requests of a source, Unix ms; None if never."""
        ...

    def put_burst_told_at(self, source: str, at: int) -> None: ...

    # jobs
    def job(self, number: int) -> KeptJob | None: ...
    def job_at(self, source: str, provider_job_id: str) -> KeptJob | None: ...
    def job_for(self, intent: str) -> KeptJob | None: ...
    def question_for(self, intent: str) -> KeptJob | None:
        """The job that asks or asked this question, whatever became of it."""
        ...

    def questions_about(self, work: str) -> list[KeptJob]:
        """Every question whose intent begins with this name of a piece of work, oldest first."""
        ...

    def add_job(self, kept: KeptJob, event: int | None = None) -> None:
        """Keeps a new job; `event` is the number of an event that is kept and whose data is this very job.

        Fails if a job has this number, vendor's id or intent: no job ever takes another one's place.
        """
        ...

    def put_job(self, kept: KeptJob, event: int | None = None) -> None:
        """Writes a job that is kept anew. Raises LookupError if there is no such job."""
        ...

    def jobs(self, filters: Filters) -> Page[KeptJob]: ...
    def family_size(self, root_id: str) -> int:
        """How many jobs a root has led to, itself included."""
        ...

    def held(self, source: str, reason: str) -> list[KeptJob]:
        """The held jobs of a source, oldest first."""
        ...

    def check_held_now(self, now: int, *, every: bool = False) -> None:
        """Lets the held jobs that have waited longest, a hundred of them or (`every`) all, be looked at now.

        Questions are left alone: they wait for a person.
        """
        ...

    def due_checks(self, source: str, now: int, limit: int) -> list[KeptJob]:
        """Jobs whose look is due, the longest due first."""
        ...

    def checked_sources(self) -> list[str]:
        """The names of the sources that have jobs to look at, sooner or later."""
        ...

    def open_jobs(self) -> Iterator[KeptJob]:
        """Every job that is not over, in no order. Jobs may be written while it is read."""
        ...

    def check_job_at(self, number: int, at: int) -> None:
        """Lets a job be looked at from this moment on (Unix ms)."""
        ...

    def next_check(self, sources: Sequence[str]) -> int | None:
        """When the earliest look at a job of these sources is due, Unix ms."""
        ...

    def count_warning(self, source: str, warning: JobWarning) -> None:
        """Counts a job of a source that ended with a warning."""
        ...

    # pictures that vendors sent in place of an address
    def add_inline_picture(self, job: int, sha256: bytes, body: bytes) -> None:
        """Keeps a picture of a job, once."""
        ...

    def inline_picture(self, sha256: bytes) -> bytes | None:
        """The picture with this hash; None if there is none (any more)."""
        ...

    def drop_inline_pictures(self, job: int) -> int:
        """Takes the pictures of a job away; returns how many there were."""
        ...

    def old_inline_pictures(self, before: int, limit: int, after: int = 0) -> list[int]:
        """At most `limit` jobs older than the id `before`, and younger than `after`, that have such pictures."""
        ...

    # money
    def put_cost(self, row: CostRow) -> None: ...
    def cost(self, job: int) -> CostRow | None: ...
    def costs(self, since: int, *, source: str | None = None, rule: str | None = None) -> list[CostRow]:
        """The costs reserved from a moment on (Unix ms), of a source or of a rule."""
        ...

    def cost_sums(
        self, since: int, until: int | None = None, *, of: Scope | None = None, by_quarters: bool = False
    ) -> list[CostSum]:
        """The same costs, those before `until`, summed up by days and quarters of an hour: few, however many costs.

        At the ends of the span they may be single ones. `by_quarters`: no sum is of more than a quarter of an hour.
        """
        ...

    def breaker(self, source: str) -> Breaker | None: ...
    def breakers(self) -> list[Breaker]: ...
    def put_breaker(self, breaker: Breaker) -> None: ...
    def close_breaker(self, source: str) -> None: ...

    # the clock
    def clock_reading(self) -> ClockReading | None:
        """The last reading that was kept."""
        ...

    def put_clock_reading(self, reading: ClockReading) -> None: ...
    def set_back_at(self) -> int | None:
        """What the clock was set to (Unix ms) when it was last set back; None if it never was."""
        ...

    def put_set_back_at(self, at: int) -> None: ...
    def move_waiting(self, by: int) -> None:
        """Moves the moments of waiting deliveries, leases, probes and destinations' waits by so many ms."""
        ...

    def due_if_untried(self, now: int) -> None:
        """Deliveries that were not tried yet are due now: only a wait between tries can lie ahead."""
        ...

    # public keys
    def fetched_keys(self, url: str) -> FetchedKeys | None:
        """The keys that were last fetched from an address."""
        ...

    def put_fetched_keys(self, fetched: FetchedKeys) -> None:
        """Keeps them instead of the last ones of their address."""
        ...

    # sessions
    def session_key(self) -> bytes | None:
        """The key that signs the pages' sessions; None = there is none yet."""
        ...

    def put_session_key(self, key: bytes) -> None:
        """Signs with another key from here on; no ended session is known then."""
        ...

    def ended_sessions(self) -> tuple[str, ...]:
        """The sessions that were signed out before their time, oldest first."""
        ...

    def put_ended_sessions(self, ended: tuple[str, ...]) -> None: ...

    # events
    def add_event(self, event: KeptEvent) -> bool:
        """Keeps an event; False if the job has one with this key already."""
        ...

    def event(self, number: int) -> bytes | None: ...
    def event_type(self, number: int) -> EventType | OperatorEventType | None: ...
    def events(self, filters: Filters) -> Page[bytes]: ...
    def events_after(self, number: int, limit: int) -> list[bytes]:
        """The next events after this one, JSON, in the order in which they were committed.

        Whatever process commits later, it is after everything that was returned: who goes on behind the last one
        misses nothing.
        """
        ...

    def newest_event(self) -> int:
        """The last event that `events_after` returns by now; 0 if there is none. All that come later follow it."""
        ...

    # deliveries
    def add_delivery(self, delivery: Delivery) -> None: ...
    def add_deliveries(self, event: KeptEvent, lanes: Sequence[str], due_at: int | None = None) -> None:
        """Keeps a new delivery of an event for each of these lanes, due at once, or since `due_at` (Unix ms).

        What has been due for longest is taken first.
        """
        ...

    def delivery(self, number: int) -> Delivery | None: ...
    def order_delivery(self, job: int) -> Delivery | None: ...
    def deliveries(self, filters: Filters) -> Page[Delivery]: ...
    def claim(self, lanes: Sequence[LaneLimits], now: int) -> ClaimedDue:
        """Takes what is due of these lanes, as far as their limits and destinations let it begin at `now`, Unix ms.

        What it takes is `running`, leased and this process's, its attempt is counted. Of a paused destination one
        delivery is taken, which probes it. To be called last in a work, but for reading what was claimed: what their
        tries need (the event and receipt of one to a sink, the job of an order) may come along.
        """
        ...

    def lost(self, now: int) -> list[Delivery]:
        """The deliveries that are `running` though the dispatcher that claimed them is gone at `now`, Unix ms.

        To be asked by a process that dispatches; what it has claimed itself is not lost.
        """
        ...

    def run_out(self, now: int) -> list[Delivery]:
        """The deliveries that are `running` though their lease ended at `now`, Unix ms, or before."""
        ...

    def settle(self, delivery: Delivery, after: Delivery) -> bool:
        """Writes a delivery's new state, if it is still `running` in the attempt of `delivery`; else False (fenced)."""
        ...

    def settle_all(self, settled: Sequence[tuple[Delivery, Delivery]]) -> list[bool]:
        """The same for several deliveries, none of them twice; each before and after."""
        ...

    def put_delivery(self, delivery: Delivery) -> None: ...
    def leave(self, number: int, now: int) -> None:
        """Notes that a person left a dead letter (Unix ms); whatever is written to the delivery ends that."""
        ...

    def left_at(self, number: int) -> int | None:
        """When a person left this dead letter, Unix ms; None = nobody did."""
        ...

    def dead_letters(self, limit: int) -> list[Delivery]:
        """The newest dead letters that nobody left."""
        ...

    def add_attempt(self, delivery: int, attempt: Attempt) -> None: ...
    def add_attempts(self, attempts: Sequence[tuple[int, Attempt]]) -> None:
        """The same for several deliveries, each by its number."""
        ...

    def attempts(self, delivery: int) -> list[Attempt]: ...
    def receipt(self, lane: str, job: int) -> str | None:
        """What the handler of this lane last remembered about this job."""
        ...

    def family_receipt(self, lane: str, root: int) -> str | None:
        """What the handler of this lane remembers of its first event about any job of a root's family."""
        ...

    # destinations
    def destination(self, lane: str) -> Destination | None:
        """What a lane has met with lately; None if it takes everything."""
        ...

    def put_destination(self, destination: Destination) -> None: ...
    def clear_destination(self, lane: str) -> None: ...
    def missing_webhooks(self, source: str) -> MissingWebhooks | None:
        """The jobs of a source that completed by asking while no webhook of it came; None if there are none."""
        ...

    def put_missing_webhooks(self, missing: MissingWebhooks) -> None: ...
    def clear_missing_webhooks(self, source: str) -> None: ...

    # what was pruned
    def forgotten(self, source: str, provider_job_id: str) -> bool:
        """Whether the vendor's job was pruned."""
        ...

    def pruned(self, number: int) -> bool:
        """Whether a job that there certainly was is not here because it was pruned."""
        ...

    # figures: each is a bounded look at the newest rows, the latest first
    def job_traces(self, limit: int) -> list[JobTrace]: ...
    def delivery_traces(self, limit: int) -> list[DeliveryTrace]: ...
    def request_traces(self, limit: int) -> list[RequestTrace]: ...
    def oldest_pending(self, lane: str) -> int | None:
        """When the oldest delivery of a lane that waits was made, Unix ms; looked for among the 10,000 due first."""
        ...

    def origin(self, job: int, before: int) -> TraceOrigin | None:
        """The latest request up to this id that told of a job, else of the one that it follows from; None = none."""
        ...

    def events_made_with(self, request: int) -> list[EventTrace]:
        """The events that were made as this request was kept, oldest first."""
        ...

    def pending(self, lane: str) -> int:
        """How many deliveries of a lane wait; 10,000 at most."""
        ...

    def overdue(self, lane: str, now: int) -> int:
        """How many of them are due at `now` (Unix ms); 10,000 at most."""
        ...

    # the whole
    def made_at(self, number: int) -> int:
        """When an id was made, Unix ms, by the clock of that moment."""
        ...

    def number_at(self, ms: int) -> int:
        """The first id made at this moment (Unix ms) or later: all before it were made earlier."""
        ...

    def counts(self) -> Counts: ...
    def probe(self, size: int) -> None:
        """Writes so many bytes and takes them away again: fails where a request of that size could not be kept."""
        ...
