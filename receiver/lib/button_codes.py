"""What a button carries: a job, what to do with it, and a MAC over both: nothing to store, nothing to guess."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from receiver.lib import ids
from receiver.lib.signatures import keyed_mac, same_text

#: The longest code, bytes: Telegram takes no more (documented).
LONGEST: Final = 64
_CODE: Final = re.compile(r"([0-9a-z]{13})\.([a-z]{1,12}(?::[a-z0-9]{1,9})?)\.([0-9a-z]{26})")


class ButtonCode(NamedTuple):
    """What a genuine button says: the number of its job, and a word for what to do, such as `pick:2`."""

    job: int
    word: str


def button_code(key: bytes, job: int, word: str) -> str:
    """The text that a button carries, at most 64 bytes of ASCII. `word` is like `pick:2` or `reroll`."""
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
