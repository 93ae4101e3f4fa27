"""Foreign text made harmless for Telegram's HTML."""

from __future__ import annotations

import html
import re
from typing import Final

from handlers.wording import MAX_VALUE, one_line

_TAG: Final = re.compile(r"<[^>]*>")


def escape(text: str) -> str:
    """The four characters that Telegram's HTML knows made harmless (documented: < > & ")."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def foreign(text: str, limit: int = MAX_VALUE) -> str:
    """Text that is not ours, so that it is shown as text."""
    return escape(one_line(text, limit))


def visible(text: str) -> str:
    """What people see of HTML."""
    return html.unescape(_TAG.sub("", text))


def length(text: str) -> int:
    """How long Telegram takes HTML to be: what people see of it, in units of UTF-16."""
    return len(visible(text).encode("utf-16-le", "replace")) // 2


def cut(text: str, limit: int) -> str:
    """At most `limit` units of plain text, never half a character."""
    return text.encode("utf-16-le", "replace")[: 2 * limit].decode("utf-16-le", "ignore")
