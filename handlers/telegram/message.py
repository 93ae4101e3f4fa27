"""An event or a question as a Telegram message: HTML within Telegram's documented limits."""

from __future__ import annotations

from typing import Final

import msgspec

from handlers.chat.questions import FURTHER, button_text, in_rows, question_words, rows_below
from handlers.chat.words import ChatWords, Link, event_words
from handlers.telegram.wording import cut, escape, foreign, length, visible
from handlers.text import is_web
from receiver.model.deliveries import OutgoingEvent, QuestionButton
from receiver.model.templates import EventTemplate

#: Characters of a message, and of what stands below a picture (documented, after the HTML is read).
MAX_MESSAGE: Final = 4096
MAX_CAPTION: Final = 1024
#: Characters of a button's text that are shown; buttons in a row.
MAX_LABEL: Final = 60
ROW: Final = 4
Keyboard = list[list[dict[str, str]]]


class TelegramMessage(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown, before its picture is fetched."""

    #: Lines of HTML, the most important first.
    lines: tuple[str, ...]
    keyboard: Keyboard = []
    #: Addresses of pictures, the one to show first.
    pictures: tuple[str, ...] = ()

    def text(self, limit: int) -> str:
        """The lines, as many as fit into `limit` characters that people see; only the first is ever cut."""
        said = [_fitting(self.lines[0], limit)]
        used = length(said[0])
        for line in self.lines[1:]:
            used += 1 + length(line)
            if used > limit:
                break
            said.append(line)
        return "\n".join(said)

    def plain(self, limit: int) -> str:
        """The same without HTML."""
        return cut(visible(self.text(limit)), limit)


def telegram_message(outgoing: OutgoingEvent, template: EventTemplate | None = None) -> TelegramMessage:
    """The question if the event is about one, else the event; a template replaces the first line about a job."""
    rows = [_row(row) for row in in_rows(rows_below(outgoing), ROW)]
    asked = outgoing.question
    if asked is None:
        return _shown(event_words(outgoing.event, foreign, template, outgoing.ancestors), rows)
    said = question_words(asked, foreign)
    if asked.tiles and not asked.is_open:
        said = msgspec.structs.replace(said, facts=(*said.facts, FURTHER))
    return _shown(said, rows)


def _shown(said: ChatWords, keyboard: Keyboard) -> TelegramMessage:
    links = [_link(link) for link in said.links if is_web(link.url)]
    lines = (said.headline, *said.details, *said.facts, *links)
    pictures = tuple(url for url in said.pictures if is_web(url))
    return TelegramMessage(lines=lines, keyboard=keyboard, pictures=pictures)


def _fitting(line: str, limit: int) -> str:
    return line if length(line) <= limit else escape(cut(visible(line), limit - 1)) + "…"


def _link(link: Link) -> str:
    return f'<a href="{escape(link.url)}">{link.label}</a>'


def _row(buttons: tuple[QuestionButton, ...]) -> list[dict[str, str]]:
    return [{"text": button_text(button, MAX_LABEL), "callback_data": button.code} for button in buttons]
