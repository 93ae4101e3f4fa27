"""The demo's story: imagine, grid, pick 2, auto-HD, sink; told line by line, and looked into at its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from receiver.demo import ledger
from receiver.demo.failure import (
    StoryFailed,
    explain,
    tell,
)
from receiver.demo.hints import welcome, what_to_try
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
    DemoServers,
    set_up,
)
from receiver.demo.surroundings import (
    folder,
    logged,
    stopped_by_signals,
)
from receiver.model.jobs import Job
from receiver.pretend.options import VendorOptions

if TYPE_CHECKING:
    from receiver.composition import Composition

#: The rule that orders the HD picture.
RULE: Final = "auto-hd"
PROMPT: Final = "a lighthouse at dusk, oil on canvas"
WAITING: Final = "a paper boat in the rain, linocut"
TILE: Final = 2
#: Seconds for the story, and for everything from start to end.
LIMIT: Final = 20.0
WHOLE: Final = 28.0


class StoryJobs(msgspec.Struct, frozen=True, kw_only=True):
    """The story's three jobs, completed."""

    grid: Job
    tile: Job
    hd: Job


async def run(
    once: bool, parts: Composition, *, limit: float = LIMIT, options: Mapping[str, VendorOptions] = OPTIONS
) -> int:
    """Runs the demo; returns the exit code: 0 done, 1 with the reason on standard error.

    With `once` it is over when the HD picture has reached the sink, within 30 s in any case; else it stays up until
    SIGINT, SIGTERM or the end of the terminal. `limit` is seconds for the story; `options` are those of the pretend
    vendors, by source.
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
                    told = await self._bounded(_story(api, narrator, stage, self._screen))
                except (StoryFailed, NotAnswered) as wrong:
                    await explain(wrong, api, log)
                    return 1
                if told is not None and not self._once:
                    what_to_try(self._screen, stage, told.grid)
                    await self._stop.wait()
        if told is None:
            tell("gridhook: interrupted before the HD picture reached the sink")
        return 1 if told is None and self._once else 0

    async def _bounded(self, story: Coroutine[Any, Any, StoryJobs]) -> StoryJobs | None:
        """The story's end; None if a signal came before. Raises what it raises, and Broke if it takes too long."""
        telling = asyncio.create_task(story)
        stopping = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({telling, stopping}, timeout=self._limit, return_when=asyncio.FIRST_COMPLETED)
            if telling.done():
                return await telling
            if stopping.done():
                return None
            raise StoryFailed(f"the HD picture reaches the sink within {self._limit:g} s", "it did not")
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


async def _story(api: Api, narrator: Narrator, stage: DemoServers, screen: Screen) -> StoryJobs:
    """The story, then the books. Raises Broke or NotAnswered if something is not as it should be."""
    await narrator.opened()
    screen.title("The story")
    screen.start_clock()
    screen.step("you", "POST /jobs", f'imagine "{PROMPT}" at {STORY}')
    grid = await narrator.completed(await api.submit(STORY, PROMPT))
    screen.step("you", "POST /pick", f"tile {TILE} of the grid; the rest happens by itself")
    tile = await narrator.completed(await api.pick(grid.id, TILE))
    hd = await narrator.completed(await narrator.ordered_by(RULE, tile))
    told = StoryJobs(grid=grid, tile=tile, hd=await stage.listener.completed(hd.id))
    await stage.vendors[STORY].settled()
    await _close_books(api, told, stage, screen)
    await _what_waits(api, narrator, screen)
    return told


async def _what_waits(api: Api, narrator: Narrator, screen: Screen) -> None:
    """Two orders off the happy road: one that its budget holds, one whose answer is lost."""
    screen.title("And what waits for a person")
    for source, why, kind in (
        (HELD, "its budget holds it: nothing is paid until somebody says so", "job.held"),
        (UNSURE, "the vendor's answer is lost: it is not sent again by itself, it might be paid twice", "job.unsure"),
    ):
        screen.step("you", "POST /jobs", f'imagine "{WAITING}" at {source}')
        await narrator.waits(await api.submit(source, WAITING), kind)
        screen.step("gridhook", kind, why)


async def _close_books(api: Api, told: StoryJobs, stage: DemoServers, screen: Screen) -> None:
    vendor = stage.vendors[STORY]
    books = ledger.Ledger(
        copies=COPIES,
        bills=vendor.bills,
        posts=vendor.posts,
        kept=len(await api.requests()),
        events=await api.events(),
        jobs=await api.jobs(),
        received=tuple(stage.listener.received),
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
