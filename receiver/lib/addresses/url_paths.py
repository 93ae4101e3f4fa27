"""Foreign text in the path of a URL: always one segment, or none at all."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, unquote

#: Segments that clients and servers take out of a path, `..` with the one before it.
DOTS: Final = (".", "..")


def quoted_segment(text: str) -> str:
    """The text as one segment of a path, whatever it holds: `a/b` becomes `a%2Fb`, and `%2e` becomes `%252e`.

    Raises ValueError for what can be no segment, because no quoting helps: empty text, `.`, `..`, and text that is none
    in UTF-8.
    """
    if not text or text in DOTS:
        raise ValueError(f"{text!r} cannot be a part of a path")
    return quote(text, safe="")


def leads_elsewhere(path: str) -> bool:
    """Whether a segment of a path is `.` or `..`, quoted or not, so that not everybody reads the path alike."""
    return any(unquote(segment) in DOTS for segment in path.split("/"))
