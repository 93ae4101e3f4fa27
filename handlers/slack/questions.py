"""A question as a Slack message: the grid, and buttons to choose by; once it is answered, who chose what."""

from __future__ import annotations

from decimal import Decimal

from handlers.chat.questions import FURTHER, button_rows, question_words
from handlers.chat.words import packed
from handlers.slack.blocks import context, link, linkable, section
from handlers.slack.buttons import rows
from handlers.slack.message import MAX_TEXT, Message
from handlers.slack.wording import foreign
from receiver.model.deliveries import ShownQuestion


def question_message(shown: ShownQuestion, confirm_above: Decimal | None = None) -> Message:
    """The question as it is now; buttons that cost more than `confirm_above` ask again."""
    said = question_words(shown, foreign)
    links = [link(one.url, one.label) for one in said.links if linkable(one.url)]
    below = [context(line) for line in (*said.facts, *links)]
    if shown.tiles and not shown.is_open:
        below.append(context(FURTHER))
    return Message(
        text=said.headline,
        above=[section(said.headline)],
        below=[*below, *rows(button_rows(shown), confirm_above)],
        pictures=said.pictures,
        alt_text=said.alt_text,
        plain=packed([said.headline, *said.facts, *links], "\n", MAX_TEXT)[0],
    )
