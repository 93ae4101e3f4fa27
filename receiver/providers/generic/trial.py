"""What a description finds in a body, path by path."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from receiver.errors import Unmapped
from receiver.providers.generic.options import Options
from receiver.providers.generic.reports import MOST_JOBS, read_paths, reason_of, tile_number, tiles_at
from receiver.providers.shared import reading

#: Whether what stands at a path of this name can be used: of several paths the first one counts where it can.
USABLE: Final[dict[str, Callable[[Any], object]]] = {
    "id": reading.job_id,
    "status": reading.text,
    "progress": reading.percent,
    "grid": reading.picture,
    "error": reason_of,
    "error_code": reading.text,
    "action": reading.text,
    "index": tile_number,
    "prompt": reading.text,
    "cost": reading.number,
    "item": reading.job_id,
}


class PathTrial(msgspec.Struct, frozen=True, kw_only=True):
    """One path, and where it leads in a body."""

    #: What it is for: `id`, `status`, `images` ...
    name: str
    path: str
    #: What stands there; empty: it leads nowhere.
    found: list[Any]
    #: Whether this is where the value was taken from.
    used: bool


def jobs_in(value: Any, options: Options) -> list[Any]:
    """What a body tells of each job: the body itself, or what stands at `each`. Raises Unmapped if that is nothing."""
    each = read_paths("each", options.each, [])
    if not each:
        return [value]
    jobs = [job for path in each for job in path.found(value, MOST_JOBS)]
    if not jobs:
        raise Unmapped("no job at any of each")
    return jobs


def path_trials(job: Any, options: Options) -> Iterator[PathTrial]:
    """Every path of the description, and what it leads to in what a body tells of one job."""
    for name in options.paths.__struct_fields__:
        taken = False
        for path in read_paths(name, getattr(options.paths, name), []):
            found = path.found(job)
            used = not taken and _is_usable(name, found)
            taken = taken or used
            yield PathTrial(name=name, path=path.text, found=found, used=used)


def _is_usable(name: str, found: list[Any]) -> bool:
    if name == "images":
        return bool(tiles_at(found))
    return any(USABLE[name](value) is not None for value in found)
