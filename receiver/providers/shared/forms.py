"""Forms as JSON would say the same: `a=1`, PHP's `a[b][]=1`, and the parts of multipart bodies."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import parse_qsl

from receiver.errors import NotJson

#: What the content types of forms begin with.
URL_ENCODED: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"
MOST_FIELDS: Final = 1000
#: How deep `a[b][c]` may go.
DEEPEST: Final = 10
_NESTED: Final = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])+)")
_KEY: Final = re.compile(r"\[([^\[\]]*)\]")
_BOUNDARY: Final = re.compile(r'boundary="?([^";,\s]{1,200})', re.IGNORECASE)
_NAME: Final = re.compile(rb'^content-disposition:[^\r\n]*?[;\s]name="([^"\r\n]*)"', re.IGNORECASE | re.MULTILINE)
_FILE: Final = re.compile(rb"^content-disposition:[^\r\n]*[;\s]filename\*?=", re.IGNORECASE | re.MULTILINE)


def is_form(content_type: str) -> bool:
    """Whether a content type is that of a form."""
    return content_type.lower().startswith((URL_ENCODED, MULTIPART))


def form_value(body: bytes, content_type: str = URL_ENCODED) -> dict[str, Any]:
    """The fields of a form, those with brackets in their names put together; files in it are left out.

    Of a field that is repeated with different values all count, as a list. Raises NotJson for what is no form.
    """
    try:
        if content_type.lower().startswith(MULTIPART):
            pairs = _parts(body, content_type)
        else:
            pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError:
        raise NotJson("neither JSON nor a form") from None
    return _put_together(pairs)


def _parts(body: bytes, content_type: str) -> list[tuple[str, str]]:
    """Names and texts of a multipart body (RFC 7578). Raises ValueError."""
    boundary = _BOUNDARY.search(content_type)
    if boundary is None:
        raise ValueError("a multipart body without a boundary")
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary[1].encode(), MOST_FIELDS + 2)
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise ValueError("a multipart body without an end")
    pairs: list[tuple[str, str]] = []
    for piece in pieces[1:-1]:
        head, _, text = piece.partition(b"\r\n\r\n")
        name = _NAME.search(head)
        if name is not None and _FILE.search(head) is None:
            pairs.append((name[1].decode(), text.decode()))
    return pairs


def _put_together(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, text in pairs:
        nested = _NESTED.fullmatch(name)
        keys = _KEY.findall(nested[2]) if nested is not None else []
        if nested is None or len(keys) >= DEEPEST:
            fields[name] = _with(fields.get(name), text)
        else:
            _put(fields, [nested[1], *keys], text)
    return {name: _listed(value) for name, value in fields.items()}


def _with(known: Any, text: str) -> Any:
    """What a field holds after one more text."""
    if known is None or known == text or isinstance(known, dict):
        return text
    return [*known, text] if isinstance(known, list) else [known, text]


def _put(fields: dict[str, Any], keys: list[str], text: str) -> None:
    """Puts a text to where its keys lead; an empty key is the next place of a list."""
    *way, last = keys
    place = fields
    for key in way:
        inner = place.setdefault(key or str(len(place)), {})
        if not isinstance(inner, dict):
            inner = place[key] = {}
        place = inner
    place[last or str(len(place))] = text


def _listed(value: Any) -> Any:
    """Objects whose names count from 0 as lists."""
    if not isinstance(value, dict):
        return value
    inner = {name: _listed(one) for name, one in value.items()}
    places = [str(place) for place in range(len(inner))]
    return [inner[place] for place in places] if inner.keys() == set(places) else inner
