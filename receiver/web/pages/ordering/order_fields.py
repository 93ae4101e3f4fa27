"""The fields of the form for a new order, made from what the vendor's action takes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from receiver.contracts import Source
from receiver.model.actions import PARAMETERS, ROOTS
from receiver.model.typed_text import read_typed, typed
from receiver.views.order_schemas import PARAMETERS as SCHEMAS
from receiver.web.pages.forms import Form

#: What begins the name of a parameter's field.
PREFIX: Final = "p."
#: What can be ordered from nothing; first what is ordered most.
ACTIONS: Final = ("imagine", *sorted(ROOTS - {"imagine"}))
#: Several lines of text, one value a line.
LISTS: Final = frozenset({"image_urls", "images"})
#: What is offered beside what can be typed.
SUGGESTED: Final[dict[str, tuple[str, ...]]] = {
    "aspect_ratio": ("1:1", "16:9", "9:16", "3:2", "2:3", "4:3", "3:4", "21:9"),
}


class OrderField(msgspec.Struct, frozen=True, kw_only=True):
    """One field."""

    #: Of the parameter.
    name: str
    kind: str
    hint: str
    value: str
    suggested: tuple[str, ...] = ()
    #: False for what only this vendor has.
    is_canonical: bool = True

    @property
    def field(self) -> str:
        """The field's name in the form."""
        return PREFIX + self.name


def fields_of(source: Source, action: str, values: dict[str, Any]) -> list[OrderField]:
    """The fields of an action at a source, filled with these values; the prompt first, the vendor's own last."""
    canonical = PARAMETERS.get(action, frozenset())
    names = source.provider.parameters(action) | canonical | values.keys()
    order = sorted(names, key=lambda name: (name != "prompt", name not in canonical, name))
    return [_field(name, values.get(name), is_canonical=name in canonical) for name in order]


def values_in(form: Form, names: Iterable[str]) -> dict[str, Any]:
    """The parameters that a form gives; what is left empty is not given."""
    found: dict[str, Any] = {}
    for name in names:
        text = form.one(PREFIX + name).strip()
        if text:
            found[name] = _value(name, text)
    return found


def _field(name: str, value: Any, *, is_canonical: bool) -> OrderField:
    kind = "prompt" if name == "prompt" else "lines" if name in LISTS else "text"
    shown = "\n".join(map(str, value)) if isinstance(value, list) else "" if value is None else typed(value)
    hint = str(SCHEMAS.get(name, {}).get("description", "")).replace("`", "")
    return OrderField(
        name=name, kind=kind, hint=hint, value=shown, suggested=SUGGESTED.get(name, ()), is_canonical=is_canonical
    )


def _value(name: str, text: str) -> Any:
    if name in LISTS:
        return [line.strip() for line in text.splitlines() if line.strip()]
    return text if name in ("prompt", "version", "aspect_ratio") else read_typed(text)
