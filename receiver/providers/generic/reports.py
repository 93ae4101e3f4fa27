"""Reads what a vendor says of its jobs, by the configured paths and words."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, TypeVar

from receiver.errors import InvalidParams, OptionError, Unmapped
from receiver.model.actions import GRIDS, Params
from receiver.model.folding import numbered_item
from receiver.model.jobs import Cost, Image, JobError, Report
from receiver.providers.generic import options as keys
from receiver.providers.generic.call_options import Paths
from receiver.providers.generic.words import action_of, actions_of, statuses_of
from receiver.providers.shared import failures, reading
from receiver.providers.shared.paths import PATH_REMEDY, Path
from receiver.providers.shared.statuses import Status, plain

T = TypeVar("T")

DEFAULTS: Final = keys.Places()
#: How many jobs one post may tell of. One with more is kept as unmapped: none of them is left out silently.
MOST_JOBS: Final = 1000
#: How many words for actions are remembered.
MOST_WORDS: Final = 256
#: Where an object that is an error says why.
WHY: Final = ("message", "msg", "raw_message", "error", "detail", "description", "type")
#: What refuses a call. In an answer that names no job it says nothing of one: a job that goes on there is not over.
OF_CALLS: Final = frozenset({"rate_limited", "auth"})
ENDS: Final = frozenset({"completed", "failed", "canceled"})


class ReportReader:
    """Makes reports of what stands at the paths of one vendor's bodies."""

    def __init__(self, options: keys.Options, places: keys.Places, found: list[OptionError]) -> None:
        """`places` are the paths to read by; what cannot be meant goes to `found`."""
        self._options = options
        self._factor = Decimal(repr(options.cost_factor))
        self._paths = {
            name: read_paths(f"paths.{name}", getattr(places, name), found) for name in DEFAULTS.__struct_fields__
        }
        if not places.id:
            remedy = 'say where the job\'s id stands, for example "data.task_id"'
            found.append(OptionError("paths.id", "is empty", remedy))
        self._each = read_paths("each", options.each, found)
        self._statuses = statuses_of(options.words, found)
        self._actions = actions_of(options.actions, found)
        #: What each word for an action was found to mean.
        self._known_actions: dict[str | None, tuple[str | None, Params]] = {}
        #: What an operator wrote means what it says; the defaults are guesses at many vendors.
        self._grid_is_written = places.grid != DEFAULTS.grid
        error_is_written = places.error != DEFAULTS.error
        self._error_wins = error_is_written if options.error_wins is None else options.error_wins
        self._failed_by_error = error_is_written if options.failed_by_error is None else options.failed_by_error

    def reports(self, value: Any) -> list[Report]:
        """A report for each job, by the configured paths and words.

        Raises Unmapped where no job has an id and a known status, or one post tells of several without `each`.
        """
        if not self._each:
            return [self._report(value)]
        jobs = [job for path in self._each for job in path.found(value, MOST_JOBS + 1)]
        if not jobs:
            raise Unmapped("no job at any of each")
        if len(jobs) > MOST_JOBS:
            raise Unmapped(f"more than {MOST_JOBS} jobs at once")
        return reading.each(jobs, self._report)

    def answer_about(self, value: Any, asked: str) -> list[Report]:
        """The reports in a status answer about the job with the vendor's id `asked`, which it need not repeat.

        It may have the shape of a webhook (with `each`), or be the one job. Raises Unmapped.
        """
        jobs = [job for path in self._each for job in path.found(value, MOST_JOBS + 1)] or [value]
        if len(jobs) > 1:
            return reading.each(jobs, self._report)
        return [self._report(jobs[0], asked)]

    def _report(self, value: Any, asked: str | None = None) -> Report:
        job_id = self._id(value, asked)
        action, params = self._action(value)
        grid, images = self._pictures(value, action)
        index = self._first(value, "index", tile_number)
        items = self._items(value, images)
        if index and action in ("pick", "vary"):
            params = {**params, "index": index}
        elif index is not None and len(images) == 1:
            images = (Image(index=index or 1, url=images[0].url),)
            items = items or (numbered_item(index),)
        progress = self._first(value, "progress", self._percent)
        word = self._first(value, "status", reading.text)
        reason = self._first(value, "error", reason_of)
        # It may be about the question, not about the job.
        is_nameless = asked is not None and self.first_id(value) is None
        if word is None and is_nameless:
            raise Unmapped("the answer names neither the job nor a status")
        status = self._status(value, word, reason, has_pictures=bool(grid or images), has_progress=progress is not None)
        done = status == "completed"
        error = self._failure(value, reason, word) if status == "failed" else None
        if is_nameless and error is not None and error.code in OF_CALLS:
            raise Unmapped(f"the question was refused: {error.message}")
        return Report(
            provider_job_id=job_id,
            status=status,
            progress=100 if done else progress,
            action=action,
            params=params,
            prompt=self._first(value, "prompt", reading.text),
            # Before the end some vendors send unfinished pictures (documented for ImagineAPI).
            grid_url=grid if done else None,
            images=images if done else (),
            items=items if done else (),
            # Tiles that come with their grid have its places; other pictures may come one after the other.
            numbered=grid is not None or index is not None,
            cost=self._cost(value) if status in ENDS else None,
            error=error,
        )

    def _first(self, value: Any, name: str, read: Callable[[Any], T | None]) -> T | None:
        """What the first path of this name leads to that can be read."""
        for path in self._paths[name]:
            for there in (path.at(value),) if path.is_plain else path.found(value):
                if there is not None and (known := read(there)) is not None:
                    return known
        return None

    def _id(self, value: Any, asked: str | None) -> str:
        """The job's id, else the one that was asked for. Raises Unmapped where there is none."""
        known = self.first_id(value) or asked
        if known is None:
            raise Unmapped("no id at any of paths.id")
        return known

    def first_id(self, value: Any) -> str | None:
        """The job's id. Raises Unmapped where there are several: whose are the pictures?"""
        return first_id(self._paths["id"], value)

    def _action(self, value: Any) -> tuple[str | None, Params]:
        if self._options.action:
            return self._options.action, {}
        word = self._first(value, "action", reading.text)
        known = self._known_actions.get(word)
        if known is None:
            known = action_of(word, self._actions)
            if len(self._known_actions) < MOST_WORDS:
                self._known_actions[word] = known
        return known

    def _percent(self, value: Any) -> int | None:
        return reading.fraction(value) if self._options.progress_unit == "fraction" else reading.percent(value)

    def _pictures(self, value: Any, action: str | None) -> tuple[str | None, tuple[Image, ...]]:
        grid = self._first(value, "grid", reading.picture)
        images = next((tiles for path in self._paths["images"] if (tiles := tiles_at(path.found(value)))), ())
        is_grid = action in GRIDS or (action is None and self._grid_is_written)
        if grid is not None and not images and not is_grid:
            return None, reading.tiles(grid)
        return grid, images

    def _items(self, value: Any, images: tuple[Image, ...]) -> tuple[str, ...]:
        """The vendor's ids of these pictures; nothing unless each has one."""
        for path in self._paths["item"]:
            ids = [reading.job_id(there) for there in path.found(value)]
            places = [0] if len(ids) == len(images) == 1 else [image.index - 1 for image in images]
            told = [ids[place] for place in places if place < len(ids)]
            known = tuple(item for item in told if item is not None)
            if known and len(known) == len(images):
                return known
        return ()

    def _status(
        self, value: Any, word: str | None, reason: str | None, *, has_pictures: bool, has_progress: bool
    ) -> Status:
        known = None
        if word is not None:
            known = self._statuses.get(word) or self._statuses.get(plain(word))
            if known is None:
                raise Unmapped(f"unknown status {word[:50]!r}: name it in words")
            if known != "completed":
                return known
        counts = self._failed_by_error if known is None else self._error_wins
        goes_on = known is None and has_progress
        if counts and (reason is not None or (not has_pictures and not goes_on and self._is_marked(value))):
            return "failed"
        if known is not None:
            return known
        # Apiframe v1's documented final body has no status.
        if has_pictures:
            return "completed"
        if has_progress:
            return "running"
        raise Unmapped("no status at any of paths.status, nor pictures or progress")

    def _is_marked(self, value: Any) -> bool:
        """Whether an error stands here without a reason: `true` in its place, or its code."""
        if any(there is True for path in self._paths["error"] for there in path.found(value)):
            return True
        code = self._first(value, "error_code", reading.text)
        return code is not None and failures.is_code(code, self._options.errors)

    def refusal(self, value: Any, status: int | None, why: str | None) -> JobError:
        """What the answer to an order says that was refused; `why` where the paths lead to no reason."""
        reason = self._first(value, "error", reason_of) or why or reason_of(value)
        code = self._first(value, "error_code", reading.text)
        return failures.failure(reason, code, status, own=self._options.errors)

    def _failure(self, value: Any, reason: str | None, word: str | None) -> JobError:
        code = self._first(value, "error_code", reading.text)
        said = word if self._statuses.get(plain(word or "")) == "failed" else None
        return failures.failure(reason, code, word=said, own=self._options.errors)

    def _cost(self, value: Any) -> Cost | None:
        for path in self._paths["cost"]:
            amounts = [amount for there in path.found(value) if (amount := reading.number(there)) is not None]
            if amounts and min(amounts) >= 0:
                amount = sum(amounts, Decimal(0))
                return Cost(
                    amount=amount if self._factor == 1 else reading.plain_amount(amount * self._factor),
                    unit=self._options.cost_unit,
                    source="reported",
                )
        return None


