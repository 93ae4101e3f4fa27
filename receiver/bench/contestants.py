"""Who takes part: what it takes to start one, to talk to it, and to count what it kept."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

import receiver
from receiver.bench.payload import SECRET

#: A file of a contestants' folder ends so; each defines `contestants() -> list[Contestant]`.
FILES: Final = "contestant_*.py"


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """How to start a server."""

    argv: tuple[str, ...]
    #: Beside the environment that the measurement itself runs in.
    env: dict[str, str] = {}

    def environment(self) -> dict[str, str]:
        """The whole environment of its process."""
        return {**os.environ, **self.env}


class Contestant(msgspec.Struct, frozen=True, kw_only=True):
    """One server that takes webhooks."""

    name: str
    #: What it does with a request, in a sentence.
    about: str
    #: Writes what it needs into its empty folder and says how to start it at this port of 127.0.0.1.
    prepare: Callable[[Path, int], Command]
    #: The task ids that are kept in a folder whose server has ended; None = it keeps nothing.
    kept: Callable[[Path], set[str]] | None = None
    path: str = "/in/journey"
    headers: dict[str, str] = msgspec.field(default_factory=lambda: {"x-webhook-secret": SECRET})
    #: What the body of an answer holds once it is really up; some answer 200 before.
    shows: bytes = b""
    #: How long it may take to answer for the first time, seconds.
    patience: float = 30.0


def python(*arguments: str) -> Command:
    """This interpreter, with this gridhook, whether it is installed or a checkout."""
    place = str(Path(receiver.__file__).parent.parent)
    path = os.pathsep.join([place, *filter(None, [os.environ.get("PYTHONPATH")])])
    return Command(argv=(sys.executable, *arguments), env={"PYTHONPATH": path})


def _noop(kind: str) -> Callable[[Path, int], Command]:
    return lambda _folder, port: python("-m", "receiver.bench.noop", kind, str(port))


UVICORN: Final = Contestant(
    name="uvicorn no-op",
    about="bare ASGI on uvicorn (httptools, uvloop): answers 204 and reads nothing",
    prepare=_noop("uvicorn"),
)
STARLETTE: Final = Contestant(
    name="Starlette no-op",
    about="a Starlette route that reads the body and answers 204; all ratios are to this one",
    prepare=_noop("starlette"),
)


def named_in(folder: Path) -> list[Contestant]:
    """The contestants that the files of a folder define. Raises OSError if there is no such folder.

    A file whose libraries or programs are not installed gives none.
    """
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is not a folder with files {FILES}")
    found: list[Contestant] = []
    for file in sorted(folder.glob(FILES)):
        spec = importlib.util.spec_from_file_location(f"gridhook_bench_{file.stem}", file)
        if spec is None or spec.loader is None:
            continue
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found += module.contestants()
    return found


def checkout_folder() -> Path | None:
    """`tests/bench` of the checkout that this gridhook runs from; None if it is installed."""
    folder = Path(receiver.__file__).parent.parent / "tests" / "bench"
    return folder if folder.is_dir() else None
