"""Reads the file of environment variables that stands beside the configuration: `.env`."""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Final

import msgspec

from receiver.config.findings import Findings

#: The key that names the file.
KEY: Final = "env_file"
#: What is read where the key is left out, if it is there.
USUAL: Final = ".env"
#: The largest file that is read, bytes.
LARGEST: Final = 1024 * 1024
#: So many wrong lines are told.
MOST_TOLD: Final = 5


class EnvFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of environment variables. Its `repr` shows no value."""

    #: Where it stands, whether it is there or not.
    path: Path
    #: Its variables by name, without the quotes around their values.
    values: Mapping[str, str] = {}

    def __repr__(self) -> str:
        return f"EnvFile({self.path})"


def read_env_file(named: object, folder: Path, findings: Findings) -> EnvFile:
    """The file that `env_file` names, relative to `folder`; without that key `.env` there, if there is one.

    Values lose the quotes around them, as with the usual libraries; `$` stands for itself. Notes what cannot be read.
    """
    path = folder / (named if isinstance(named, str) else USUAL)
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except FileNotFoundError:
        if isinstance(named, str):
            findings.wrong(KEY, f"there is no file {path}", "make it, or take the key out")
        return EnvFile(path=path)
    except (OSError, ValueError) as wrong:
        reason = wrong.strerror if isinstance(wrong, OSError) else "its name is none"
        findings.wrong(KEY, f"{path} cannot be read: {reason}", "make it a file that gridhook may read")
        return EnvFile(path=path)
    if len(raw) > LARGEST:
        findings.wrong(KEY, f"{path} is larger than {LARGEST} bytes", "put nothing but variables into it")
        return EnvFile(path=path)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        findings.wrong(KEY, f"{path} is not UTF-8", "save the file as UTF-8")
        return EnvFile(path=path)
    return EnvFile(path=path, values=_variables(text, path, findings))


def _variables(text: str, path: Path, findings: Findings) -> dict[str, str]:
    """Of several with one name the last counts; a name alone is none."""
    from dotenv.parser import parse_stream  # noqa: PLC0415  # only where there is such a file

    found: dict[str, str] = {}
    wrong: list[int] = []
    for line in parse_stream(StringIO(text)):
        if line.error:
            # It begins at the blank lines before it.
            blank = len(line.original.string) - len(line.original.string.lstrip())
            wrong.append(line.original.line + line.original.string[:blank].count("\n"))
        elif line.key is not None and line.value is not None:
            found[line.key] = line.value
    for number in wrong[:MOST_TOLD]:
        findings.wrong(KEY, f"line {number} of {path} cannot be read", 'write NAME=value, or NAME="value"')
    return found
