"""What a failure means, by the vendor's words, its code and its status; what is not known may not be tried again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from receiver.model.jobs import ErrorCode, JobError
from receiver.providers.shared import reading
from receiver.providers.shared.failure_words import meaning_of

#: Pieces of plain text, and codes, that mean an error code.
Meanings = Mapping[ErrorCode, Iterable[str]]

BY_STATUS: Final[dict[int, ErrorCode]] = {
    400: "invalid_params",
    401: "auth",
    402: "insufficient_credits",
    403: "auth",
    404: "invalid_params",
    408: "provider_timeout",
    409: "unsupported",
    422: "invalid_params",
    429: "rate_limited",
    504: "provider_timeout",
}
RETRYABLE: Final = frozenset({"rate_limited", "queue_full", "provider_timeout", "provider_error"})
#: What stands in the place of a reason where there is none.
NOTHING: Final = frozenset(
    {"", "ok", "okay", "done", "completed", "complete", "finished", "none", "null", "nil", "undefined", "n a", "0",
     "200", "false", "no error", "no errors"}
)  # fmt: skip
#: What stands in an envelope that arrived well ("Request successful", "操作成功"): it is no reason, unless it goes on.
_PRAISE: Final = re.compile(r"\b(?:success|successful|successfully|succeeded|succeed)\b|成功")
_DOUBT: Final = re.compile(
    r"\b(?:not|no|nothing|never|but|however|already|without|unable|cannot|could|fail\w*|errors?)\b|失败|未|不|没|无|错误|但"
)
LONGEST_PRAISE: Final = 100
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_GAP: Final = re.compile(r"[\W_]+")
#: Numbers of this length that are written as codes are read as an HTTP status.
STATUS_LENGTH: Final = 3


def failure(
    message: str | None,
    provider_code: Any = None,
    status: int | None = None,
    *,
    word: str | None = None,
    own: Meanings | None = None,
) -> JobError:
    """A job's error from what the vendor says: its message, its own code, the HTTP status, its status word.

    `own` goes before the usual meanings. `retryable` only where it is known that the same order may succeed later.
    """
    told = reading.text(provider_code, reading.ID_LENGTH)
    said = message or (f"HTTP {status}" if status else word) or told or "the provider gave no reason"
    heard = f" {plain(' '.join(filter(None, (message, told, word))))} "
    http = status or _http_of(told)
    code, is_known = _meaning(heard, told, http, own or {})
    return JobError(code=code, provider_code=told, message=said[:1000], retryable=is_known and code in RETRYABLE)


def plain(text: str) -> str:
    """Text as it is compared: `invalidApiKey` and `INVALID_API-KEY` are `invalid api key`."""
    return _GAP.sub(" ", _CAMEL.sub(" ", text)).strip().lower()


def is_reason(message: str) -> bool:
    """Whether a text can be the reason of a failure; an envelope's "success" is none, nor is "none" itself."""
    return len(message) > LONGEST_PRAISE or _is_reason(message)


@lru_cache(1024)
def _is_reason(message: str) -> bool:
    """Remembered: nearly every good answer of a vendor has the same words here."""
    heard = plain(message)
    if heard in NOTHING:
        return False
    return _PRAISE.search(heard) is None or _DOUBT.search(heard) is not None or meaning_of(f" {heard} ") is not None


def is_code(code: str, own: Meanings) -> bool:
    """Whether a vendor's code says by itself that something failed: "nsfw" and "E1102" do, "OK" and 1 do not."""
    if not is_reason(code):
        return False
    return not code.isdecimal() or _meaning(f" {plain(code)} ", code, _http_of(code), own)[1]


def _meaning(heard: str, told: str | None, http: int | None, own: Meanings) -> tuple[ErrorCode, bool]:
    """The code, and whether anything told it."""
    for code, pieces in own.items():
        if any(_is_told(piece, heard, told) for piece in pieces):
            return code, True
    usual = meaning_of(heard)
    if usual is not None:
        return usual, True
    if http is None:
        return "provider_error", False
    return BY_STATUS.get(http, "provider_error"), http >= 500 or http in BY_STATUS


def _is_told(piece: str, heard: str, told: str | None) -> bool:
    """Whether a piece of text, or a code as a whole, was said."""
    known = plain(piece)
    if not known:
        return False
    return piece == told or (f" {known} " in heard if known.isdecimal() else known in heard)


def _http_of(told: str | None) -> int | None:
    """The HTTP status that a vendor uses as its code."""
    if told is None or len(told) != STATUS_LENGTH or not (told.isascii() and told.isdecimal()):
        return None
    return int(told) if 400 <= int(told) < 600 else None
