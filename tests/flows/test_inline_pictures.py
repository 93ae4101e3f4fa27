from __future__ import annotations

from base64 import b64encode
from typing import Any

import msgspec
import pytest

from receiver.contracts.setup import Setup
from receiver.flows import inline_pictures
from receiver.flows.inline_pictures import without_inline
from receiver.flows.reports import report_to
from receiver.model.inline_pictures import inline_address, inline_sha256
from receiver.model.jobs import Image, Report
from support.hostile_pictures import png
from support.inline import data_url
from support.records import NOW, a_job, a_report, a_source
from support.world import memory_transaction

PICTURES = [png(8, 8), png(16, 8)]
SETUP = Setup(sources={"journey": a_source()})


def a_told(*urls: str, **fields: Any) -> Report:
    return a_report(images=tuple(Image(index=index, url=url) for index, url in enumerate(urls, 1)), **fields)


def test_pictures_are_kept_and_only_their_addresses_go_on() -> None:
    tx = memory_transaction()
    told = without_inline(tx, 7, a_told(*map(data_url, PICTURES), grid_url=data_url(PICTURES[0])))
    assert [image.url for image in told.images] == [inline_address(body) for body in PICTURES]
    assert told.grid_url == told.images[0].url
    for image, body in zip(told.images, PICTURES, strict=True):
        assert tx.inline_picture(inline_sha256(image.url) or b"") == body
    assert tx.drop_inline_pictures(7) == 2
    assert tx.inline_picture(inline_sha256(told.images[0].url) or b"") is None


def test_a_report_without_any_stays_as_it_is() -> None:
    told = a_told("https://cdn.example.com/1.png", grid_url="https://cdn.example.com/grid.png")
    assert without_inline(memory_transaction(), 7, told) is told


@pytest.mark.parametrize(
    "url",
    [
        "data:text/html;base64,PHNjcmlwdD4=",
        "data:image/png;base64,%%%",
        "data:",
        data_url(b"<svg onload=1>" * 9),
    ],
)
def test_what_is_no_picture_is_left_out_with_its_item(url: str) -> None:
    told = without_inline(memory_transaction(), 7, a_told(url, data_url(PICTURES[0]), items=("a", "b")))
    assert [(image.index, image.url) for image in told.images] == [(2, inline_address(PICTURES[0]))]
    assert told.items == ("b",)


def test_all_of_a_report_have_one_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inline_pictures, "MOST_BYTES", len(PICTURES[0]) + len(PICTURES[1]) - 1)
    told = without_inline(memory_transaction(), 7, a_told(*map(data_url, PICTURES)))
    assert [image.index for image in told.images] == [1]


def test_the_same_picture_told_again_is_nothing_new() -> None:
    tx = memory_transaction()
    tx.add_job(a_job(7, status="running", provider_job_id="task-1"))
    for events in (1, 0):
        kept = tx.job(7)
        assert kept is not None
        assert report_to(tx, SETUP, kept, a_told(data_url(PICTURES[0])), NOW).events == events
    (number,) = tx._db.execute("SELECT number FROM events").fetchone()
    body = tx.event(number) or b""
    assert b"data:" not in body
    assert b64encode(PICTURES[0])[:40] not in body
    assert msgspec.json.decode(body)["data"]["images"][0]["url"] == inline_address(PICTURES[0])


@pytest.mark.parametrize("url", ["", "urn:sha256:", "urn:sha256:" + "g" * 64, "https://x/" + "a" * 64])
def test_other_addresses_name_no_hash(url: str) -> None:
    assert inline_sha256(url) is None
