"""`/manual`: the user's manual, one topic a page."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from receiver.manual.topics import Topic, topic, topics
from receiver.web.pages.authentication.visits import Visitor, Visits
from receiver.web.pages.desk import Desk

#: A link from one topic to another, as it stands in the files: `slack.md`, `slack.md#buttons`.
TO_TOPIC: Final = re.compile(r"([a-z-]+)\.md(#.*)?")


class ManualPages:
    """The list of topics, and each of them."""

    def __init__(self, desk: Desk, visits: Visits) -> None:
        self._desk = desk
        self._visits = visits

    def routes(self) -> list[Route]:
        reading = self._visits.reading
        return [
            Route("/manual", reading(self.topic), methods=["GET"]),
            Route("/manual/{topic}", reading(self.topic), methods=["GET"]),
        ]

    async def topic(self, request: Request, visitor: Visitor) -> Response:
        """One page with all topics beside it; the first where none is named."""
        every = topics()
        shown = topic(request.path_params.get("topic", every[0].name))
        _, above = await self._desk.look(lambda tx: None)
        return await self._desk.show(
            "manual.html", visitor, above, place="/manual", topics=every, shown=shown, text=_html(shown)
        )


@cache
def _html(shown: Topic) -> Markup:
    """A topic's text as HTML; each heading can be linked to, and links between files lead to pages."""
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = reader.parse(shown.text)
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrSet("id", _anchor(tokens[at + 1].content))
        if token.type in ("fence", "code_block", "table_open"):
            # What is wider than its box is scrolled, by keyboard too.
            token.attrSet("tabindex", "0")
        for inner in token.children or ():
            _lead_to_pages(inner)
    # Our own text, of which the reader takes no HTML.
    return Markup(reader.renderer.render(tokens, reader.options, {}))  # noqa: S704


def _anchor(heading: str) -> str:
    """What a heading is linked by: its words in small letters, with hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")


def _lead_to_pages(token: Token) -> None:
    found = TO_TOPIC.fullmatch(str(token.attrGet("href") or "")) if token.type == "link_open" else None
    if found is not None:
        token.attrSet("href", f"/manual/{found[1]}{found[2] or ''}")
