"""Foreign text made harmless for Discord."""

from __future__ import annotations

import re
from typing import Final

from handlers.wording import MAX_VALUE, one_line

#: What Discord's Markdown, its mentions, emoji and links begin or end with.
SPECIAL: Final = re.compile(r"([\\*_~`|>#\[\]()<:@+-])")


def escape(text: str) -> str:
    """Text with a backslash before all that would be more than text."""
    return SPECIAL.sub(r"\\\1", text)


def foreign(text: str, limit: int = MAX_VALUE) -> str:
    """Text that is not ours, so that it is shown as text."""
    return escape(one_line(text, limit))


def bounded(text: str, limit: int) -> str:
    """At most `limit` characters, never ending with half an escape."""
    return text if len(text) <= limit else text[: limit - 1].rstrip("\\") + "…"
