from __future__ import annotations

import hashlib
import io
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from PIL import Image

from receiver.demo.ledger import (
    Finding,
    Ledger,
    findings,
    is_kept,
    measure,
)
from receiver.lib.signatures import standard_webhook_signature
from receiver.model.events import Event
from receiver.model.jobs import ArchivedCopy, Cost, Job
from receiver.pretend.options import Bill, Post
from receiver.pretend.receivers.event_sink import ReceivedEvent, read
from receiver.pretend.receivers.post_collector import ReceivedPost

KEY = b"a key of the sink"
NOW = 1_795_255_200
PRICES = {"imagine": 4, "upscale-1x": 2, "upscale-2x-4x": 2}


def a_job(name: str) -> Job:
    cost = Cost(amount=Decimal(PRICES[name]), unit="credits", source="table")
    return Job(
        id=f"job_{name}",
        source="journey",
        provider="journeyapi",
        status="completed",
        progress=100,
        root_id="job_imagine",
        created_at="2026-11-21T10:00:00.000Z",
        cost=cost,
    )


def an_event(name: str) -> Event:
    job = a_job(name)
    return Event(id=f"evt_{name}", source="gridhook/journey", type="job.completed", subject=job.id, time="", data=job)


def a_bill(name: str) -> Bill:
    return Bill(order_id=name, endpoint=name, amount=Decimal(PRICES[name]), unit="credits", body={})


def a_post(name: str, *, forged: bool = False, status: int = 200) -> Post:
    return Post(url="", status=status, job_id=name, kind="completed", forged=forged, attempt=1, headers={}, body=b"")


def good_books() -> Ledger:
    genuine = [a_post(name) for name in PRICES for _ in range(3)]
    forged = [a_post(name, forged=True, status=401) for name in PRICES]
    return Ledger(
        copies=3,
        bills=tuple(a_bill(name) for name in PRICES),
        posts=(*forged, *genuine),
        kept=9,
        events=[an_event(name) for name in PRICES],
        jobs=[a_job(name) for name in PRICES],
        received=[ReceivedEvent(event=an_event(name), genuine=True) for name in PRICES],
        folder=Path("pictures"),
        copied=[True] * 6,
        mistakes=[],
    )


def wrong_in(books: Ledger) -> list[Finding]:
    return [finding for finding in findings(books) if not finding.holds]


def test_good_books_hold() -> None:
    assert wrong_in(good_books()) == []


def test_a_picture_that_was_paid_twice_does_not_hold() -> None:
    books = good_books()
    twice = msgspec.structs.replace(books, bills=(*books.bills, a_bill("upscale-2x-4x")))
    assert [finding.text for finding in wrong_in(twice)] == [
        "each step was ordered and billed once: imagine x 1, upscale-1x x 1, upscale-2x-4x x 2",
        "the vendor billed 10 credits, gridhook's own books say 8",
        "each webhook was posted 3 times at once: 9 received, 3 events, 2 HD orders",
    ]


def test_a_repeat_that_made_a_second_event_does_not_hold() -> None:
    books = good_books()
    assert len(wrong_in(msgspec.structs.replace(books, events=[*books.events, books.events[0]]))) == 1


def test_a_webhook_that_was_not_taken_does_not_hold() -> None:
    books = good_books()
    posts = (*books.posts[:-1], a_post("imagine", status=503))
    assert len(wrong_in(msgspec.structs.replace(books, posts=posts))) == 1


@pytest.mark.parametrize(
    "changes",
    [{"posts": (a_post("imagine", forged=True, status=200), *good_books().posts)}, {"kept": 10}],
    ids=["taken", "kept"],
)
def test_a_forgery_that_came_through_does_not_hold(changes: dict[str, object]) -> None:
    assert len(wrong_in(msgspec.structs.replace(good_books(), **changes))) == 1


