"""A question as a Slack message: the grid, and buttons to choose by; once it is answered, who chose what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from handlers.chat.questions import FURTHER, button_rows, button_text, question_words
from handlers.slack.blocks import Block, context, image, link, linkable, section, showable
from handlers.slack.message import Message
from handlers.slack.wording import foreign
from receiver.model.deliveries import QuestionButton, ShownQuestion

#: Characters of a button's text (documented), of which some thirty are shown.
MAX_LABEL: Final = 75


def question_message(shown: ShownQuestion) -> Message:
    """The question as it is now."""
    said = question_words(shown, foreign)
    blocks = [section(said.headline), *(image(url, said.alt_text) for url in said.pictures if showable(url))]
    blocks += [context(line) for line in said.facts]
    blocks += [context(link(one.url, one.label)) for one in said.links if linkable(one.url)]
    if shown.tiles and not shown.is_open:
        blocks.append(context(FURTHER))
    blocks += [_row(name, buttons) for name, buttons in button_rows(shown)]
    return Message(text=said.headline, blocks=blocks, plain="\n".join([said.headline, *said.facts]))


def _row(name: str, buttons: Sequence[QuestionButton]) -> Block:
    return {"type": "actions", "block_id": name, "elements": [_button(button) for button in buttons]}


def _button(button: QuestionButton) -> Block:
    text = {"type": "plain_text", "text": button_text(button, MAX_LABEL)}
    return {"type": "button", "action_id": button.label, "text": text, "value": button.code}
