"""The demo's story: imagine, a grid in the channel, U2 pressed, HD, archived, told in the same thread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from receiver.demo import ledger
from receiver.demo.channel import DemoChannel, archived_words, label_of_tile
from receiver.demo.failure import (
    StoryFailed,
    explain,
    tell,
)
from receiver.demo.hints import welcome, what_to_try, your_turn
from receiver.demo.narrator import Narrator
from receiver.demo.outside import (
    Api,
    NotAnswered,
    outside,
)
from receiver.demo.screen import Screen
from receiver.demo.servers import (
    COPIES,
    HELD,
    OPTIONS,
    STORY,
    UNSURE,
    WHOLE,
    DemoServers,
    set_up,
)
from receiver.demo.surroundings import (
    folder,
    logged,
    stopped_by_signals,
)
from receiver.model.events import AnyEvent, Event
from receiver.model.jobs import Job
from receiver.pretend.options import VendorOptions
from receiver.pretend.platforms.channel.messages import ChannelMessage

if TYPE_CHECKING:
    from receiver.composition import Composition

#: The rule that orders the HD picture.
RULE: Final = "auto-hd"
PROMPT: Final = "a lighthouse at dusk, oil on canvas"
WAITING: Final = "a paper boat in the rain, linocut"
TILE: Final = 2
#: Seconds for the story.
LIMIT: Final = 20.0


class StoryJobs(msgspec.Struct, frozen=True, kw_only=True):
    """The story's three jobs, completed."""

    grid: Job
    tile: Job
    hd: Job


async def run(
    once: bool, parts: Composition, *, limit: float = LIMIT, options: Mapping[str, VendorOptions] = OPTIONS
) -> int:
    """Runs the demo; returns the exit code: 0 done, 1 with the reason on standard error.

    With `once` it presses by itself and is over when the HD picture is archived and told, within 30 s in any case;
    else somebody presses, and it stays up until SIGINT, SIGTERM or the end of the terminal. `limit` is seconds for the
    story with `once`; `options` are those of the pretend vendors, by source.
    """
    screen, stop = Screen(), asyncio.Event()
    if not once:
        # There is nobody to stay up for.
        screen.on_gone = stop.set
    try:
        with stopped_by_signals(stop), folder() as place:
            async with asyncio.timeout(WHOLE if once else None):
                code = await Demo(once, screen, stop, limit).play(parts, place, options)
        screen.line(f"Over; {place} is deleted.", "dim")
        return code
    except TimeoutError:
        tell(f"gridhook: the demo did not end within {WHOLE:g} s")
    except (OSError, RuntimeError) as wrong:
        tell(f"gridhook: the demo cannot run: {wrong}")
    return 1