@pytest.mark.parametrize(
    "received",
    [
        good_books().received[:2],
        [*good_books().received, good_books().received[0]],
        [*good_books().received[:2], ReceivedEvent(event=an_event("upscale-2x-4x"), genuine=False)],
    ],
    ids=["too few", "one twice", "not signed"],
)
def test_a_sink_that_did_not_get_each_result_once_and_signed_does_not_hold(received: list[ReceivedEvent]) -> None:
    assert len(wrong_in(msgspec.structs.replace(good_books(), received=received))) == 1


@pytest.mark.parametrize("changes", [{"copied": []}, {"copied": [True, False]}, {"mistakes": ["invalid_blocks"]}])
def test_a_picture_that_is_not_kept_and_a_call_that_slack_refuses_do_not_hold(changes: dict[str, object]) -> None:
    assert len(wrong_in(msgspec.structs.replace(good_books(), **changes))) == 1


def test_a_copy_is_kept_if_it_is_there_with_its_checksum(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(b"a picture")
    right = ArchivedCopy(
        sink="pictures", key="1.png", sha256=hashlib.sha256(b"a picture").hexdigest(), type="image/png", bytes=9,
        width=1, height=1,
    )  # fmt: skip
    assert is_kept(tmp_path, right)
    assert not is_kept(tmp_path, None)
    assert not is_kept(tmp_path, msgspec.structs.replace(right, sha256="0" * 64))
    assert not is_kept(tmp_path, msgspec.structs.replace(right, key="2.png"))


# --- what the sink makes of a post


def a_letter(**changes: str) -> ReceivedPost:
    raw = msgspec.json.encode(an_event("imagine"))
    headers = {
        "webhook-id": "evt_imagine",
        "webhook-timestamp": str(NOW),
        "webhook-signature": standard_webhook_signature(KEY, "evt_imagine", NOW, raw),
    }
    return ReceivedPost(
        path="/events", headers={**headers, **{k.replace("_", "-"): v for k, v in changes.items()}}, raw=raw
    )


def test_a_signed_event_is_genuine() -> None:
    assert read(a_letter(), KEY, NOW) == ReceivedEvent(event=an_event("imagine"), genuine=True)


def test_one_of_several_signatures_is_enough() -> None:
    good = a_letter().headers["webhook-signature"]
    assert read(a_letter(webhook_signature=f"v1,AAAA {good}"), KEY, NOW).genuine


@pytest.mark.parametrize(
    "changes",
    [
        {"webhook_signature": "v1,AAAA"},
        {"webhook_signature": ""},
        {"webhook_signature": "\udcff"},
        {"webhook_id": "evt_other"},
        {"webhook_timestamp": str(NOW + 1)},
        {"webhook_timestamp": "soon"},
        {"webhook_timestamp": "²"},
        {"webhook_timestamp": "9" * 5000},
    ],
)
def test_a_letter_with_anything_else_is_not_genuine(changes: dict[str, str]) -> None:
    assert not read(a_letter(**changes), KEY, NOW).genuine


def test_a_body_that_was_changed_is_not_genuine() -> None:
    assert not read(msgspec.structs.replace(a_letter(), raw=b"{}"), KEY, NOW).genuine


def test_an_old_letter_is_not_genuine() -> None:
    assert read(a_letter(), KEY, NOW + 300).genuine
    assert not read(a_letter(), KEY, NOW + 301).genuine


@pytest.mark.parametrize("raw", [b"", b"{}", b"\xff", b"[1]"])
def test_what_is_no_event_is_heard_as_none(raw: bytes) -> None:
    assert read(ReceivedPost(path="/", headers={}, raw=raw), KEY, NOW) == ReceivedEvent(event=None, genuine=False)


# --- pictures


def test_a_picture_is_measured() -> None:
    out = io.BytesIO()
    Image.new("RGB", (30, 20)).save(out, "PNG")
    assert measure(out.getvalue()) == (30, 20)


def test_what_is_no_picture_cannot_be_measured() -> None:
    with pytest.raises(ValueError, match="no picture"):
        measure(b"<html>")
