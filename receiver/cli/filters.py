"""The options by which lists are narrowed, as they are typed and as the store takes them."""

from __future__ import annotations

from typing import Annotated, Final

import typer

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

LIMIT: Final = 50
