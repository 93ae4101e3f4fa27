"""Buttons below Slack messages: prices, and a question before what costs more than a sink allows without one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from handlers.slack.buttons import rows
from handlers.slack.message import message
from receiver.model.deliveries import QuestionButton
from receiver.model.jobs import Cost
from receiver.pretend.platforms.slack.blocks import mistakes_in
from support.delivering import job_event


def a_button(label: str, amount: str | None) -> QuestionButton:
    cost = Cost(amount=Decimal(amount), unit="credits", source="table") if amount is not None else None
    return QuestionButton(label=label, code=f"code-{label}", cost=cost)


def confirmed(confirm_above: Decimal | None, *buttons: QuestionButton) -> dict[str, Any]:
    """By label: what is asked before a press counts."""
    blocks: Any = rows([("tiles", buttons)], confirm_above)
    assert list(mistakes_in(blocks)) == []
    return {
        one["action_id"]: one["confirm"]["text"]["text"] if "confirm" in one else None for one in blocks[0]["elements"]
    }


def test_what_costs_more_than_the_sink_allows_is_asked_about_and_so_is_what_has_no_known_price() -> None:
    buttons = (a_button("U1", "4"), a_button("U2", "4.01"), a_button("zoom 2", None))
    assert confirmed(Decimal(4), *buttons) == {
        "U1": None,
        "U2": "U2 costs 4.01 credits.",
        "zoom 2": "zoom 2 has a price that is not known.",
    }


def test_nothing_is_asked_where_the_sink_says_nothing() -> None:
    assert confirmed(None, a_button("U1", "400"), a_button("U2", None)) == {"U1": None, "U2": None}


def test_a_label_is_as_long_as_slack_takes_it() -> None:
    assert confirmed(Decimal(0), a_button("x" * 400, "1")) != {}


def test_a_finished_job_has_its_buttons_below_its_message_tiles_apart() -> None:
    shown = message(job_event(), buttons=[a_button("U1", "2"), a_button("V1", "4"), a_button("reroll", "4")])
    found: Any = [block for block in shown.blocks if block["type"] == "actions"]
    assert [[one["text"]["text"] for one in block["elements"]] for block in found] == [
        ["U1 (2 credits)"],
        ["V1 (4 credits)", "reroll (4 credits)"],
    ]


@pytest.mark.parametrize("buttons", [[], [a_button("upscale subtle", "4")]])
def test_a_row_without_buttons_is_not_there(buttons: list[QuestionButton]) -> None:
    blocks = message(job_event(), buttons=buttons).blocks
    assert sum(block["type"] == "actions" for block in blocks) == len(buttons)
