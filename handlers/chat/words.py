"""What a message says about an event, whatever the platform. Everything foreign in it is text of that platform."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

import msgspec

from handlers.text import first_line
from handlers.wording import MAX_VALUE, words
from receiver.model.events import AnyEvent, Event, EventType, OperatorEvent, OperatorEventType
from receiver.model.jobs import Job
from receiver.model.templates import EventTemplate

EMOJI: Final[dict[EventType, str]] = {
    "job.progress": "⏳",
    "job.completed": "✅",
    "job.updated": "🔄",
    "job.failed": "❌",
    "job.canceled": "⛔",
    "job.held": "✋",
    "job.submitted": "📤",
    "job.unsure": "❔",
    "job.archived": "🖼️",
    "job.archive_failed": "⚠️",
}
OPERATOR_EMOJI: Final[dict[OperatorEventType, str]] = {
    "source.stopped": "🛑",
    "source.recovered": "✅",
    "source.webhooks_missing": "📭",
    "source.refused_requests": "🔒",
    "sink.failing": "🛑",
    "sink.recovered": "✅",
    "delivery.dead": "💀",
}
#: Parameters that tell one action from another of its name.
TELLING: Final = ("index", "kind", "strength", "factor", "direction")


class ForeignText(Protocol):
    """A platform's way to show text that is not ours as text: on one line, shortened, escaped."""

    def __call__(self, text: str, limit: int = MAX_VALUE) -> str:
        """At most `limit` characters of the text, before they are escaped."""
        ...


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """An address that a message links to, as the vendor tells it, with our label."""

    url: str
    label: str


class ChatWords(msgspec.Struct, frozen=True, kw_only=True):
    """What a message says, in the platform's own text; only the addresses are raw."""

    headline: str
    #: Lines below it.
    details: tuple[str, ...] = ()
    #: Lines in small print.
    facts: tuple[str, ...] = ()
    #: Addresses of pictures, the one to show first.
    pictures: tuple[str, ...] = ()
    #: The shown picture in words, for who cannot see it; plain text.
    alt_text: str = ""
    links: tuple[Link, ...] = ()


def event_words(
    event: AnyEvent, foreign: ForeignText, template: EventTemplate | None = None, ancestors: Sequence[Job] = ()
) -> ChatWords:
    """What is said about an event; a template replaces the first line about one of a job.

    `ancestors` are the job's parent, grandparent ... up to the root: their prompt is its own, where it has none.
    """
    if isinstance(event, OperatorEvent):
        return _operator_words(event, foreign)
    job = event.data
    links = tuple(_links(job))
    return ChatWords(
        headline=first_line(event, template) or _headline(event, foreign),
        details=tuple(line for line in _details(event, foreign) if line),
        facts=tuple(
            line
            for line in (_prompt(job, ancestors, foreign), _family(job, ancestors, foreign), _facts(job, foreign))
            if line
        ),
        pictures=tuple(link.url for link in links),
        alt_text=f"{label_of(job)} of {job.source}",
        links=links,
    )


def _operator_words(event: OperatorEvent, foreign: ForeignText) -> ChatWords:
    kind, _, what = event.type.partition(".")
    told = msgspec.to_builtins(event.data)
    reason = f"Reason: {foreign(told.pop('reason'), 2 * MAX_VALUE)}"
    rest = {name: value for name, value in told.items() if value != event.subject}
    facts = " · ".join(f"{name.replace('_', ' ')} {foreign(words(value))}" for name, value in rest.items())
    return ChatWords(
        headline=f"{OPERATOR_EMOJI[event.type]} {kind} {foreign(event.subject, 80)}: {what.replace('_', ' ')}",
        details=(reason,),
        facts=(facts,) if facts else (),
    )


def _headline(event: Event, foreign: ForeignText) -> str:
    job = event.data
    what, source = foreign(label_of(job), 80), foreign(job.source, 80)
    ends = {
        "job.progress": f"{what} of {source} is at {job.progress} %",
        "job.updated": f"{what} of {source} has news",
        "job.submitted": f"{what} of {source} is on its way",
        "job.held": f"{what} of {source} waits",
        "job.archived": f"{what} of {source} is in the archive",
        "job.archive_failed": f"{what} of {source} could not be archived",
        "job.unsure": f"It is not known whether {source} took the order: {what}",
    }
    return f"{EMOJI[event.type]} {ends.get(event.type) or f'{what} of {source} {job.status}'}"


def label_of(job: Job) -> str:
    """What a job does, in a word or two: `pick 2`."""
    if job.action is None:
        return "a job"
    return " ".join([job.action, *(words(job.params[name]) for name in TELLING if name in job.params)])


def _details(event: Event, foreign: ForeignText) -> Iterator[str]:
    job = event.data
    if job.error:
        yield f"Reason: {foreign(words(job.error), 2 * MAX_VALUE)}"
    if job.warning == "no_picture":
        yield "⚠️ The vendor told no picture"
    if job.hold:
        yield f"Waits for: {foreign(words(job.hold))}"
    if event.type == "job.unsure":
        yield f"Settle it with `gridhook resolve {foreign(job.id)} check`, `send` or `give-up`"


def prompt_line(job: Job, foreign: ForeignText) -> str:
    """The prompt, shown as text; empty if there is none."""
    return f"Prompt: {foreign(job.prompt)}" if job.prompt and job.prompt.strip() else ""


def _prompt(job: Job, ancestors: Sequence[Job], foreign: ForeignText) -> str:
    return next((line for line in (prompt_line(one, foreign) for one in (job, *ancestors)) if line), "")


def _family(job: Job, ancestors: Sequence[Job], foreign: ForeignText) -> str:
    """How the job came about, from its root on: `imagine → pick 2 → upscale 2x`; empty for a root."""
    steps = [foreign(label_of(one), 80) for one in (*reversed(ancestors), job)]
    return f"From: {' → '.join(steps)}" if ancestors else ""


def _facts(job: Job, foreign: ForeignText) -> str:
    named = {
        "cost": job.cost,
        "rule": job.rule,
        "tags": job.tags,
        "job": job.id,
        f"id at {job.provider}": job.provider_job_id,
    }
    return " · ".join(f"{foreign(name, 80)} {foreign(words(value))}" for name, value in named.items() if value)


def _links(job: Job) -> Iterator[Link]:
    """The pictures, the one to show first: the grid, or else the single ones."""
    if job.grid_url:
        yield Link(url=job.grid_url, label="grid")
    for one in job.images:
        yield Link(url=one.open_url, label=f"picture {one.index}" if len(job.images) > 1 else "picture")


def packed(lines: tuple[str, ...] | list[str], joint: str, limit: int) -> list[str]:
    """The lines, joined to as few texts of at most `limit` characters as they need; no line is divided."""
    texts: list[str] = []
    for line in lines:
        if texts and len(texts[-1]) + len(joint) + len(line) <= limit:
            texts[-1] += joint + line
        else:
            texts.append(line)
    return texts
