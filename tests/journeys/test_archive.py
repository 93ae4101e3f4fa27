"""Pictures on their way into an archive: from the webhook to the message that follows."""

from __future__ import annotations

from pathlib import Path

import httpx
import msgspec

from handlers.archive import Archive
from handlers.log import Log
from receiver.contracts import Filters, NoOptions, Sink, Transaction
from receiver.model.events import Event, decode_event
from receiver.model.rules import Rule
from support.hostile_pictures import GOOD
from support.world import PICKED, World, world

RULES = (
    Rule(name="keep", when={"type": ["job.completed", "job.archived"]}, to=("pictures",)),
    Rule(name="tell", when={"type": ["job.archived", "job.archive_failed"]}, to=("team",)),
)


def sinks() -> dict[str, Sink]:
    return {
        "pictures": Sink(name="pictures", handler=Archive(Archive.Options(to="pictures")), retry=(5, 5)),
        "team": Sink(name="team", handler=Log(NoOptions())),
    }


async def told(opened: World) -> list[Event]:
    found = await opened.store.read(lambda tx: list(tx.events(Filters(limit=50))))
    events = [decode_event(body) for body in found]
    return [event for event in events if isinstance(event, Event) and event.type.startswith("job.archive")]


def waiting(tx: Transaction) -> int:
    found = tx.counts().deliveries
    return found.get("pending", 0) + found.get("running", 0)


async def quiet(opened: World) -> None:
    """Waits until no delivery is under way."""
    watch = opened.store.watch()
    try:
        while await opened.store.read(waiting):
            assert await watch.wait(20)
    finally:
        watch.close()


async def test_a_picture_is_kept_once_and_told_once_though_its_event_goes_there_too(tmp_path: Path) -> None:
    async with world(tmp_path, rules=RULES, sinks=sinks()) as opened:
        opened.answer = lambda request: httpx.Response(200, content=GOOD)
        await opened.webhook(PICKED)
        await quiet(opened)
        (event,) = await told(opened)
        assert (event.type, event.archive) == ("job.archived", "pictures")
        (image,) = event.data.images
        assert image.archive is not None
        assert (tmp_path / "pictures" / image.archive.key).read_bytes() == GOOD
        assert len(opened.calls) == 1
    async with world(tmp_path, rules=RULES, sinks=sinks()) as opened:
        (job,) = await opened.jobs()
        assert job.images[0].archive == image.archive


async def test_what_cannot_be_kept_is_told(tmp_path: Path) -> None:
    async with world(tmp_path, rules=RULES, sinks=sinks()) as opened:
        opened.answer = lambda request: httpx.Response(200, content=b"<html>Sign in</html>")
        await opened.webhook(PICKED)
        await quiet(opened)
        (event,) = await told(opened)
        assert (event.type, event.archive) == ("job.archive_failed", "pictures")
        assert event.data.images[0].archive is None


async def test_bad_pictures_do_not_pause_the_archive(tmp_path: Path) -> None:
    made = sinks()
    made["pictures"] = msgspec.structs.replace(made["pictures"], pause_after=1)
    async with world(tmp_path, rules=RULES, sinks=made) as opened:
        opened.answer = lambda request: httpx.Response(200, content=b"<html>Sign in</html>")
        await opened.webhook(PICKED)
        await quiet(opened)
        assert await opened.store.read(lambda tx: tx.destination("sink:pictures")) is None
