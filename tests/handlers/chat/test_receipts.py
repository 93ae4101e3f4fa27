"""What is remembered of messages, and how pictures are told apart."""

from __future__ import annotations

import msgspec
import pytest

from handlers.chat.receipts import MessageReceipt, is_superseded, picture_digest, read_receipt
from support.chat_events import asking
from support.delivering import job_event, outgoing


def test_a_receipt_is_read_as_it_was_written() -> None:
    receipt = MessageReceipt(message="12", channel="-5", event="evt_1", picture="abc", file="1/a.png")
    assert read_receipt(receipt.encode()) == receipt


@pytest.mark.parametrize(
    "text", [None, "", "{}", "[]", "rubbish", '{"message":"x","channel":"1","event":"e"}', "\ud800"]
)
def test_what_is_no_receipt_is_none(text: str | None) -> None:
    assert read_receipt(text) is None


def test_an_older_event_is_superseded_but_a_question_is_shown_as_it_is_now() -> None:
    receipt = MessageReceipt(message="12", channel="-5", event="evt_05")
    older = outgoing(msgspec.structs.replace(job_event(), id="evt_04"))
    newer = outgoing(msgspec.structs.replace(job_event(), id="evt_06"))
    assert is_superseded(receipt, older)
    assert not is_superseded(receipt, newer)
    assert not is_superseded(receipt, asking())


def test_a_picture_is_the_same_under_another_signature() -> None:
    assert picture_digest("https://a.example/1.png?sig=1") == picture_digest("https://a.example/1.png?sig=2")
    assert picture_digest("https://a.example/1.png") != picture_digest("https://a.example/2.png")
    assert picture_digest(None) == ""
