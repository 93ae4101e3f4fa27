"""What answers to deliveries mean, and how they are quoted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from receiver.contracts import Answer
from receiver.lib.backoff import retry_after
from receiver.lib.signatures import Secret
from receiver.model.deliveries import (
    Again,
    Dead,
    Delivered,
    Outcome,
)

#: Characters of an answer that a note may quote, and the bytes they are looked for in.
MAX_QUOTE: Final = 200
MAX_QUOTED_FROM: Final = 64 * 1024
#: Of the 4xx, those that may pass: timeout, too early, too many.
TRY_LATER: Final = frozenset({408, 425, 429})


def quote(body: bytes, hide: Iterable[Secret] = ()) -> str:
    """The beginning of an answer as one plain line of at most 200 characters, with `hide` struck out."""
    text = body[:MAX_QUOTED_FROM].decode("utf-8", "replace").replace("\\/", "/")
    for key in sorted((secret.reveal() for secret in hide), key=len, reverse=True):
        text = text.replace(key, "***") if key else text
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= MAX_QUOTE else line[: MAX_QUOTE - 1] + "…"


def outcome_of(answer: Answer, now: int, hide: Iterable[Secret] = ()) -> Outcome:
    """What an answer to a delivery means. `now` is Unix ms; `hide` is struck out of what the note quotes.

    2xx done. 408, 425, 429 and 5xx: later, when Retry-After says so. Everything else dead: it would be the same again.
    """
    status = answer.status
    if status // 100 == 2:
        return Delivered(status=status)
    said = quote(answer.body, hide)
    note = f"HTTP {status}: {said}" if said else f"HTTP {status}"
    match status // 100:
        case 3:
            return Dead(note=f"HTTP {status}: redirects are not followed; configure the final address", status=status)
        case 4 if status not in TRY_LATER:
            return Dead(note=note, status=status)
        case 4 | 5:
            return Again(note=note, status=status, after=retry_after(answer.headers.get("retry-after"), now))
        case _:
            return Dead(note=note, status=status)
