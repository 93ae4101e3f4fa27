"""The operator's own first line of a message."""

from __future__ import annotations

from string import Formatter
from typing import Final

from handlers.slack.wording import MAX_SECTION, bounded, foreign, words
from receiver.errors import InvalidParams
from receiver.model.events import Event
from receiver.model.jobs import Job

#: Names that a template may use.
FIELDS: Final = frozenset({"type", "time", "event_id", *Job.__struct_fields__})


class Template:
    """A first line with {field} placeholders: plain names only, no attributes, indexes or formats."""

    def __init__(self, text: str) -> None:
        """Raises InvalidParams for braces that do not fit and for names that are no field."""
        try:
            parts = list(Formatter().parse(text))
        except ValueError as wrong:
            raise InvalidParams(f"text: {wrong}; write a brace that is no placeholder twice") from None
        for _, name, form, conversion in parts:
            if name is not None and (name not in FIELDS or form or conversion):
                raise InvalidParams(f"text: {{{name}}} is no placeholder; use {{name}} of {', '.join(sorted(FIELDS))}")
        self._parts = [(literal, name) for literal, name, _, _ in parts]

    def fill(self, event: Event) -> str:
        """The line for an event: the operator's own words as they are, values escaped."""
        own = {"type": event.type, "time": event.time, "event_id": event.id}
        filled = (
            literal + (foreign(words(own.get(name) or getattr(event.data, name, None))) if name else "")
            for literal, name in self._parts
        )
        return bounded("".join(filled), MAX_SECTION)
