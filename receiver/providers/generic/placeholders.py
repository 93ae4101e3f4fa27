"""Templates with placeholders such as `{prompt}`: whatever a value holds, it breaks out of no place that it stands in.

In JSON a placeholder that is a whole text becomes the value as JSON, and what is not given leaves its key out; within a
longer text it is put in as text. In headers and addresses it is put in as text that is escaped for these.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

import msgspec

from receiver.errors import InvalidParams, NotJson, OptionError
from receiver.lib.addresses.url_paths import DOTS
from receiver.lib.nearest import nearest
from receiver.lib.strict_json import read_json

#: What is given, by the names of placeholders; what is not there is not given.
Values = Mapping[str, Any]

PLACEHOLDER: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_.-]*)\}")
#: What was meant as one, as in other templates' languages.
LIKE_ONE: Final = re.compile(r"\{+\s*([A-Za-z_][A-Za-z0-9_.-]*)\s*\}+")
#: The free names: whatever stands behind is a parameter's name.
PARAMS: Final = "params."
#: What may stand in a header as it is: visible ASCII and the space.
IN_HEADERS: Final = "".join(map(chr, range(0x20, 0x7F)))
_NOT_GIVEN: Final = object()


def names_in(text: str) -> list[str]:
    """The names of the placeholders in a text."""
    return PLACEHOLDER.findall(text)


def mistakes_in(key: str, text: str, known: frozenset[str]) -> Iterator[OptionError]:
    """What cannot be meant in a text: placeholders that do not exist, or that are written as elsewhere."""
    for match in LIKE_ONE.finditer(text):
        name = match[1]
        if name in known or (name.startswith(PARAMS) and PARAMS in known and name != PARAMS):
            if match[0] != f"{{{name}}}":
                yield OptionError(key, f"has {match[0]}, which is put in as it stands", f"write {{{name}}}")
            continue
        yield OptionError(key, f"has a placeholder {{{name}}} that does not exist", _meant(name, known))


def _meant(name: str, known: frozenset[str]) -> str:
    """What would be right in place of a placeholder that does not exist."""
    names = sorted(known - {PARAMS})
    if PARAMS not in known:
        return nearest(name, names)
    parameter = PARAMS + name.rpartition(".")[2]
    remedy = nearest(name, sorted({*names, parameter}))
    return remedy if remedy.startswith("did you mean") else f"a parameter is {{{parameter}}}; besides {remedy}"


def as_text(value: Any) -> str:
    """A value within a longer text: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def fill_text(text: str, values: Values) -> str:
    """The text with every value in its place, nothing for one that is not given."""
    return PLACEHOLDER.sub(lambda found: as_text(values.get(found[1], "")), text)


def fill_header(text: str, values: Values) -> str | None:
    """The same for a header: what no header can hold is percent-encoded. None if a value is not given."""
    if any(name not in values for name in names_in(text)):
        return None
    return PLACEHOLDER.sub(lambda found: quote(as_text(values[found[1]]), safe=IN_HEADERS), text)


def fill_path(path: str, values: Values) -> str:
    """The path of an address with every value as a part of one segment.

    Raises InvalidParams where one is not given, or would lead elsewhere (`.` and `..`).
    """
    segments = [_fill_segment(segment, values) for segment in path.split("/")]
    return "/".join(segments)


def _fill_segment(segment: str, values: Values) -> str:
    names = names_in(segment)
    for name in names:
        if values.get(name) in (None, ""):
            raise InvalidParams(f"the address needs {name}")
    filled = PLACEHOLDER.sub(lambda found: quote(as_text(values[found[1]]), safe=""), segment)
    if names and filled in DOTS:
        raise InvalidParams(f"{names[0]} cannot be a part of an address")
    return filled


def fill_query(query: str, values: Values) -> str:
    """The query of an address; a pair whose value is not given is left out."""
    pairs = [pair for pair in query.split("&") if all(name in values for name in names_in(pair))]
    return "&".join(PLACEHOLDER.sub(lambda found: quote(as_text(values[found[1]]), safe=""), pair) for pair in pairs)


def fill_json(template: Any, values: Values) -> Any:
    """JSON with every value in its place. A text that holds JSON itself is filled in as JSON, so it stays JSON."""
    filled = _fill(template, values)
    return None if filled is _NOT_GIVEN else filled


def _fill(template: Any, values: Values) -> Any:
    if isinstance(template, dict):
        inner = {name: _fill(value, values) for name, value in template.items()}
        return {name: value for name, value in inner.items() if value is not _NOT_GIVEN}
    if isinstance(template, list):
        return [value for item in template if (value := _fill(item, values)) is not _NOT_GIVEN]
    if not isinstance(template, str):
        return template
    whole = PLACEHOLDER.fullmatch(template)
    if whole is not None:
        return values.get(whole[1], _NOT_GIVEN)
    held = json_within(template)
    if held is not None:
        return msgspec.json.encode(_fill(held, values)).decode()
    return fill_text(template, values)


def json_within(text: str) -> dict[str, Any] | list[Any] | None:
    """The object or list that a template's text holds as JSON, if it has placeholders."""
    return _json(text) if names_in(text) else None


def is_json_but_for_quotes(text: str) -> bool:
    """Whether a text would hold JSON if placeholders in it stood in quotes: as it is, values could break out of it."""
    if not names_in(text) or '"' not in text or _json(text) is not None:
        return False
    return _json(PLACEHOLDER.sub("0", text)) is not None


def _json(text: str) -> dict[str, Any] | list[Any] | None:
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        value = read_json(text.encode("utf-8", "replace"))
    except NotJson:
        return None
    return value if isinstance(value, dict | list) else None


def texts_of(template: Any) -> Iterator[str]:
    """Every text in JSON that placeholders may stand in."""
    if isinstance(template, str):
        yield template
    for inner in template.values() if isinstance(template, dict) else template if isinstance(template, list) else ():
        yield from texts_of(inner)


def members_of(template: Any) -> Iterator[str]:
    """Every name of an object's member in JSON."""
    if isinstance(template, dict):
        yield from template
    for inner in template.values() if isinstance(template, dict) else template if isinstance(template, list) else ():
        yield from members_of(inner)
