"""An event as plain text, for sinks that show a title, a few lines and a picture."""

from __future__ import annotations

from collections.abc import Callable

from receiver.contracts.options import TextSource
from receiver.errors import OptionError, TemplateWrong
from receiver.model.events import AnyEvent, OperatorEvent
from receiver.model.templates import EventTemplate


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
