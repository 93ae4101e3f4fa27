from __future__ import annotations

import json

import msgspec
import pytest

from receiver.contracts import Filters
from receiver.contracts.setup import Setup
from receiver.flows.archiving import as_shown, forget_copies, keep_copies, tell_archive_failed
from receiver.flows.reports import report_to
from receiver.model.jobs import Image, PictureCopy, Then
from receiver.model.rules import Rule
from receiver.providers.generic import Generic
from receiver.providers.generic.options import Options
from receiver.store.sqlite.transaction import SqliteTransaction
from support.claiming import claim
from support.records import AT, NOW, a_job, a_report, a_source, four_images
from support.world import memory_transaction

KEY = b"k" * 32
TELL = Rule(name="tell", when={"type": ["job.archived", "job.archive_failed"]}, to=("team",))
UPSCALE = Rule(
    name="hd", when={"type": "job.archived", "action": "pick"}, then=(Then(action="upscale", params={"kind": "2x"}),)
)
SETUP = Setup(
    sources={"journey": a_source()},
    rules=(TELL, UPSCALE),
    sinks=frozenset({"team", "first", "second"}),
    archives=("first", "second"),
)


@pytest.fixture
def tx() -> SqliteTransaction:
    return memory_transaction()


def a_copy(sink: str, index: int, sha256: str = "aa") -> PictureCopy:
    return PictureCopy(
        sink=sink,
        kind="image",
        index=index,
        key=f"{sink}/{index}.png",
        sha256=sha256,
        type="image/png",
        bytes=10,
        width=4,
        height=4,
    )


def put_job(tx: SqliteTransaction, action: str = "imagine") -> int:
    kept = a_job(7, status="completed", action=action, provider_job_id="v-1", images=four_images())
    tx.add_job(kept)
    return kept.number


def events(tx: SqliteTransaction) -> list[dict[str, object]]:
    return [json.loads(body) for body in reversed(list(tx.events(Filters(limit=50))))]


def test_a_copy_makes_one_event_with_where_it_is_and_the_sinks_name(tx: SqliteTransaction) -> None:
    number = put_job(tx)
    assert keep_copies(tx, SETUP, KEY, number, "first", (a_copy("first", 1),), NOW)
    assert not keep_copies(tx, SETUP, KEY, number, "first", (a_copy("first", 1),), NOW)
    (event,) = events(tx)
    assert (event["type"], event["archive"]) == ("job.archived", "first")
    data = msgspec.convert(event["data"], dict[str, object])
    images = msgspec.convert(data["images"], list[Image])
    assert [image.archive.key if image.archive else None for image in images] == ["first/1.png", None, None, None]
    kept = tx.job(number)
    assert kept is not None
    assert kept.copies == (a_copy("first", 1),)
    assert kept.job.images == tuple(images)


def test_there_is_one_event_for_each_archive_and_set_of_pictures(tx: SqliteTransaction) -> None:
    number = put_job(tx)
    for sink in ("second", "first"):
        for copies in ((a_copy(sink, 1),), (a_copy(sink, 1), a_copy(sink, 2))):
            keep_copies(tx, SETUP, KEY, number, sink, copies, NOW)
    assert [event["archive"] for event in events(tx)] == ["second", "second", "first", "first"]


@pytest.mark.parametrize("order", [("first", "second"), ("second", "first")])
def test_what_is_shown_is_in_the_first_archive_whichever_was_quicker(
    tx: SqliteTransaction, order: tuple[str, ...]
) -> None:
    number = put_job(tx)
    for sink in order:
        keep_copies(tx, SETUP, KEY, number, sink, (a_copy(sink, 1),), NOW)
    kept = tx.job(number)
    assert kept is not None
    assert kept.job.images[0].archive is not None
    assert kept.job.images[0].archive.sink == "first"


def test_what_was_given_up_is_told_with_the_sinks_name(tx: SqliteTransaction) -> None:
    number = put_job(tx)
    tell_archive_failed(tx, SETUP, number, "first", 99, NOW)
    (event,) = events(tx)
    assert (event["type"], event["archive"]) == ("job.archive_failed", "first")


