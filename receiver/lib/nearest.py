"""What somebody most likely meant by a name that is not known."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches


def nearest(given: str, known: Collection[str]) -> str:
    """A remedy in words: the known name that looks most like `given`, else all of them."""
    close = get_close_matches(given, known, n=1)
    if close:
        return f'did you mean "{close[0]}"?'
    return f"there are: {', '.join(known)}" if known else "there are none"
