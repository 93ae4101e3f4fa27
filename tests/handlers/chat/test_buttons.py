"""Buttons below messages, whatever the platform."""

from __future__ import annotations

import msgspec

from handlers.chat.questions import button_text, in_rows, pressed_by, rows_below
from receiver.model.deliveries import QuestionButton
from support.chat_events import CREDITS, asking
from support.delivering import outgoing


def test_a_button_says_its_price_within_the_platforms_limit() -> None:
    button = QuestionButton(label="U2", code="x", cost=CREDITS)
    assert button_text(button, 75) == "U2 (2 credits)"
    assert len(button_text(button, 5)) == 5
    assert button_text(QuestionButton(label="reroll", code="x"), 75) == "reroll"


def test_tiles_stand_apart_from_what_else_can_be_ordered() -> None:
    assert [[one.label for one in row] for row in rows_below(asking())] == [
        ["U1", "U2", "U3", "U4"],
        ["V1", "V2", "V3", "V4", "reroll"],
    ]
    buttons = tuple(QuestionButton(label=label, code=label) for label in ("U1", "vary subtle", "U2"))
    mixed = msgspec.structs.replace(outgoing(), buttons=buttons)
    assert [[one.label for one in row] for row in rows_below(mixed)] == [["U1", "U2"], ["vary subtle"]]
    assert rows_below(outgoing()) == []


def test_rows_are_no_longer_than_the_platform_shows() -> None:
    rows = in_rows(rows_below(asking()), 4)
    assert [len(row) for row in rows] == [4, 4, 1]


def test_who_pressed_has_a_platform_an_id_and_maybe_a_name() -> None:
    assert pressed_by("discord", "801", "Ada L") == "discord:801 Ada L"
    assert pressed_by("telegram", "1001", "") == "telegram:1001"
