"""Deliveries: one event on its way to one sink, or one planned job on its way to its provider."""

from __future__ import annotations

from typing import Literal

import msgspec

from receiver.model.events import AnyEvent
from receiver.model.jobs import Cost, Job, JobError, PictureCopy, Report

State = Literal["pending", "running", "done", "dead"]


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """The unit of retry. `lane` says where it goes: `sink:team` or `order:journey`."""

    number: int
    lane: str
    #: The job that the event is about, or the job to order; 0 for an operator event.
    job: int
    #: The event to deliver; None for an order.
    event: int | None = None
    state: State = "pending"
    #: Unix ms: "not before" when pending, "lease until" when running.
    due_at: int
    #: How many tries have begun.
    attempt: int = 0
    #: How many of them were made before it was last redelivered: the schedule starts anew after these.
    base: int = 0
    #: What the handler wants to remember (for example which message it may edit).
    receipt: str | None = None

    @property
    def name(self) -> str:
        """Name of the sink or source it goes to."""
        return self.lane.partition(":")[2]

    @property
    def is_order(self) -> bool:
        """Whether it brings a planned job to its provider."""
        return self.event is None


def sink_lane(name: str) -> str:
    """The lane of a sink."""
    return f"sink:{name}"


def order_lane(name: str) -> str:
    """The lane of a source's orders."""
    return f"order:{name}"


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try at a delivery; a row that is never overwritten."""

    number: int
    started_at: str
    took_ms: int
    #: The name of the outcome: delivered, again, dead, accepted, refused, unsure ...
    outcome: str
    #: The HTTP status that came back, if one did.
    status: int | None = None
    note: str | None = None


# What a sink's handler says of a try: a closed set.


class Delivered(msgspec.Struct, frozen=True, kw_only=True, tag="delivered"):
    """It arrived."""

    status: int | None = None
    note: str | None = None
    receipt: str | None = None
    #: The job's pictures that are in the archive now, if the sink is one.
    copies: tuple[PictureCopy, ...] = ()


class Again(msgspec.Struct, frozen=True, kw_only=True, tag="again"):
    """It did not arrive; try later."""

    note: str
    status: int | None = None
    #: Seconds the other side asked us to wait (Retry-After).
    after: float | None = None
    #: Whether it says nothing of the sink: another side, which the event names, was to blame.
    blameless: bool = False


class Dead(msgspec.Struct, frozen=True, kw_only=True, tag="dead"):
    """It cannot arrive: trying again would give the same answer."""

    note: str
    status: int | None = None
    #: The job's pictures that are in the archive all the same.
    copies: tuple[PictureCopy, ...] = ()
    #: Whether it says nothing of the sink: another side, which the event names, was to blame.
    blameless: bool = False


Outcome = Delivered | Again | Dead


# What came of an order: a closed set.


class Accepted(msgspec.Struct, frozen=True, kw_only=True, tag="accepted"):
    """The vendor has the order."""

    #: What the answer already tells: at least the vendor's id.
    report: Report
    status: int | None = None
    note: str | None = None


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag="refused"):
    """The vendor will not do it, or it was refused before the call; nothing is billed."""

    error: JobError
    status: int | None = None

    @property
    def note(self) -> str:
        """The refusal in words."""
        return self.error.message


class NotAccepted(msgspec.Struct, frozen=True, kw_only=True, tag="not_accepted"):
    """Certainly not taken (never sent, 429, queue full): the same order may be sent again later."""

    note: str
    status: int | None = None
    #: Seconds the vendor asked us to wait.
    after: float | None = None


class Unclear(msgspec.Struct, frozen=True, kw_only=True, tag="unsure"):
    """It is not known whether the vendor took it."""

    note: str
    status: int | None = None


class Withdrawn(msgspec.Struct, frozen=True, kw_only=True, tag="withdrawn"):
    """Not sent: by the time it was to be sent the job no longer waited for it."""

    note: str = "the job no longer waits to be ordered"
    status: int | None = None


OrderOutcome = Accepted | Refused | NotAccepted | Unclear | Withdrawn


class QuestionButton(msgspec.Struct, frozen=True, kw_only=True):
    """A button that a sink's message may have."""

    #: `U2`, `V3`, `reroll`, `upscale subtle`.
    label: str
    #: What is kept at the platform and comes back with a press, at most 64 bytes.
    code: str
    #: What it costs to press it; None = not known.
    cost: Cost | None = None


class ShownQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """A question as it is now, whatever event is delivered: messages show this."""

    #: The pick: held while it waits for an answer.
    job: Job
    #: The grid that it is about.
    grid: Job
    #: The tiles to choose: the answer, or once there is one the further tiles that can be ordered.
    tiles: tuple[QuestionButton, ...] = ()
    #: What else can be ordered from the grid: it leaves the question open.
    others: tuple[QuestionButton, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether it waits for an answer."""
        return self.job.hold is not None and self.job.hold.reason == "pick"


class OutgoingEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What a sink's handler is given: the event, and what is known of the delivery."""

    delivery_id: str
    #: 1 for the first try.
    attempt: int
    event: AnyEvent
    #: The event as it was kept, byte for byte (CloudEvents JSON).
    body: bytes
    #: What this handler last remembered about this job at this sink.
    receipt: str | None = None
    #: The question that the event is about, if this sink was asked.
    question: ShownQuestion | None = None
    #: What can be ordered from the event's job by buttons, if its messages have some.
    buttons: tuple[QuestionButton, ...] = ()
    #: The job's parent, grandparent ... up to the root, if the handler shows families.
    ancestors: tuple[Job, ...] = ()
    #: What this handler first remembered about any job of the family at this sink, if it shows families.
    family_receipt: str | None = None


class Interrupted(msgspec.Struct, frozen=True, kw_only=True):
    """A try that did not come to its end: what it means depends on whether `submitting` was committed."""

    note: str
    #: A shutdown is not a failed attempt.
    counted: bool = True


class Postponed(msgspec.Struct, frozen=True, kw_only=True, tag="held"):
    """Not sent: the source's account refuses orders, so it waits for a probe to get through."""

    note: str = "the source's account refuses orders"
    status: int | None = None
