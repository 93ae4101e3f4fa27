"""All who take part in a run: the two no-ops, gridhook, and those that the files of a folder define."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

from bench.contestants.contestant import Command, Contestant, python
from bench.contestants.gridhook import GRIDHOOK
from bench.errors import BenchError

#: Where our own contestants are.
OURS: Final = Path(__file__).parent
#: A file of a contestants' folder has such a name and defines `contestants() -> list[Contestant]`.
FILES: Final = "contestant_*.py"


def _no_op(kind: str) -> Callable[[Path, int], Command]:
    return lambda _folder, port: python("-m", "bench.contestants.no_op", kind, str(port))


UVICORN: Final = Contestant(
    name="uvicorn no-op",
    about="bare ASGI on uvicorn (httptools, uvloop): answers 204 and reads nothing",
    prepare=_no_op("uvicorn"),
)
STARLETTE: Final = Contestant(
    name="Starlette no-op",
    about="a Starlette route that reads the body and answers 204; all ratios are to this one",
    prepare=_no_op("starlette"),
)


def entrants(folder: Path = OURS, only: Collection[str] = ()) -> list[Contestant]:
    """Returns who takes part: everybody, or `only` those names. Raises BenchError for a name that nobody has."""
    every = [UVICORN, STARLETTE, GRIDHOOK, *named_in(folder)]
    names = [one.name for one in every]
    unknown = [name for name in only if name not in names]
    if unknown:
        raise BenchError(f"there is no contestant {unknown[0]!r} here; there are: {', '.join(names)}")
    return [one for one in every if not only or one.name in only]


def named_in(folder: Path) -> list[Contestant]:
    """Returns the contestants that the files of a folder define. Raises OSError if there is no such folder.

    A file whose libraries or programs are not installed defines none.
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