class Demo:
    """One run of the demo."""

    def __init__(self, once: bool, screen: Screen, stop: asyncio.Event, limit: float) -> None:
        self._once = once
        self._screen = screen
        self._stop = stop
        self._limit = limit

    async def play(self, parts: Composition, place: Path, options: Mapping[str, VendorOptions]) -> int:
        """Everything, from the first line to the last; returns the exit code."""
        log = place / "gridhook.log"
        with logged(log):
            async with set_up(parts, place, options) as stage, _following(stage, self._screen) as (api, narrator):
                welcome(self._screen, stage, log)
                try:
                    told = await self._bounded(_story(api, narrator, stage, self._screen, self._once))
                except (StoryFailed, NotAnswered) as wrong:
                    await explain(wrong, api, log)
                    return 1
                if told is not None and not self._once:
                    what_to_try(self._screen, stage, told.grid, told.tile)
                    await self._stop.wait()
        if told is None:
            tell("gridhook: interrupted before the HD picture was archived and told")
        return 1 if told is None and self._once else 0

    async def _bounded(self, story: Coroutine[Any, Any, StoryJobs]) -> StoryJobs | None:
        """The story's end; None if a signal came before. Raises what it raises, and StoryFailed if it takes too long.

        Where somebody is there to press, it takes as long as they like.
        """
        telling = asyncio.create_task(story)
        stopping = asyncio.create_task(self._stop.wait())
        try:
            limit = self._limit if self._once else None
            await asyncio.wait({telling, stopping}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            if telling.done():
                return await telling
            if stopping.done():
                return None
            raise StoryFailed(f"the HD picture is archived and told within {self._limit:g} s", "it did not")
        finally:
            telling.cancel()
            stopping.cancel()
            await asyncio.wait({telling, stopping})


@asynccontextmanager
async def _following(stage: DemoServers, screen: Screen) -> AsyncIterator[tuple[Api, Narrator]]:
    """The API from outside, and a narrator at work."""
    narrator = Narrator(screen)
    stage.listener.on_event = narrator.hear
    async with outside(stage.hook, stage.keys.admin_token) as api:
        following = asyncio.create_task(narrator.follow(api))
        try:
            yield api, narrator
        finally:
            following.cancel()
            await asyncio.wait({following})


async def _story(api: Api, narrator: Narrator, stage: DemoServers, screen: Screen, once: bool) -> StoryJobs:
    """The story, then the books. Raises StoryFailed or NotAnswered if something is not as it should be."""
    await narrator.opened()
    screen.title("The story")
    screen.start_clock()
    screen.step("you", "POST /jobs", f'imagine "{PROMPT}" at {STORY}')
    grid = await narrator.completed(await api.submit(STORY, PROMPT))
    question = await stage.channel.asked(label_of_tile(TILE))
    screen.step("channel", "question", "which tile? the grid is there, with buttons U1 to U4", "bold")
    await _what_waits(api, narrator, screen)
    if once:
        screen.title("The answer")
        await _press(stage.channel, question, screen)
    else:
        your_turn(screen, stage)
    tile = await narrator.completed(await narrator.picked_from(grid))
    screen.step("channel", "question", await stage.channel.chosen(question))
    hd = await narrator.completed(await narrator.ordered_by(RULE, tile))
    told = StoryJobs(grid=grid, tile=tile, hd=await stage.listener.completed(hd.id))
    await _archived(stage.channel, question, told.hd, screen)
    for job in (grid, tile, hd):
        await narrator.told_of(job, "job.archived")
    await stage.vendors[STORY].settled()
    await _close_books(api, told, stage, screen)
    return told


async def _press(channel: DemoChannel, question: ChannelMessage, screen: Screen) -> None:
    """Presses the button by a real, signed press. Raises StoryFailed if it was not taken."""
    label = label_of_tile(TILE)
    screen.step("you", f"press {label}", "in the channel, as a browser does it; Slack signs it and posts it")
    refused = await channel.press(question, label)
    if refused:
        raise StoryFailed(f"the press of {label} is taken", refused)


async def _archived(channel: DemoChannel, question: ChannelMessage, hd: Job, screen: Screen) -> None:
    """Waits until the channel tells that the HD picture is kept. Raises StoryFailed if that is not in the thread."""
    message = await channel.told(archived_words(hd))
    if message.thread != question.id:
        raise StoryFailed("the HD picture is told in the thread of its grid", f"it is in {message.thread or 'none'}")
    screen.step("channel", "in its thread", f"{archived_words(hd)}, with the picture", "bold green")


async def _what_waits(api: Api, narrator: Narrator, screen: Screen) -> None:
    """Two orders off the happy road: one that its budget holds, one whose answer is lost."""
    screen.title("Beside it, what waits for a person")
    for source, why, kind in (
        (HELD, "its budget holds it: nothing is paid until somebody says so", "job.held"),
        (UNSURE, "the vendor's answer is lost: it is not sent again by itself, it might be paid twice", "job.unsure"),
    ):
        screen.step("you", "POST /jobs", f'imagine "{WAITING}" at {source}')
        await narrator.told_of(await api.submit(source, WAITING), kind)
        screen.step("gridhook", kind, why)


async def _close_books(api: Api, told: StoryJobs, stage: DemoServers, screen: Screen) -> None:
    vendor = stage.vendors[STORY]
    jobs = [job for job in await api.jobs() if job.source == STORY]
    if len(jobs) != len(ledger.ORDERED):
        screen.line(
            "You ordered more than the story meanwhile: its books are not closed. `gridhook demo --once` does it."
        )
        return
    archive = stage.config.parent / "pictures"
    books = ledger.Ledger(
        copies=COPIES,
        bills=vendor.bills,
        posts=vendor.posts,
        kept=sum(request.source == STORY for request in await api.requests()),
        events=[event for event in await api.events() if event.source_name == STORY],
        jobs=jobs,
        received=tuple(one for one in stage.listener.received if one.event is None or _is_of_story(one.event)),
        folder=archive,
        copied=[ledger.is_kept(archive, image.archive) for job in jobs for image in job.images],
        mistakes=stage.channel.mistakes,
    )
    found = [*ledger.findings(books), await _picture(api, told)]
    screen.title("The books")
    for bill in books.bills:
        screen.line(f"  {STORY} billed  {bill.endpoint:14} {bill.amount:3} {bill.unit}")
    for finding in found:
        screen.finding(finding.holds, finding.text)
    wrong = next((finding.text for finding in found if not finding.holds), None)
    if wrong is not None:
        raise StoryFailed("every line of the books holds", wrong)


def _is_of_story(event: AnyEvent) -> bool:
    return isinstance(event, Event) and event.data.source == STORY


async def _picture(api: Api, told: StoryJobs) -> ledger.Finding:
    """Fetches the HD picture and measures it against the tile."""
    try:
        url = told.hd.images[0].url
        hd = ledger.measure(await api.picture(url))
        tile = ledger.measure(await api.picture(told.tile.images[0].url))
    except (IndexError, ValueError) as wrong:
        return ledger.Finding(False, f"the HD picture cannot be looked at: {wrong}")
    sizes = f"HD picture {hd[0]} x {hd[1]}, picked tile {tile[0]} x {tile[1]}"
    return ledger.Finding(hd > tile, f"{sizes}: {url}")
