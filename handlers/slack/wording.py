"""Foreign text made harmless for Slack."""

from __future__ import annotations

import re
from typing import Final

from handlers.wording import MAX_VALUE, one_line

#: Characters of a section's text (documented).
MAX_SECTION: Final = 3000


def escape(text: str) -> str:
    """Slack's three special characters made harmless (documented: & < > and no others)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def foreign(text: str, limit: int = MAX_VALUE) -> str:
    """Text that is not ours, so that it is shown as text."""
    return escape(one_line(text, limit))


def bounded(text: str, limit: int) -> str:
    """At most `limit` characters, never ending within an escape such as `&amp;`."""
    return text if len(text) <= limit else re.sub(r"&[a-z]{0,3}$", "", text[: limit - 1]) + "…"
