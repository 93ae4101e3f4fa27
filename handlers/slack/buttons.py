"""Buttons below a Slack message, with a question before those that cost more than a sink allows without one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from handlers.chat.questions import button_text
from handlers.slack.blocks import Block
from handlers.wording import words
from receiver.model.deliveries import QuestionButton

#: Characters of a button's text (documented), of which some thirty are shown.
MAX_LABEL: Final = 75
#: Characters of what tells a button from its neighbours (documented).
MAX_ACTION_ID: Final = 255


def rows(named: Iterable[tuple[str, Sequence[QuestionButton]]], confirm_above: Decimal | None) -> list[Block]:
    """A block for each row of buttons that there is. What costs more than `confirm_above`, or nobody knows how much,
    is asked about once more; None: nothing is."""
    return [
        {"type": "actions", "block_id": name, "elements": [_button(one, confirm_above) for one in buttons]}
        for name, buttons in named
        if buttons
    ]


def _button(button: QuestionButton, confirm_above: Decimal | None) -> Block:
    shown: Block = {
        "type": "button",
        "action_id": button.label[:MAX_ACTION_ID],
        "text": _plain(button_text(button, MAX_LABEL)),
        "value": button.code,
    }
    if confirm_above is None or (button.cost is not None and button.cost.amount <= confirm_above):
        return shown
    price = f"costs {words(button.cost)}" if button.cost is not None else "has a price that is not known"
    return {
        **shown,
        "confirm": {
            "title": _plain("Order it?"),
            "text": _plain(f"{button.label} {price}."[:300]),
            "confirm": _plain("Order it"),
            "deny": _plain("Not now"),
        },
    }


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text}
