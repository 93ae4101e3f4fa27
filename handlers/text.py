"""An event as plain text, for sinks that show a title, a few lines and a picture."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from handlers.wording import one_line, words
from receiver.contracts.options import TextSource
from receiver.errors import OptionError, TemplateWrong
from receiver.model.events import AnyEvent, OperatorEvent
from receiver.model.jobs import Job
from receiver.model.templates import EventTemplate

MAX_TITLE: Final = 120
MAX_LINK: Final = 2_000


def template_of(
    source: TextSource | None, escape: Callable[[str], str] = str, key: str = "text"
) -> EventTemplate | None:
    """The operator's template, if there is one; `escape` is applied to every value. Raises OptionError under `key`."""
    if not source:
        return None
    try:
        return EventTemplate(source, escape)
    except TemplateWrong as wrong:
        raise OptionError(key, str(wrong), "correct the template") from None


def first_line(event: AnyEvent, template: EventTemplate | None) -> str:
    """What the operator's template says of a job's event; empty where there is none, and if it cannot be filled in."""
    if template is None or isinstance(event, OperatorEvent):
        return ""
    try:
        return template.fill(event).strip()
    except TemplateWrong:
        return ""


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of an event, as plain text: everything foreign in it is on one line and shortened."""

    title: str
    #: The operator's own text, or why, what for and where, a line each.
    lines: tuple[str, ...]
    #: Address of the picture to show: the grid, or else the first one.
    picture: str | None = None
    #: Addresses of all pictures.
    links: tuple[str, ...] = ()

    def text(self, limit: int) -> str:
        """The lines and links, as many as fit into `limit` bytes of UTF-8; never half a line but the first."""
        said = ""
        for line in (*self.lines, *self.links):
            longer = f"{said}\n{line}" if said else cut(line, limit)
            if len(longer.encode()) > limit:
                break
            said = longer
        return said


def summary(event: AnyEvent, template: EventTemplate | None = None) -> Summary:
    """An event in a title and a few lines."""
    if isinstance(event, OperatorEvent):
        kind, _, what = event.type.partition(".")
        title = f"{kind} {one_line(event.subject, MAX_TITLE)}: {what.replace('_', ' ')}"
        return Summary(title=title, lines=(one_line(event.data.reason),))
    job = event.data
    pictures = tuple(url for url in (job.grid_url, *(image.open_url for image in job.images)) if url and is_web(url))
    own = first_line(event, template)
    return Summary(
        title=one_line(f"{job.action or 'a job'} of {job.source}: {event.type.partition('.')[2]}", MAX_TITLE),
        lines=tuple(own.splitlines()) if own else tuple(_lines(job)),
        picture=pictures[0] if pictures else None,
        links=pictures,
    )


def _lines(job: Job) -> Iterator[str]:
    for name, value in (
        ("Prompt", job.prompt),
        ("Reason", job.error),
        ("Waits for", job.hold),
        ("Cost", job.cost),
        ("Tags", job.tags),
        ("Job", job.id),
    ):
        if value:
            yield f"{name}: {one_line(words(value))}"


def is_web(url: str) -> bool:
    """Whether an address can be shown as a link: http(s), no more than 2,000 characters, nothing odd in it."""
    return len(url) <= MAX_LINK and bool(re.fullmatch(r"https?://[^\s<>\"'\\^`{|}\x00-\x1f\x7f-\xa0]+", url))


def cut(text: str, limit: int) -> str:
    """At most `limit` bytes of a text in UTF-8, never half a character."""
    return text.encode("utf-8", "replace")[:limit].decode("utf-8", "ignore")
