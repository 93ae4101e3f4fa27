"""Reads secrets: from the environment, from `.env`, from a file of their own, or as they stand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from receiver.config.environment.env_file import EnvFile
from receiver.lib.signatures import Secret

#: Longest secret, characters.
LONGEST_CHARACTERS: Final = 16_384
QUOTES: Final = ("'", '"')


class SecretWrong(Exception):
    """A secret cannot be used: what is wrong and what would be right, without a character of it."""

    def __init__(self, wrong: str, remedy: str) -> None:
        self.wrong = wrong
        self.remedy = remedy
        super().__init__(wrong)


def read_secret(value: object, env: Mapping[str, str], folder: Path, env_file: EnvFile | None = None) -> Secret:
    """The secret that `"env:NAME"`, `"file:/path"` or a literal text stands for. Raises SecretWrong.

    The environment wins over `env_file`. One line break at the end of a file is not part of the secret; a relative path
    starts at `folder`. An empty secret is refused: it would equal an empty header. So is one that came with quotes
    around it, which whoever set it did not mean to be part of it.
    """
    if not isinstance(value, str):
        raise SecretWrong("is not text", 'write "env:NAME", "file:/path" or the secret itself in quotes')
    if value.startswith("env:"):
        return _usable(*_from_env(value.removeprefix("env:"), env, env_file))
    if value.startswith("file:"):
        return _usable(*_unquoted(*_from_file(folder / value.removeprefix("file:")), "take them out of the file"))
    return _usable(value, "the secret")


def _from_env(name: str, env: Mapping[str, str], env_file: EnvFile | None) -> tuple[str, str]:
    """The text, and where it is from."""
    said = f"the environment variable {name!r}"
    if name in env:
        return _unquoted(env[name], said, "set it without them: docker --env-file, unlike a shell, keeps them")
    if env_file is None:
        raise SecretWrong(f"{said} is not set", "set it where gridhook is started")
    if name not in env_file.values:
        raise SecretWrong(f"{said} is not set", f"set it where gridhook is started, or write it into {env_file.path}")
    return env_file.values[name], f"the variable {name!r} in {env_file.path}"


def _unquoted(text: str, origin: str, remedy: str) -> tuple[str, str]:
    if len(text) > 1 and text[0] == text[-1] and text[0] in QUOTES:
        raise SecretWrong(f"{origin} has quotes around it", remedy)
    return text, origin


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
        raise SecretWrong(
            f"{origin} is empty", "put the real one there, which only you know: an empty one would let everybody in"
        )
    if len(text) > LONGEST_CHARACTERS:
        raise SecretWrong(f"{origin} is longer than {LONGEST_CHARACTERS} characters", "put the secret alone there")
    if text != text.strip() or not text.isascii() or not text.isprintable():
        raise SecretWrong(
            f"{origin} holds something that no HTTP header can carry",
            "only printable ASCII, one line, no space at its ends",
        )
    return Secret(text)