def read_paths(key: str, given: Paths, found: list[OptionError]) -> tuple[Path, ...]:
    """The paths that can be read; what cannot goes to `found`."""
    paths: list[Path] = []
    for text in [given] if isinstance(given, str) else given:
        try:
            paths.append(Path(text))
        except InvalidParams as wrong:
            found.append(OptionError(key, str(wrong), PATH_REMEDY))
    return tuple(paths)


def first_id(paths: tuple[Path, ...], value: Any) -> str | None:
    """What the first of these paths that leads to an id leads to. Raises Unmapped where it leads to several."""
    for path in paths:
        if path.is_plain:
            plain_id = reading.job_id(path.at(value))
            if plain_id is not None:
                return plain_id
            continue
        ids = {known: None for there in path.found(value) if (known := reading.job_id(there)) is not None}
        if len(ids) > 1:
            raise Unmapped(f"{len(ids)} jobs in one post: say where each stands (each)")
        if ids:
            return next(iter(ids))
    return None


def tiles_at(values: list[Any]) -> tuple[Image, ...]:
    """Pictures from what a path led to: the items of a list, or the list itself."""
    return reading.tiles(values[0] if len(values) == 1 and isinstance(values[0], list) else values)


def tile_number(value: Any) -> int | None:
    """A place from 1 on, or 0 at a vendor that counts from there."""
    place = reading.number(value)
    return int(place) if place is not None and 0 <= place <= reading.MAX_IMAGES and place == int(place) else None


def reason_of(value: Any, depth: int = 0) -> str | None:
    """Why it failed, from a text, an object with one, or a list of these; an envelope's "success" is no reason."""
    if isinstance(value, str):
        known = reading.text(value)
        return known if known is not None and failures.is_reason(known) else None
    inner: list[Any] = []
    if isinstance(value, dict):
        inner = [value.get(name) for name in WHY]
    elif isinstance(value, list):
        inner = value[:8]
    if depth >= 3:
        return None
    return next((known for one in inner if (known := reason_of(one, depth + 1)) is not None), None)
