"""Reads a TOML file, and says where it stops being one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import tomli

from receiver.errors import Problem

_POSITION: Final = re.compile(r" \(at (.+)\)$")


class TomlWrong(Exception):
    """A file cannot be read as TOML. `problem.where` is the file itself, or a place in it."""

    def __init__(self, where: str, wrong: str, remedy: str) -> None:
        self.problem = Problem(where, wrong, remedy)
        super().__init__(str(self.problem))


def read_toml(file: Path, absent: str) -> dict[str, Any]:
    """The tables of a file; `absent` is the remedy where there is no such file. Raises TomlWrong."""
    try:
        raw = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise TomlWrong(str(file), "there is no such file", absent) from None
    except (OSError, ValueError) as wrong:
        said = wrong.strerror if isinstance(wrong, OSError) else str(wrong)
        raise TomlWrong(str(file), f"cannot be read: {said}", "make it a file that gridhook may read") from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line = raw.count(b"\n", 0, wrong.start) + 1
        raise TomlWrong(f"line {line}", "is not UTF-8", "save the file as UTF-8") from None
    try:
        return tomli.loads(text)
    except tomli.TOMLDecodeError as wrong:
        where, what = _syntax(str(wrong), text)
        raise TomlWrong(where, what, "correct the TOML there") from None
    except RecursionError:
        raise TomlWrong(str(file), "is nested too deeply", "make it flatter") from None


def _syntax(message: str, text: str) -> tuple[str, str]:
    """Where (line and column) and what of a syntax error."""
    found = _POSITION.search(message)
    if found is None:
        return "the file", message
    what = message[: found.start()]
    lines = text.split("\n")
    end = f"line {len(lines)}, column {len(lines[-1]) + 1}"
    return (found[1] if found[1].startswith("line") else end), what
