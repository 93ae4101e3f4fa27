"""An event as a Slack message. Everything foreign in it is text: escaped, shortened, on one line."""

from __future__ import annotations

from typing import Final

import msgspec

from handlers.chat.words import event_words, packed
from handlers.slack.blocks import Block, context, image, link, linkable, section, showable
from handlers.slack.wording import MAX_SECTION, bounded, foreign
from receiver.model.events import AnyEvent
from receiver.model.templates import EventTemplate

#: Characters of the message's own text; Slack cuts it at 40,000 (documented).
MAX_TEXT: Final = 20_000
#: Blocks of links; a message may have 50 blocks (documented).
MAX_LINK_BLOCKS: Final = 10


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown: `text` with `blocks`, or `plain` alone if Slack will not have the blocks."""

    text: str
    blocks: list[Block]
    plain: str


def message(event: AnyEvent, template: EventTemplate | None = None) -> Message:
    """The event as a message; a template replaces the first line of one that is about a job."""
    said = event_words(event, foreign, template)
    headline = bounded(said.headline, MAX_SECTION)
    links = [link(one.url, one.label) for one in said.links if linkable(one.url)]
    blocks = [section(line) for line in (headline, *said.details)]
    blocks += [image(url, said.alt_text) for url in said.pictures if showable(url)][:1]
    blocks += [context(line) for line in (*said.facts, *packed(links, " · ", MAX_SECTION)[:MAX_LINK_BLOCKS])]
    plain = packed([headline, *said.details, *said.facts, *links], "\n", MAX_TEXT)[0]
    return Message(text=headline, blocks=blocks, plain=plain)
