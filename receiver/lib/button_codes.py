"""What a button carries: a job, what to do with it, and a MAC over both: nothing to store, nothing to guess."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from receiver.lib import ids
from receiver.lib.signatures import keyed_mac, same_text

#: The longest code, bytes: Telegram takes no more (documented).
LONGEST: Final = 64
#: The longest word, characters.
LONGEST_WORD: Final = 23
_WORD: Final = r"[a-z][a-z0-9_]{0,22}(?::[a-z0-9_.]{1,10}){0,2}"
_CODE: Final = re.compile(rf"([0-9a-z]{{13}})\.({_WORD})\.([0-9a-z]{{26}})")


class ButtonCode(NamedTuple):
    """What a genuine button says: the number of its job, and a word for what to do, such as `pick:2`."""

    job: int
    word: str


def fits_button(word: str) -> bool:
    """Whether a button can carry this word."""
    return len(word) <= LONGEST_WORD and re.fullmatch(_WORD, word) is not None


def button_code(key: bytes, job: int, word: str) -> str:
    """The text that a button carries, at most 64 bytes of ASCII. `word` is like `pick:2`, `upscale:2x` or `reroll`."""
    number = ids.show("job", job).removeprefix("job_")
    return f"{number}.{word}.{_mac(key, number, word)}"


def read_button_code(key: bytes, text: str) -> ButtonCode | None:
    """What a button says; None if it is not one of ours, or was altered. Constant time in its MAC."""
    found = _CODE.fullmatch(text) if len(text) <= LONGEST else None
    if found is None or not same_text(found[3], _mac(key, found[1], found[2])):
        return None
    number = ids.read("job", f"job_{found[1]}")
    return None if number is None else ButtonCode(number, found[2])


def _mac(key: bytes, number: str, word: str) -> str:
    return keyed_mac(key, f"button\0{number}\0{word}")
