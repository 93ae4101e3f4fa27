"""Values as a person types them: a number, true, false, an object or an array in JSON is that; all else is text."""

from __future__ import annotations

from typing import Any

import msgspec

from receiver.errors import NotJson
from receiver.lib.strict_json import read_json


def read_typed(text: str) -> Any:
    """The value that a text stands for."""
    try:
        value = read_json(text.encode("utf-8", "replace"))
    except NotJson:
        return text
    return text if value is None or isinstance(value, str) else value


def typed(value: Any) -> str:
    """A value as it would be typed."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
