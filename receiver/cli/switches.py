"""The switches of a pretend vendor as they are typed: `lose 20%`, `late 5@20%`, `off`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, get_args

if TYPE_CHECKING:
    from receiver.pretend.options import VendorOptions

_SHARE: Final = re.compile(r"([0-9]{1,3}(?:\.[0-9]+)?)%")
#: Words for always and never.
ALWAYS: Final = frozenset({"", "on", "all", "always"})
NEVER: Final = frozenset({"off", "none", "never"})
#: Switches that only strike or not: a share is all that is said of them.
PLAIN: Final = ("lose", "forge", "reorder", "webhook_before_answer")


class SwitchWrong(Exception):
    """What was typed is no switch; the message says what would be one."""


def share(text: str) -> float:
    """0-1 from "20%", "always" or "off". Raises SwitchWrong."""
    word = text.strip().lower()
    if word in ALWAYS or word in NEVER:
        return float(word in ALWAYS)
    found = _SHARE.fullmatch(word)
    if found is None or float(found[1]) > 100:
        raise SwitchWrong(f'{text!r} is no share: write "20%", "always" or "off"')
    return float(found[1]) / 100


def switched(options: VendorOptions, name: str, text: str) -> VendorOptions:
    """The options with a switch thrown: a share for those that only strike, else a value, maybe with "@20%" behind.

    Raises SwitchWrong for an unknown switch or a value that it cannot have.
    """
    from msgspec.structs import replace  # noqa: PLC0415  # nothing else here needs it

    from receiver.pretend.options import Switch  # noqa: PLC0415  # loads the drawing of pictures

    known = name.strip().lower().replace("-", "_")
    if known == "off":
        return replace(
            options,
            **dict.fromkeys(PLAIN, False),
            late=0.0,
            duplicates=1,
            fail=None,
            order_fault="",
            shares={},
        )
    known = "order_fault" if known == "order_failure" else known
    if known not in get_args(Switch):
        names = ", ".join(sorted({*get_args(Switch), "off"})).replace("_", "-")
        raise SwitchWrong(f"there is no switch {name!r}; there are {names}")
    value, often = (True, text) if known in PLAIN else _split(text)
    part = share(often)
    if value is True:
        changed: dict[str, Any] = {known: part > 0}
    else:
        changed = {known: _READ[known](str(value))} if str(value).lower() not in NEVER else {known: _OFF[known]}
    return replace(options, **changed, shares={**options.shares, known: part})


def _split(text: str) -> tuple[str, str]:
    """A value, and the share behind an `@`."""
    value, at, often = text.rpartition("@")
    return (value, often) if at and _SHARE.fullmatch(often.strip()) else (text, "always")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 86_400:
        raise SwitchWrong(f"{text!r} is no number of seconds")
    return seconds


def _times(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 50:
        raise SwitchWrong(f"{text!r} is no number from 1 to 50")
    return int(text)


def _fault(text: str) -> str:
    from receiver.pretend.faults import fault  # noqa: PLC0415  # loads the drawing of pictures

    try:
        fault(text)
    except ValueError as wrong:
        raise SwitchWrong(str(wrong)) from None
    return text


_READ: Final[dict[str, Callable[[str], Any]]] = {
    "late": _seconds,
    "duplicates": _times,
    "fail": str,
    "order_fault": _fault,
}
_OFF: Final[dict[str, Any]] = {"late": 0.0, "duplicates": 1, "fail": None, "order_fault": ""}
