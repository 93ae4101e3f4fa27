"""The dialect itself: reads webhooks by the description; orders nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

import msgspec

from receiver.contracts import Request, Seal, Source
from receiver.errors import (
    InvalidParams,
    OptionError,
    Unmapped,
    raise_option_errors,
)
from receiver.model.actions import GRIDS
from receiver.model.jobs import (
    Cost,
    Image,
    JobError,
    Report,
)
from receiver.providers.generic import options as keys
from receiver.providers.generic.seals import SealReader
from receiver.providers.generic.words import (
    Status,
    action_of,
    actions_of,
    plain,
    statuses_of,
)
from receiver.providers.shared import failures, reading
from receiver.providers.shared.dialect import Dialect
from receiver.providers.shared.paths import (
    PATH_REMEDY,
    Path,
    found_at,
    path_of,
)

T = TypeVar("T")


class Generic(Dialect):
    """A vendor described in TOML. What it sends is read; it can be asked and told nothing."""

    Options: ClassVar[type[msgspec.Struct]] = keys.Options

    name: str = "generic"

    def __init__(self, options: keys.Options) -> None:
        """Raises OptionError, or a group of them, where the description cannot be meant."""
        found: list[OptionError] = []
        self._options = options
        self.unit = options.cost_unit
        self._seals = SealReader(options.verify, found)
        self.seals = self._seals.seals
        self._paths = {
            name: _paths(name, getattr(options.paths, name), found) for name in keys.Places.__struct_fields__
        }
        if not options.paths.id:
            remedy = 'say where the job\'s id stands, for example "data.task_id"'
            found.append(OptionError("paths.id", "is empty", remedy))
        self._statuses = statuses_of(options.words, found)
        self._actions = actions_of(options.actions, found)
        raise_option_errors(found)

    # --- in ----------------------------------------------------------------------------------------------------------

    def seal(self, request: Request, source: Source) -> Seal:
        """The configured header: an echoed secret, or an HMAC-SHA256 under one of the secrets."""
        return self._seals.seal(request, source)

    def parse(self, value: Any, headers: Mapping[str, str]) -> list[Report]:
        """One report, by the configured paths and words. Raises Unmapped without an id or with an unknown status."""
        job_id = self._first(value, "id", reading.job_id)
        if job_id is None:
            raise Unmapped("no id at any of paths.id")
        action, params = action_of(self._first(value, "action", reading.text), self._actions)
        grid, images = self._pictures(value, action)
        progress = self._first(value, "progress", self._percent)
        status = self._status(value, has_pictures=bool(grid or images), has_progress=progress is not None)
        done = status == "completed"
        report = Report(
            provider_job_id=job_id,
            status=status,
            progress=100 if done else progress,
            action=action,
            params=params,
            prompt=self._first(value, "prompt", reading.text),
            # Before the end some vendors send unfinished pictures (documented for ImagineAPI).
            grid_url=grid if done else None,
            images=images if done else (),
            cost=self._cost(value) if status in ("completed", "failed", "canceled") else None,
            error=self._failure(value) if status == "failed" else None,
        )
        return [report]

    def _first(self, value: Any, name: str, read: Callable[[Any], T | None]) -> T | None:
        """What the first path of this name leads to that can be read."""
        for path in self._paths[name]:
            for there in found_at(value, path):
                known = read(there)
                if known is not None:
                    return known
        return None

    def _percent(self, value: Any) -> int | None:
        return reading.fraction(value) if self._options.progress_unit == "fraction" else reading.percent(value)

    def _pictures(self, value: Any, action: str | None) -> tuple[str | None, tuple[Image, ...]]:
        grid = self._first(value, "grid", reading.url)
        images = next((tiles for path in self._paths["images"] if (tiles := _tiles(found_at(value, path)))), ())
        if grid is not None and not images and action not in GRIDS:
            return None, reading.tiles(grid)
        return grid, images

    def _status(self, value: Any, *, has_pictures: bool, has_progress: bool) -> Status:
        word = self._first(value, "status", reading.text)
        if word is not None:
            known = self._statuses.get(plain(word))
            if known is None:
                raise Unmapped(f"unknown status {word[:50]!r}: name it in words")
            return known
        # Apiframe v1's documented final body has no status.
        if has_pictures:
            return "completed"
        if has_progress:
            return "running"
        raise Unmapped("no status at any of paths.status, nor pictures or progress")

    def _failure(self, value: Any) -> JobError:
        return failures.failure(
            self._first(value, "error", reading.text), self._first(value, "error_code", reading.text)
        )

    def _cost(self, value: Any) -> Cost | None:
        amount = self._first(value, "cost", reading.number)
        if amount is None or amount < 0:
            return None
        return Cost(amount=amount, unit=self.unit, source="reported")


def _paths(name: str, given: keys.Paths, found: list[OptionError]) -> tuple[Path, ...]:
    """The paths that can be read; what cannot goes to `found`."""
    paths: list[Path] = []
    for text in [given] if isinstance(given, str) else given:
        try:
            paths.append(path_of(text))
        except InvalidParams as wrong:
            found.append(OptionError(f"paths.{name}", str(wrong), PATH_REMEDY))
    return tuple(paths)


def _tiles(values: list[Any]) -> tuple[Image, ...]:
    """Pictures from what a path led to: the items of a list, or the list itself."""
    return reading.tiles(values[0] if len(values) == 1 and isinstance(values[0], list) else values)
