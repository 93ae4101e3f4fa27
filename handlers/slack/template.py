"""The operator's own first line of a message."""

from __future__ import annotations

from string import Formatter
from typing import Final

from handlers.slack.wording import MAX_SECTION, bounded, foreign, words
from receiver.errors import OptionError, raise_option_errors
from receiver.lib.nearest import nearest
from receiver.model.events import Event
from receiver.model.jobs import Job

#: Names that a template may use.
FIELDS: Final = frozenset({"type", "time", "event_id", *Job.__struct_fields__})


def check_template(text: str) -> None:
    """Raises OptionError, or a group of them, for a text that is no template."""
    Template(text, key="")


class Template:
    """A first line with {field} placeholders: plain names only, no attributes, indexes or formats."""

    def __init__(self, text: str, *, key: str = "text") -> None:
        """Raises OptionError for braces that do not fit and for names that are no field (a group, if several are).

        `key` is the name of the option that holds the text.
        """
        try:
            parts = list(Formatter().parse(text))
        except ValueError as wrong:
            raise OptionError(key, f"cannot be read: {wrong}", "write a brace that is no placeholder twice") from None
        raise_option_errors(
            [
                OptionError(key, f"{{{name}}} is no placeholder", nearest(name, sorted(FIELDS)))
                for _, name, form, conversion in parts
                if name is not None and (name not in FIELDS or form or conversion)
            ]
        )
        self._parts = [(literal, name) for literal, name, _, _ in parts]

    def fill(self, event: Event) -> str:
        """The line for an event: the operator's own words as they are, values escaped."""
        own = {"type": event.type, "time": event.time, "event_id": event.id}
        filled = (
            literal + (foreign(words(own.get(name) or getattr(event.data, name, None))) if name else "")
            for literal, name in self._parts
        )
        return bounded("".join(filled), MAX_SECTION)
