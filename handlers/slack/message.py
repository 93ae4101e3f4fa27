"""An event as a Slack message. Everything foreign in it is text: escaped, shortened, on one line."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import msgspec

from handlers.chat.words import event_words, packed
from handlers.slack.blocks import Block, context, fitting, image, link, linkable, section, showable
from handlers.slack.buttons import rows
from handlers.slack.wording import MAX_SECTION, bounded, foreign
from receiver.model.deliveries import QuestionButton
from receiver.model.events import AnyEvent
from receiver.model.jobs import Job
from receiver.model.templates import EventTemplate

#: Characters of the message's own text; Slack cuts it at 40,000 (documented).
MAX_TEXT: Final = 20_000
#: Blocks of links; a message may have 50 blocks (documented).
MAX_LINK_BLOCKS: Final = 10


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown: `text` with blocks, or `plain` alone if Slack will not have the blocks."""

    text: str
    #: The blocks above the picture and below it.
    above: list[Block]
    below: list[Block]
    #: Addresses of pictures, the one to show first.
    pictures: tuple[str, ...] = ()
    #: The picture in words.
    alt_text: str = ""
    plain: str

    @property
    def blocks(self) -> list[Block]:
        """The blocks, with the first picture that Slack can be expected to show."""
        return self.blocks_with(next((image(url, self.alt_text) for url in self.pictures if showable(url)), None))

    def blocks_with(self, picture: Block | None) -> list[Block]:
        """The blocks, as many as fit, with this picture; None: with none."""
        return fitting([*self.above, *([picture] if picture is not None else []), *self.below])


def message(
    event: AnyEvent,
    template: EventTemplate | None = None,
    *,
    ancestors: Sequence[Job] = (),
    buttons: Sequence[QuestionButton] = (),
    confirm_above: Decimal | None = None,
) -> Message:
    """The event as a message; a template replaces the first line of one that is about a job."""
    said = event_words(event, foreign, template, ancestors)
    headline = bounded(said.headline, MAX_SECTION)
    links = [link(one.url, one.label) for one in said.links if linkable(one.url)]
    below = [context(line) for line in (*said.facts, *packed(links, " · ", MAX_SECTION)[:MAX_LINK_BLOCKS])]
    tiles = [one for one in buttons if one.label[:1] == "U"]
    others = [one for one in buttons if one.label[:1] != "U"]
    return Message(
        text=headline,
        above=[section(line) for line in (headline, *said.details)],
        below=[*below, *rows((("tiles", tiles), ("others", others)), confirm_above)],
        pictures=said.pictures,
        alt_text=said.alt_text,
        plain=packed([headline, *said.details, *said.facts, *links], "\n", MAX_TEXT)[0],
    )
