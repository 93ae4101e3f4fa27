"""Foreign JSON, read strictly by RFC 8259; the one place where it enters."""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn

import msgspec

from receiver.errors import NotJson

MAX_DEPTH: Final = 100

_DECODER = msgspec.json.Decoder()
#: A string, or what follows a quotation mark that none closes.
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_NO_BRACKETS: Final = bytes(byte for byte in range(256) if byte not in b"[]{}")


def read_json(body: bytes) -> Any:
    """The value of a JSON text. Raises NotJson for NaN, bad UTF-8, a byte order mark, more than 100 levels, rubbish.

    Of repeated keys the last counts. Numbers of any size are read (beyond a float's range they become text). Lone
    surrogates, which JSON allows and UTF-8 does not, become U+FFFD.
    """
    if _brackets(body) > MAX_DEPTH and _depth(body) > MAX_DEPTH:
        raise NotJson(f"nested deeper than {MAX_DEPTH} levels")
    try:
        return _DECODER.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _read_slowly(body)


def _read_slowly(body: bytes) -> Any:
    """The same for what the fast reader will not take: numbers out of range, lone surrogates, and what is not JSON."""
    try:
        text = body.decode("utf-8")
        value = json.loads(text, parse_constant=_no_constant, parse_int=_int, parse_float=_float)
    except UnicodeDecodeError as wrong:
        raise NotJson(f"not UTF-8 at byte {wrong.start}") from None
    except json.JSONDecodeError as wrong:
        raise NotJson(f"{wrong.msg} at character {wrong.pos}") from None
    return _scrub(value)


def _no_constant(word: str) -> NoReturn:
    raise NotJson(f"{word} is not JSON")


def _int(digits: str) -> int | str:
    return int(digits) if len(digits) <= 400 else digits


def _float(digits: str) -> float | str:
    number = float(digits)
    return digits if number in (float("inf"), float("-inf")) else number


def _scrub(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode() if not value.isascii() else value
    if isinstance(value, list):
        return [_scrub(item) for item in value]
    if isinstance(value, dict):
        return {_scrub(name): _scrub(item) for name, item in value.items()}
    return value


def _brackets(body: bytes) -> int:
    """How many brackets open; a bound for the nesting. Of each kind only so many are looked for as matter."""
    # `count` goes byte by byte; `replace` leaps from one to the next, which for a few in a long text is far cheaper.
    others = body.replace(b"[", b"", MAX_DEPTH + 1).replace(b"{", b"", MAX_DEPTH + 1)
    return len(body) - len(others)


def _depth(body: bytes) -> int:
    """The deepest nesting of brackets outside of strings."""
    depth = deepest = 0
    for byte in _STRING.sub(b"", body).translate(None, _NO_BRACKETS):
        if byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        else:
            depth -= 1
    return deepest
