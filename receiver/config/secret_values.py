"""Reads secrets: from the environment, from a file, or as they stand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from receiver.lib.signatures import Secret

#: Longest secret, bytes.
LONGEST_CHARACTERS: Final = 16_384


class SecretWrong(Exception):
    """A secret cannot be used: what is wrong and what would be right, without a character of it."""

    def __init__(self, wrong: str, remedy: str) -> None:
        self.wrong = wrong
        self.remedy = remedy
        super().__init__(wrong)


def read_secret(value: object, env: Mapping[str, str], folder: Path) -> Secret:
    """The secret that `"env:NAME"`, `"file:/path"` or a literal text stands for. Raises SecretWrong.

    One line break at the end of a file is not part of it; a relative path starts at `folder`. An empty secret is
    refused: it would equal an empty header.
    """
    if not isinstance(value, str):
        raise SecretWrong("is not text", 'write "env:NAME", "file:/path" or the secret itself in quotes')
    if value.startswith("env:"):
        return _usable(*_from_env(value.removeprefix("env:"), env))
    if value.startswith("file:"):
        return _usable(*_from_file(folder / value.removeprefix("file:")))
    return _usable(value, "the secret")


def _from_env(name: str, env: Mapping[str, str]) -> tuple[str, str]:
    if name not in env:
        raise SecretWrong(f"the environment variable {name!r} is not set", "set it where gridhook is started")
    return env[name], f"the environment variable {name!r}"


def _from_file(path: Path) -> tuple[str, str]:
    try:
        with path.open("rb") as file:
            raw = file.read(LONGEST_CHARACTERS + 3)
        text = raw.decode()
    except OSError as wrong:
        raise SecretWrong(f"the file {path} cannot be read: {wrong.strerror}", "name a readable file") from None
    except ValueError:
        raise SecretWrong(f"the file {path} is not a text file", "put the secret alone into the file") from None
    line = text.removesuffix("\n")
    return (line.removesuffix("\r") if line != text else line), f"the file {path}"


def _usable(text: str, origin: str) -> Secret:
    if not text.strip():
        raise SecretWrong(f"{origin} is empty", "an empty secret would let everybody in: put the real one there")
    if len(text) > LONGEST_CHARACTERS:
        raise SecretWrong(f"{origin} is longer than {LONGEST_CHARACTERS} characters", "put the secret alone there")
    if text != text.strip() or not text.isascii() or not text.isprintable():
        raise SecretWrong(
            f"{origin} holds something that no HTTP header can carry",
            "only printable ASCII, one line, no space at its ends",
        )
    return Secret(text)