def test_a_job_follows_from_what_is_kept_once_though_there_are_two_archives(tx: SqliteTransaction) -> None:
    number = put_job(tx, "pick")
    for sink in ("first", "second"):
        keep_copies(tx, SETUP, KEY, number, sink, (a_copy(sink, 1),), NOW)
    children = tx.jobs(Filters(parent=number, limit=10))
    assert [child.job.action for child in children] == ["upscale"]


def test_a_job_that_is_gone_makes_nothing(tx: SqliteTransaction) -> None:
    assert not keep_copies(tx, SETUP, KEY, 12345, "first", (a_copy("first", 1),), NOW)
    tell_archive_failed(tx, SETUP, 12345, "first", 99, NOW)
    assert events(tx) == []


def test_what_a_vendor_drops_first_is_archived_first(tx: SqliteTransaction) -> None:
    """Whatever came in first."""
    keep = Rule(name="keep", when={"type": "job.completed"}, to=("first", "team"))
    setup = Setup(
        sources={
            name: a_source(name, provider=Generic(Options(expires_after=hours * 3600.0)))
            for name, hours in (("slow", 240), ("quick", 1))
        },
        rules=(keep,),
        sinks=frozenset({"team", "first"}),
        archives=("first",),
    )
    for number, source in ((7, "slow"), (8, "quick")):
        running = a_job(number, status="running", source=source, provider_job_id="v-1", submitted_at=AT)
        running = msgspec.structs.replace(running, intent=source)
        tx.add_job(running)
        report_to(tx, setup, running, a_report(provider_job_id="v-1", images=four_images()), NOW + number)
    for lane, order in (("first", [8, 7]), ("team", [7, 8])):
        taken = [claim(tx, f"sink:{lane}", 1, NOW + 10, NOW + 20) for _ in order]
        assert [one.job for claimed in taken for one in claimed] == order


def test_messages_show_our_copies_by_fresh_links_and_the_grid_too(tx: SqliteTransaction) -> None:
    setup = msgspec.structs.replace(SETUP, links={"second": 60.0}, public_url="https://hooks.example.com")
    number = put_job(tx)
    copies = (a_copy("second", 1), msgspec.structs.replace(a_copy("second", 0), kind="grid"))
    keep_copies(tx, setup, KEY, number, "second", copies, NOW)
    keep_copies(tx, setup, KEY, number, "first", (a_copy("first", 2),), NOW)
    kept = tx.job(number)
    assert kept is not None
    told = msgspec.structs.replace(kept.job, grid_url="https://cdn.example.com/grid.png")
    shown = as_shown(kept, told, setup, KEY, NOW + 3_600_000)
    base = f"https://hooks.example.com/pictures/{kept.job.id}"
    assert shown.images[0].open_url.startswith(f"{base}/1?until={NOW // 1000 + 3660}&mac=")
    assert (shown.grid_url or "").startswith(f"{base}/0?until={NOW // 1000 + 3660}&mac=")
    assert shown.images[1].open_url == kept.job.images[1].url, "the first archive is not public"
    assert shown.images[2] == kept.job.images[2]


def test_deleted_copies_are_shown_no_more_and_a_late_repeat_changes_nothing(tx: SqliteTransaction) -> None:
    number = put_job(tx)
    keep_copies(tx, SETUP, KEY, number, "first", (a_copy("first", 1),), NOW)
    assert forget_copies(tx, SETUP, KEY, number, "first", NOW)
    assert not forget_copies(tx, SETUP, KEY, number, "first", NOW)
    kept = tx.job(number)
    assert kept is not None
    assert (kept.job.images[0].archive, kept.job.warning) == (None, "pictures_deleted")
    repeat = a_report(provider_job_id="v-1", images=four_images())
    assert report_to(tx, SETUP, kept, repeat, NOW).events == 0
