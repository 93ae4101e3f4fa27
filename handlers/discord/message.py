"""An event or a question as a Discord message, within Discord's documented limits."""

from __future__ import annotations

from typing import Final

import msgspec

from handlers.chat.questions import FURTHER, button_text, in_rows, question_words, rows_below
from handlers.chat.words import ChatWords, Link, event_words, packed
from handlers.discord.wording import bounded, foreign
from handlers.text import is_web
from receiver.model.deliveries import OutgoingEvent, QuestionButton
from receiver.model.templates import EventTemplate

#: Characters of a message's own text, of an embed's, of a button's label, of a picture's description (documented).
MAX_CONTENT: Final = 2000
MAX_DESCRIPTION: Final = 4096
MAX_LABEL: Final = 80
MAX_ALT_TEXT: Final = 1024
#: Buttons in a row, and rows (documented).
ROW: Final = 5
MOST_ROWS: Final = 5
ACTION_ROW: Final = 1
BUTTON: Final = 2
PRIMARY, SECONDARY = 1, 2
Component = dict[str, object]


class DiscordMessage(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown, before its picture is fetched."""

    content: str
    description: str
    components: list[Component] = []
    #: Addresses of pictures, the one to show first.
    pictures: tuple[str, ...] = ()
    alt_text: str = ""


def discord_message(outgoing: OutgoingEvent, template: EventTemplate | None = None) -> DiscordMessage:
    """The question if the event is about one, else the event; a template replaces the first line about a job."""
    rows = [_row(row) for row in in_rows(rows_below(outgoing), ROW)[:MOST_ROWS]]
    asked = outgoing.question
    if asked is None:
        return _shown(event_words(outgoing.event, foreign, template, outgoing.ancestors), rows)
    said = question_words(asked, foreign)
    if asked.tiles and not asked.is_open:
        said = msgspec.structs.replace(said, facts=(*said.facts, FURTHER))
    return _shown(said, rows)


def _shown(said: ChatWords, rows: list[Component]) -> DiscordMessage:
    links = [_link(link) for link in said.links if is_web(link.url)]
    small = [f"-# {line}" for line in (*said.facts, *packed(links, " · ", MAX_DESCRIPTION - 3))]
    return DiscordMessage(
        content=bounded(said.headline, MAX_CONTENT),
        description=bounded(packed([*said.details, *small], "\n", MAX_DESCRIPTION)[0], MAX_DESCRIPTION)
        if said.details or small
        else "",
        components=rows,
        pictures=tuple(url for url in said.pictures if is_web(url)),
        alt_text=said.alt_text[:MAX_ALT_TEXT],
    )


def _link(link: Link) -> str:
    return f"[{link.label}]({link.url.replace('(', '%28').replace(')', '%29')})"


def _row(buttons: tuple[QuestionButton, ...]) -> Component:
    return {"type": ACTION_ROW, "components": [_button(button) for button in buttons]}


def _button(button: QuestionButton) -> Component:
    style = PRIMARY if button.label.startswith("U") else SECONDARY
    return {"type": BUTTON, "style": style, "label": button_text(button, MAX_LABEL), "custom_id": button.code}
