"""What a failure means, by the vendor's words, its code and its status; what is not known may not be tried again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from receiver.model.jobs import ErrorCode, JobError
from receiver.providers.shared import reading

#: Pieces of plain text, and codes, that mean an error code.
Meanings = Mapping[ErrorCode, Iterable[str]]

#: What vendors' words and codes mean, the most telling first. Where each was seen stands in the tests. As in `plain`:
#: small letters, one space for everything that is no letter or digit.
USUAL: Final[dict[ErrorCode, tuple[str, ...]]] = {
    "moderated": (
        "moderat", "content polic", "usage polic", "content_polic", "violating polic", "policy violation",
        "violates our", "violate our", "community standards", "banned prompt", "banned word", "nsfw",
        "content blocked", "output filters", "image denied", "safety system", "safety filter", "safety violation",
        "content filter", "content checker", "flagged", "sensitive", "prohibited content", "unsafe content",
        "inappropriate content", "invalid provider content", "data inspection failed", "invalid content detected",
        "敏感", "违规", "审核", "违禁", "屏蔽词", "不合规", "内容安全",
    ),
    "insufficient_credits": (
        "insufficient", "not enough credit", "not enough balance", "enough balance", "credits exhausted",
        "usage exhausted", "quota exceeded", "quota not enough",
        "out of credit", "no credits", "payment required", "top up", "billing",
        "prepayment credits", "余额不足", "额度不足", "额度已用", "额度用完", "积分不足", "欠费",
    ),
    "queue_full": ("queue full", "queue is full", "concurren", "队列已满", "队列满", "并发", "任务数已满"),
    "rate_limited": (
        "rate limit", "too many requests", "resource exhausted", "请求过于频繁", "频率", "限流", "次数已达上限",
    ),
    "provider_timeout": ("timed out", "timeout", "time out", "超时"),
    "account": (
        "account banned", "account suspended", "account disabled", "been blocked", "pending mod message",
        "subscription required", "subscription paused", "plan cancelled", "账号被封", "账号已禁用", "账户被禁",
    ),
    "auth": ("unauthorized", "invalid api key", "invalid token", "authentication", "permission denied", "鉴权失败"),
    "unsupported": ("feature not supported", "requires an upscaled"),
    "invalid_params": (
        "invalid param", "invalid prompt", "invalid link", "invalid request", "invalid value", "validation",
        "is required", "must be", "must contain", "image load error", "file download error", "image too large",
        "image too small", "file too large", "face detection error", "参数错误", "参数无效",
    ),
    "expired": ("expired", "task not found", "已过期", "任务不存在"),
    "canceled": ("cancel", "已取消", "取消任务"),
    "provider_error": (
        "internal server error", "internal error", "service unavailable", "temporarily unavailable", "overloaded",
        "server error", "service error", "bad gateway", "try again later", "runner ", "无可用的账号", "系统繁忙",
        "服务器繁忙",
    ),
}  # fmt: skip
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
    heard = plain(message)
    if heard in NOTHING:
        return False
    return _PRAISE.search(heard) is None or _DOUBT.search(heard) is not None or _usual(f" {heard} ") is not None


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
    usual = _usual(heard)
    if usual is not None:
        return usual, True
    if http is None:
        return "provider_error", False
    return BY_STATUS.get(http, "provider_error"), http >= 500 or http in BY_STATUS


def _usual(heard: str) -> ErrorCode | None:
    return next((code for code, pieces in USUAL.items() if any(piece in heard for piece in pieces)), None)


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
