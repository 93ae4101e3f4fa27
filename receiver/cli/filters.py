"""The options by which lists are narrowed, as they are typed and as the store takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Annotated, Any, Final

import typer

from receiver.cli.screen import clean
from receiver.cli.values import moment, tags
from receiver.composition import Runtime
from receiver.contracts import Filters
from receiver.lib.times import system_clock
from receiver.views.filters import FIELDS, ListParameters, Reader, readers_of, refused_readers
from receiver.views.refused import RefusedFilters

StatusOption = Annotated[str | None, typer.Option("--status", help="Only those in this status.")]
SourceOption = Annotated[str | None, typer.Option("--source", help="Only those of this source.")]
ActionOption = Annotated[str | None, typer.Option("--action", help="Only those of jobs with this action.")]
VendorIdOption = Annotated[str | None, typer.Option("--provider-job-id", help="Only those of the vendor's job.")]
RootOption = Annotated[str | None, typer.Option("--root", metavar="JOB", help="Only those of this job's whole tree.")]
ParentOption = Annotated[str | None, typer.Option("--parent", metavar="JOB", help="Only those that follow this job.")]
JobOption = Annotated[str | None, typer.Option("--job", metavar="JOB", help="Only those of this job.")]
TagOption = Annotated[
    list[str] | None, typer.Option("--tag", metavar="NAME=TEXT", help="Only those with this tag; may be repeated.")
]
TypeOption = Annotated[str | None, typer.Option("--type", help="Only those of this event type.")]
SinkOption = Annotated[str | None, typer.Option("--sink", help="Only those to this sink.")]
SinceOption = Annotated[
    str | None, typer.Option("--since", metavar="WHEN", help="From this moment on (RFC 3339), or so long ago (2h).")
]
UntilOption = Annotated[str | None, typer.Option("--until", metavar="WHEN", help="Before this moment, or so long ago.")]
LimitOption = Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many, the newest.")]

ReasonOption = Annotated[
    str | None, typer.Option("--reason", help="With --refused: only those that were refused for this reason.")
]

LIMIT: Final = 50


def filters_of(
    listing: ListParameters, limit: int, given: Mapping[str, str | None], tag: Sequence[str] | None = None
) -> Filters:
    """What a list is narrowed by; options are named as the API's parameters. Raises BadParameter with what is right.

    Moments without an offset are in the time zone in use, so that is to be known by now.
    """
    asked = {FIELDS.get(name, name): value for name, value in _asked(readers_of(listing), given).items()}
    return Filters(limit=limit, tags=tags(tag or []), **asked)


def refused_filters(limit: int, given: Mapping[str, str | None]) -> RefusedFilters:
    """What the list of refused requests is narrowed by. Raises BadParameter with what is right."""
    return RefusedFilters(limit=limit, **_asked(refused_readers(), given))


def _asked(known: Mapping[str, Reader], given: Mapping[str, str | None]) -> dict[str, Any]:
    """The values of the options that were given, by the parameters' names."""
    now = system_clock()
    readers: dict[str, Reader] = {
        **known,
        "since": lambda text: moment(text, "--since", now),
        "until": lambda text: moment(text, "--until", now),
    }
    return {name: read_option(_option(name), readers[name], text) for name, text in given.items() if text is not None}


def read_option(option: str, read: Reader, text: str) -> object:
    """An option's value. Raises BadParameter with what would be right."""
    try:
        return read(text)
    except ValueError as wrong:
        raise typer.BadParameter(clean(f"{option} {wrong}")) from None


def _option(name: str) -> str:
    """The option of a parameter: `root_id` is `--root`, `provider_job_id` is `--provider-job-id`."""
    short = name if name == "provider_job_id" else name.removesuffix("_id")
    return f"--{short.replace('_', '-')}"


def unknown_names(service: Runtime, wanted: Filters) -> str | None:
    """What is said of a source or a sink that is not configured, with what is right; None where all are."""
    for what, name, known in (
        ("source", wanted.source, sorted(service.config.source_names)),
        ("sink", wanted.sink, sorted(service.config.sink_names)),
    ):
        if name is not None and name not in known:
            close = get_close_matches(name, known, n=1)
            remedy = f"did you mean {close[0]}?" if close else f"there are: {', '.join(known) or 'none'}"
            return clean(f"no {what} {name!r} is configured; {remedy}")
    return None


def refuse_unknown(service: Runtime, wanted: Filters) -> None:
    """Raises BadParameter for a source or a sink that is not configured, where nothing can be done with it."""
    unknown = unknown_names(service, wanted)
    if unknown is not None:
        raise typer.BadParameter(unknown)
