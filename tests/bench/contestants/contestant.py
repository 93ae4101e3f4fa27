"""One that takes part: what it takes to start it, to talk to it, and to count what it kept."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from bench.load.payload import SECRET

#: The folder that `bench` is imported from.
HOME: Final = Path(__file__).parent.parent.parent


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """How to start a process."""

    argv: tuple[str, ...]
    #: Beside the environment that the measurement itself runs in.
    env: dict[str, str] = {}

    def environment(self) -> dict[str, str]:
        """Returns the whole environment of the process."""
        return {**os.environ, **self.env}


class Contestant(msgspec.Struct, frozen=True, kw_only=True):
    """One server that takes webhooks."""

    name: str
    #: What it does with a request, in a sentence.
    about: str
    #: Writes what it needs into its empty folder and returns how to start it at this port of 127.0.0.1.
    prepare: Callable[[Path, int], Command]
    #: Returns the task ids that are kept in a folder whose server has ended; None = it keeps nothing.
    kept: Callable[[Path], set[str]] | None = None
    path: str = "/in/journey"
    headers: dict[str, str] = msgspec.field(default_factory=lambda: {"x-webhook-secret": SECRET})
    #: What the body of an answer holds once it is really up; some answer 200 before.
    shows: bytes = b""
    #: How long it may take to answer for the first time, seconds.
    patience: float = 30.0


def python(*arguments: str) -> Command:
    """Returns a command of this interpreter that can import `bench`."""
    return _interpreter(arguments, str(HOME))


def installed(*arguments: str) -> Command:
    """Returns a command of this interpreter that finds what is installed and nothing else, as users run gridhook."""
    return _interpreter(arguments, "")


def _interpreter(arguments: tuple[str, ...], path: str) -> Command:
    # -P: otherwise the current folder comes first, and in a checkout `receiver` is not the installed one.
    return Command(argv=(sys.executable, "-P", *arguments), env={"PYTHONPATH": path})
