"""An event as a Slack message. Everything foreign in it is text: escaped, shortened, on one line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from handlers.slack.blocks import Block, context, image, link, linkable, packed, section, showable
from handlers.slack.wording import MAX_SECTION, bounded, foreign
from handlers.text import first_line
from handlers.wording import MAX_VALUE, words
from receiver.model.events import AnyEvent, Event, EventType, OperatorEvent, OperatorEventType
from receiver.model.jobs import Job
from receiver.model.templates import EventTemplate

#: Characters of the message's own text; Slack cuts it at 40,000 (documented).
MAX_TEXT: Final = 20_000
#: Blocks of links; a message may have 50 blocks (documented).
MAX_LINK_BLOCKS: Final = 10

EMOJI: Final[dict[EventType, str]] = {
    "job.progress": ":hourglass_flowing_sand:",
    "job.completed": ":white_check_mark:",
    "job.updated": ":arrows_counterclockwise:",
    "job.failed": ":x:",
    "job.canceled": ":no_entry_sign:",
    "job.held": ":raised_hand:",
    "job.submitted": ":outbox_tray:",
    "job.unsure": ":grey_question:",
    "job.archived": ":frame_with_picture:",
    "job.archive_failed": ":warning:",
}
OPERATOR_EMOJI: Final[dict[OperatorEventType, str]] = {
    "source.stopped": ":octagonal_sign:",
    "source.recovered": ":white_check_mark:",
    "source.webhooks_missing": ":mailbox_with_no_mail:",
    "source.refused_requests": ":lock:",
    "sink.failing": ":octagonal_sign:",
    "sink.recovered": ":white_check_mark:",
    "delivery.dead": ":skull:",
}
#: Parameters that tell one action from another of its name.
TELLING: Final = ("index", "kind", "strength", "factor", "direction")


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown: `text` with `blocks`, or `plain` alone if Slack will not have the blocks."""

    text: str
    blocks: list[Block]
    plain: str


def message(event: AnyEvent, template: EventTemplate | None = None) -> Message:
    """The event as a message; a template replaces the first line of one that is about a job."""
    if isinstance(event, OperatorEvent):
        return _operator_message(event)
    job = event.data
    headline = bounded(first_line(event, template), MAX_SECTION) or _headline(event)
    links = [link(url, label) for url, label in _pictures(job) if linkable(url)]
    details = [line for line in (_error(job), _warning(job), _hold(job), _remedy(event)) if line]
    facts = [line for line in (prompt_line(job), _facts(job)) if line]
    blocks = [section(line) for line in (headline, *details)]
    blocks += [image(url, f"{label_of(job)} of {job.source}") for url, _ in _pictures(job) if showable(url)][:1]
    blocks += [context(line) for line in (*facts, *packed(links, " · ", MAX_SECTION)[:MAX_LINK_BLOCKS])]
    plain = packed([headline, *details, *facts, *links], "\n", MAX_TEXT)[0]
    return Message(text=headline, blocks=blocks, plain=plain)


def _operator_message(event: OperatorEvent) -> Message:
    kind, _, what = event.type.partition(".")
    headline = f"{OPERATOR_EMOJI[event.type]} {kind} {foreign(event.subject, 80)}: {what.replace('_', ' ')}"
    told = msgspec.to_builtins(event.data)
    reason = f"Reason: {foreign(told.pop('reason'), 2 * MAX_VALUE)}"
    rest = {name: value for name, value in told.items() if value != event.subject}
    facts = " · ".join(f"{name.replace('_', ' ')} {foreign(words(value))}" for name, value in rest.items())
    blocks = [section(headline), section(reason), *([context(facts)] if facts else [])]
    plain = "\n".join(line for line in (headline, reason, facts) if line)
    return Message(text=headline, blocks=blocks, plain=plain)


def _headline(event: Event) -> str:
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


def _error(job: Job) -> str:
    return f"Reason: {foreign(words(job.error), 2 * MAX_VALUE)}" if job.error else ""


def _warning(job: Job) -> str:
    return ":warning: The vendor told no picture" if job.warning == "no_picture" else ""


def _hold(job: Job) -> str:
    return f"Waits for: {foreign(words(job.hold))}" if job.hold else ""


def _remedy(event: Event) -> str:
    if event.type != "job.unsure":
        return ""
    return f"Settle it with `gridhook resolve {foreign(event.data.id)} check`, `send` or `give-up`"


def prompt_line(job: Job) -> str:
    """The prompt, shown as text; empty if there is none."""
    return f"Prompt: {foreign(job.prompt)}" if job.prompt and job.prompt.strip() else ""


def _facts(job: Job) -> str:
    named = {
        "cost": job.cost,
        "rule": job.rule,
        "tags": job.tags,
        "job": job.id,
        f"id at {job.provider}": job.provider_job_id,
    }
    return " · ".join(f"{foreign(name, 80)} {foreign(words(value))}" for name, value in named.items() if value)


# --- pictures --------------------------------------------------------------------------------------------------------


def _pictures(job: Job) -> Iterator[tuple[str, str]]:
    """Addresses with labels, the one to show first: the grid, or else the single pictures."""
    if job.grid_url:
        yield job.grid_url, "grid"
    for one in job.images:
        yield one.open_url, f"picture {one.index}" if len(job.images) > 1 else "picture"
