"""What lists can be narrowed by, and how each value is read: the same at the API and at the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple, get_args

from receiver.contracts import RequestState
from receiver.lib import ids
from receiver.lib.times import unstamp
from receiver.model import deliveries, events, jobs
from receiver.model.requests import RefusalCode, Unproven

DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 500
TAG: Final = "tag."

#: Turns a parameter's text into a filter's value; raises ValueError with words for the caller.
Reader = Callable[[str], object]


class ListParameters(NamedTuple):
    """What one list can be asked for."""

    #: The kind of its items, and so of its cursor.
    kind: ids.Kind
    #: What `status` may be.
    statuses: tuple[str, ...]
    #: Filters beside those that all lists have.
    more: tuple[str, ...] = ()


#: What all lists can be filtered by, beside `tag.NAME`.
COMMON: Final = ("status", "source", "action", "provider_job_id", "root_id", "parent_id", "since", "until")
JOBS: Final = ListParameters("job", get_args(jobs.Status))
EVENTS: Final = ListParameters("evt", get_args(jobs.Status), ("type", "job_id"))
REQUESTS: Final = ListParameters("req", get_args(RequestState), ("job_id",))
DELIVERIES: Final = ListParameters("dlv", get_args(deliveries.State), ("type", "sink", "job_id"))
TYPES: Final[tuple[str, ...]] = (*get_args(events.EventType), *get_args(events.OperatorEventType))
#: Why a request may have been refused.
REASONS: Final[tuple[str, ...]] = (*get_args(Unproven), *get_args(RefusalCode))
#: Parameters that are called otherwise in `Filters`.
FIELDS: Final = {"cursor": "before", "root_id": "root", "parent_id": "parent", "job_id": "job"}


def id_reader(kind: ids.Kind) -> Reader:
    """Reads an id of this kind."""

    def read(text: str) -> object:
        number = ids.read(kind, text)
        if number is None:
            raise ValueError(f"is an id like {ids.show(kind, 0)}, not {text[:40]!r}")
        return number

    return read


def word_reader(words: Iterable[str]) -> Reader:
    """Reads one of these words."""
    allowed = tuple(words)

    def read(text: str) -> object:
        if text not in allowed:
            raise ValueError(f"is one of {', '.join(allowed)}, not {text[:40]!r}")
        return text

    return read


def number_reader(low: int, high: int) -> Reader:
    """Reads a whole number within bounds."""

    def read(text: str) -> object:
        value = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(high)) else low - 1
        if not low <= value <= high:
            raise ValueError(f"is a whole number from {low} to {high}, not {text[:40]!r}")
        return value

    return read


def past_moment(text: str) -> object:
    """Reads a moment as Unix ms; what lies before 1970, when there was nothing, is 1970."""
    return max(0, moment_reader(text))


def readers_of(listing: ListParameters) -> dict[str, Reader]:
    """The reader of each of a list's parameters but its tags, by name."""
    readers: dict[str, Reader] = {
        "limit": number_reader(1, MAX_LIMIT),
        "cursor": id_reader(listing.kind),
        "status": word_reader(listing.statuses),
        "since": moment_reader,
        "until": moment_reader,
        "type": word_reader(TYPES),
        **dict.fromkeys(("root_id", "parent_id", "job_id"), id_reader("job")),
    }
    return {name: readers.get(name, text_reader) for name in ("limit", "cursor", *COMMON, *listing.more)}


def refused_readers() -> dict[str, Reader]:
    """The reader of each parameter of the list of refused requests, by name."""
    return {
        "limit": number_reader(1, MAX_LIMIT),
        "source": text_reader,
        "reason": word_reader(REASONS),
        "since": moment_reader,
        "until": moment_reader,
    }


def text_reader(text: str) -> object:
    """Text as it is. Raises ValueError for a NUL, and for what is no text in UTF-8."""
    if "\0" in text:
        raise ValueError("holds a NUL, which nothing here has")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("is no text in UTF-8") from None
    return text


def moment_reader(text: str) -> int:
    """Reads a moment as Unix ms; without an offset it is UTC."""
    try:
        return unstamp(text)
    except (ValueError, OverflowError):
        raise ValueError(f"is a time like 2026-11-21T10:00:00Z or a date, not {text[:40]!r}") from None
