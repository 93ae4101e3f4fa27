"""What templates and `if` are told of an event: `event` and `job`, as plain JSON. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from receiver.lib import ids
from receiver.lib.sandbox import TextTemplate, evaluate
from receiver.lib.times import stamp
from receiver.model.events import AnyEvent, Event, KeptEvent, OperatorData, OperatorEvent

#: Amounts are numbers: a template may compare them.
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


class EventTemplate:
    """A text about an event of a job, as the operator wrote it: `{{ job.prompt }}: {{ job.status }}`."""

    def __init__(self, source: str, escape: Callable[[str], str] = str) -> None:
        """`escape` makes each value harmless for where the text goes. Raises TemplateWrong."""
        self._template = TextTemplate(source, escape)

    def fill(self, event: AnyEvent) -> str:
        """The text for an event. Raises TemplateWrong where it cannot be filled in."""
        return self._template.fill(names_of(event))


def names_of(event: AnyEvent) -> dict[str, Any]:
    """The names that templates see, made anew for each use: `event`, and the `job` that it is about (null if none)."""
    told = msgspec.json.decode(_ENCODER.encode(event))
    return {"event": told, "job": told["data"] if isinstance(event, Event) else None}


def holds(condition: str, event: KeptEvent) -> bool:
    """Whether an `if` is true of an event. Raises TemplateWrong where that cannot be told."""
    return bool(evaluate(condition, names_of(_as_told(event))))


def _as_told(event: KeptEvent) -> AnyEvent:
    """The event as sinks are told of it."""
    source = f"gridhook/{event.data.source}" if event.data.source else "gridhook"
    common = {"id": ids.show("evt", event.number), "source": source, "time": stamp(event.at), "type": event.type}
    if isinstance(event.data, OperatorData):
        return OperatorEvent(**common, subject=event.data.subject, data=event.data)  # type: ignore[arg-type]
    return Event(**common, subject=event.data.id, data=event.data)  # type: ignore[arg-type]
