"""Tells what happens, line by line, as gridhook's own event stream and the sink report it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

import httpx
import msgspec

from receiver.demo.failure import StoryFailed, named
from receiver.demo.outside import Api, NotAnswered
from receiver.demo.screen import Screen
from receiver.lib.signal import Signal
from receiver.model.events import Event
from receiver.model.jobs import Job
from receiver.pretend.book import LIMIT
from receiver.pretend.receivers.event_sink import ReceivedEvent

#: Events after which nothing more comes by itself.
ENDS: Final = frozenset({"job.completed", "job.failed", "job.canceled", "job.unsure", "job.held"})
STYLES: Final = {"job.completed": "bold green", "job.failed": "bold red", "job.unsure": "yellow", "job.held": "yellow"}


class Narrator:
    """Follows the event stream; `events` is what it told, oldest first."""

    def __init__(self, screen: Screen) -> None:
        self.events: Final[deque[Event]] = deque(maxlen=LIMIT)
        self._screen = screen
        self._bell = Signal()
        self._open = False
        #: What the sink got before the stream told of it, by the event's id: a line tells first what happened.
        self._early: dict[str, ReceivedEvent] = {}
        #: Why the stream is over.
        self._over: str | None = None

    async def follow(self, api: Api) -> None:
        """Tells every event until the stream is over; then all who wait are told why."""
        try:
            async for event in api.stream():
                self._take(event)
            self._end("gridhook ended it")
        except (NotAnswered, httpx.HTTPError, msgspec.MsgspecError) as wrong:
            self._end(f"{type(wrong).__name__}: {wrong}")

    def _take(self, event: Event | None) -> None:
        self._open = True
        if event is not None:
            self._screen.step(event.source_name, event.type, told(event), STYLES.get(event.type, ""))
            self.events.append(event)
            early = self._early.pop(event.id, None)
            if early is not None:
                self._show(early)
        self._bell.ring()

    def _end(self, why: str) -> None:
        self._over = why
        for early in self._early.values():
            self._show(early)
        self._screen.step("gridhook", "stream", f"is over: {why}")
        self._bell.ring()

    def hear(self, received: ReceivedEvent) -> None:
        """Tells what the sink got, after the stream told of the same event."""
        event = received.event
        if event is None or self._over is not None or any(one.id == event.id for one in self.events):
            self._show(received)
        else:
            self._early[event.id] = received

    def _show(self, received: ReceivedEvent) -> None:
        seal = "signature verified" if received.genuine else "SIGNATURE WRONG"
        what = "?" if received.event is None else received.event.type
        name = "this is no event" if received.event is None else named(received.event.data)
        self._screen.step("inbox", what, f"{name}  {seal}", STYLES.get(what, "") if received.genuine else "bold red")

    async def opened(self) -> None:
        """Waits until the stream is open: from then on nothing is missed. Raises StoryFailed if it does not open."""

        def find() -> bool | None:
            self._still("the event stream opens")
            return self._open or None

        await self._bell.until(find)

    async def ordered_by(self, rule: str, parent: Job) -> Job:
        """Waits for the job that a rule ordered after another one. Raises StoryFailed if the stream ends first."""
        expected = f"rule {rule} orders what follows {named(parent)} ({parent.id})"
        return await self._first(expected, lambda event: event.data.rule == rule and event.data.parent_id == parent.id)

    async def picked_from(self, grid: Job) -> Job:
        """Waits for the tile that somebody picks, wherever they do it. Raises StoryFailed if the stream ends first."""
        return await self._first(
            f"a tile of the grid ({grid.id}) is picked",
            lambda event: (
                event.type == "job.submitted" and event.data.action == "pick" and event.data.parent_id == grid.id
            ),
        )

    async def completed(self, job: Job) -> Job:
        """Waits for a job's end. Raises StoryFailed if it is not a good one."""
        expected = f"{named(job)} ({job.id}) is completed"
        ended = await self._first(expected, lambda event: event.subject == job.id and _is_end(event))
        if ended.status == "completed":
            return ended
        reason = ended.error.message if ended.error else ended.hold.reason if ended.hold else None
        raise StoryFailed(expected, f"it is {ended.status}: {reason}" if reason else f"it is {ended.status}")

    async def told_of(self, job: Job, kind: str) -> Job:
        """Waits for a job's event of this kind. Raises StoryFailed if the stream ends first."""
        expected = f"{named(job)} ({job.id}) makes a {kind}"
        return await self._first(expected, lambda event: event.subject == job.id and event.type == kind)

    async def _first(self, expected: str, fits: Callable[[Event], bool]) -> Job:
        def find() -> Job | None:
            found = next((event.data for event in self.events if fits(event)), None)
            if found is None:
                self._still(expected)
            return found

        return await self._bell.until(find)

    def _still(self, expected: str) -> None:
        if self._over is not None:
            raise StoryFailed(expected, f"the event stream is over: {self._over}")


def _is_end(event: Event) -> bool:
    """Whether nothing more comes by itself; a question that waits for its answer is no end."""
    hold = event.data.hold
    return event.type in ENDS and not (event.type == "job.held" and hold is not None and hold.reason == "pick")


def told(event: Event) -> str:
    """What an event says, in one line."""
    job = event.data
    match event.type:
        case "job.progress":
            return f"{named(job)}  {job.progress} %"
        case "job.submitted":
            return "  ".join([named(job), *_order(job)])
        case "job.completed":
            return f"{named(job)}  {job.grid_url or (job.images[0].url if job.images else '')}"
        case "job.archived":
            copies = [image.archive.key for image in job.images if image.archive is not None]
            return f"{named(job)}  {len(copies)} kept: {copies[-1] if copies else ''}"
        case "job.held":
            return f"{named(job)}  {job.hold.note or job.hold.reason if job.hold else ''}"
        case _:
            return f"{named(job)}  {job.error.message if job.error else ''}"


def _order(job: Job) -> list[str]:
    """What an order costs, as far as that is known, and which rule made it."""
    price = f"{job.cost.amount} {job.cost.unit}" if job.cost else "price not known"
    return [price, *([f"ordered by rule {job.rule}"] if job.rule else [])]
