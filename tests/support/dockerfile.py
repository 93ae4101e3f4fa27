"""Reads a Dockerfile as far as ours goes: stages, and what is done in each."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import msgspec

PLAIN = {"RUN", "COPY", "USER", "WORKDIR", "VOLUME", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD", "ENV"}


class Instruction(msgspec.Struct, frozen=True):
    """One instruction: its word, and the rest as it is written, on one line."""

    word: str
    text: str

    def command(self) -> list[str]:
        """The program and its arguments of an instruction that names them as JSON."""
        found: list[str] = json.loads(self.text[self.text.index("[") :])
        return found

    def variables(self) -> dict[str, str]:
        """What an ENV sets."""
        return dict(one.split("=", 1) for one in shlex.split(self.text))


class Stage(msgspec.Struct, frozen=True):
    """One stage: the image that it begins with, its name (empty: none), and what is done in it."""

    image: str
    name: str
    instructions: list[Instruction]

    def last(self, word: str) -> Instruction:
        """The last instruction with this word."""
        return [one for one in self.instructions if one.word == word][-1]


def stages(text: str) -> list[Stage]:
    """The stages of a Dockerfile. Raises ValueError for an instruction that is not known here."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    found: list[Stage] = []
    for line in re.sub(r"\\\n", " ", "\n".join(lines)).splitlines():
        word, _, rest = line.partition(" ")
        rest = " ".join(rest.split())
        if word == "FROM":
            image, _, name = rest.partition(" AS ")
            found.append(Stage(image, name, []))
        elif word in PLAIN and found:
            found[-1].instructions.append(Instruction(word, rest))
        else:
            raise ValueError(f"{word} is not known here: {line}")
    return found


def context(root: Path, ignore: str) -> list[Path]:
    """What a build sees of the folder `root`: a `.dockerignore` that begins with `*` and names what it wants."""
    lines = [line for line in ignore.splitlines() if line and not line.startswith("#")]
    wanted = [line[1:] for line in lines if line.startswith("!")]
    if lines[0] != "*" or any(re.search(r"[*?\[]", name) for name in wanted):
        raise ValueError("a .dockerignore of another kind")
    return [root / name for name in wanted]
