"""`jobs`, `events`, `requests`, `deliveries`: lists, newest first, and one of them in full."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer

from receiver.cli import details, filters
from receiver.cli.explain import price
from receiver.cli.filters import LIMIT
from receiver.cli.local_times import local
from receiver.cli.pages import read_list, tell_unknown
from receiver.cli.screen import (
    emit,
    emit_raw,
    table,
    tell,
)
from receiver.cli.session import (
    DEFAULT_FILE,
    AsJson,
    ConfigFile,
    with_service,
)
from receiver.composition import Runtime
from receiver.contracts import Filters
from receiver.model.events import AnyEvent, OperatorEvent, decode_event
from receiver.model.jobs import Job, KeptJob
from receiver.views.filters import DELIVERIES, EVENTS, JOBS, REQUESTS
from receiver.views.records import (
    DeliveryView,
    RefusedView,
    RequestView,
    delivery_views,
    request_view,
)
from receiver.views.refused import RefusedFilters, refused_views

T = TypeVar("T")


def jobs(
    ctx: typer.Context,
    job_id: Annotated[str | None, typer.Argument(metavar="ID", help="One job in full.")] = None,
    status: filters.StatusOption = None,
    source: filters.SourceOption = None,
    action: filters.ActionOption = None,
    provider_job_id: filters.VendorIdOption = None,
    root: filters.RootOption = None,
    parent: filters.ParentOption = None,
    tag: filters.TagOption = None,
    since: filters.SinceOption = None,
    until: filters.UntilOption = None,
    limit: filters.LimitOption = LIMIT,
    config: ConfigFile = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """List jobs, newest first, or show one in full."""
    if job_id is not None:
        details.show_job(ctx, config, job_id, json)
        return
    given = {
        "status": status, "source": source, "action": action, "provider_job_id": provider_job_id, "root_id": root,
        "parent_id": parent, "since": since, "until": until,
    }  # fmt: skip
    kept = read_list(ctx, config, lambda tx, page: tx.jobs(page), lambda: filters.filters_of(JOBS, limit, given, tag))
    if json:
        for one in kept:
            emit(one.job)
    else:
        _table("jobs", JOB_COLUMNS, [job_cells(one) for one in kept])


JOB_COLUMNS: Final = ("JOB", "STATUS", "%", "ACTION", "SOURCE", "COST", "CREATED", "PROMPT")


def job_cells(kept: KeptJob) -> list[object]:
    """A job as a row."""
    job = kept.job
    return [
        job.id,
        f"held ({job.hold.reason})" if job.hold is not None else job.status,
        job.progress,
        action_text(job),
        job.source,
        price(job.cost) if job.cost else None,
        local(job.created_at),
        job.prompt,
    ]


def action_text(job: Job) -> str:
    """An action with what tells it from others of its kind."""
    told = [str(job.params[name]) for name in ("index", "kind", "strength", "direction") if name in job.params]
    return " ".join([job.action or "?", *told])


def events(
    ctx: typer.Context,
    event_id: Annotated[str | None, typer.Argument(metavar="ID", help="One event in full.")] = None,
    kind: filters.TypeOption = None,
    status: filters.StatusOption = None,
    source: filters.SourceOption = None,
    action: filters.ActionOption = None,
    provider_job_id: filters.VendorIdOption = None,
    job: filters.JobOption = None,
    root: filters.RootOption = None,
    parent: filters.ParentOption = None,
    tag: filters.TagOption = None,
    since: filters.SinceOption = None,
    until: filters.UntilOption = None,
    limit: filters.LimitOption = LIMIT,
    config: ConfigFile = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """List events, newest first, or show one in full."""
    if event_id is not None:
        details.show_event(ctx, config, event_id, json)
        return
    given = {
        "type": kind, "status": status, "source": source, "action": action, "provider_job_id": provider_job_id,
        "job_id": job, "root_id": root, "parent_id": parent, "since": since, "until": until,
    }  # fmt: skip
    bodies = read_list(
        ctx, config, lambda tx, page: tx.events(page), lambda: filters.filters_of(EVENTS, limit, given, tag)
    )
    if json:
        for body in bodies:
            emit_raw(body)
    else:
        _table("events", EVENT_COLUMNS, [event_cells(decode_event(body)) for body in bodies])


EVENT_COLUMNS: Final = ("EVENT", "TYPE", "JOB", "SOURCE", "ACTION", "%", "TIME")


def event_cells(event: AnyEvent) -> list[object]:
    """An event as a row."""
    if isinstance(event, OperatorEvent):
        return [event.id, event.type, event.subject, event.data.source, event.data.reason, None, local(event.time)]
    job = event.data
    return [event.id, event.type, job.id, job.source, action_text(job), job.progress, local(event.time)]


def requests(
    ctx: typer.Context,
    request_id: Annotated[str | None, typer.Argument(metavar="ID", help="One request in full.")] = None,
    refused: Annotated[
        bool, typer.Option("--refused", help="Those that were refused instead, the newest 200: when, from where, why.")
    ] = False,
    reason: filters.ReasonOption = None,
    status: filters.StatusOption = None,
    source: filters.SourceOption = None,
    job: filters.JobOption = None,
    since: filters.SinceOption = None,
    until: filters.UntilOption = None,
    limit: filters.LimitOption = LIMIT,
    config: ConfigFile = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """List webhooks that came in, or show one in full.

    Their status is mapped, unmapped (of no known shape) or unreadable (no JSON). Of those that were refused only that
    is kept which --refused shows, and the names of their headers.
    """
    if refused:
        if (request_id, status, job) != (None, None, None):
            raise typer.BadParameter("--refused goes with --source, --reason, --since, --until and --limit only")
        given = {"source": source, "reason": reason, "since": since, "until": until}
        show_refused(ctx, config, lambda: filters.refused_filters(limit, given), json)
        return
    if reason is not None:
        raise typer.BadParameter("--reason goes with --refused only")
    if request_id is not None:
        details.show_request(ctx, config, request_id, json)
        return
    given = {"status": status, "source": source, "job_id": job, "since": since, "until": until}
    kept = read_list(
        ctx, config, lambda tx, page: tx.requests(page), lambda: filters.filters_of(REQUESTS, limit, given)
    )
    views = [request_view(one) for one in kept]
    _views("requests", REQUEST_COLUMNS, views, _request_cells, json)


REQUEST_COLUMNS: Final = ("REQUEST", "STATUS", "SOURCE", "PROOF", "FROM", "BYTES", "RECEIVED", "NOTE")


def _request_cells(view: RequestView) -> list[object]:
    return [
        view.id,
        view.status,
        view.source,
        view.proof,
        view.sender or None,
        view.size,
        local(view.received_at),
        view.note,
    ]


REFUSED_COLUMNS: Final = ("TIME", "SOURCE", "REASON", "FROM", "HEADERS")


def show_refused(ctx: typer.Context, config: Path, wanted: Callable[[], RefusedFilters], json: bool) -> None:
    """Lists why the newest requests were refused; `wanted` is called once the time zone is known."""

    async def read(service: Runtime) -> list[RefusedView]:
        narrowed = wanted()
        kept = await service.store.read(lambda tx: tx.refused())
        found = refused_views((one for _, one in kept), narrowed)
        tell_unknown(service, Filters(source=narrowed.source), has_found=bool(found))
        return found

    views = with_service(ctx, config, read, secrets="optional")
    _views("refused requests", REFUSED_COLUMNS, views, _refused_cells, json)


def _refused_cells(view: RefusedView) -> list[object]:
    return [local(view.time), view.source, view.reason, view.sender, " ".join(view.headers)]


def deliveries(
    ctx: typer.Context,
    delivery_id: Annotated[str | None, typer.Argument(metavar="ID", help="One delivery in full.")] = None,
    status: filters.StatusOption = None,
    sink: filters.SinkOption = None,
    source: filters.SourceOption = None,
    kind: filters.TypeOption = None,
    action: filters.ActionOption = None,
    provider_job_id: filters.VendorIdOption = None,
    job: filters.JobOption = None,
    root: filters.RootOption = None,
    parent: filters.ParentOption = None,
    tag: filters.TagOption = None,
    since: filters.SinceOption = None,
    until: filters.UntilOption = None,
    limit: filters.LimitOption = LIMIT,
    config: ConfigFile = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """List deliveries, or show one with its attempts.

    Their status is pending, running, done or dead.
    """
    if delivery_id is not None:
        details.show_delivery(ctx, config, delivery_id, json)
        return
    given = {
        "status": status, "sink": sink, "source": source, "type": kind, "action": action,
        "provider_job_id": provider_job_id, "job_id": job, "root_id": root, "parent_id": parent, "since": since,
        "until": until,
    }  # fmt: skip
    views = read_list(ctx, config, delivery_views, lambda: filters.filters_of(DELIVERIES, limit, given, tag))
    _views("deliveries", DELIVERY_COLUMNS, views, _delivery_cells, json)


DELIVERY_COLUMNS: Final = ("DELIVERY", "STATUS", "TO", "TYPE", "TRIES", "JOB", "CREATED", "DUE")


def _delivery_cells(view: DeliveryView) -> list[object]:
    to = f"sink {view.sink}" if view.sink else f"order {view.source}"
    return [
        view.id,
        view.status,
        to,
        view.event_type,
        view.attempt,
        view.job_id,
        local(view.created_at),
        local(view.due_at),
    ]


def _views(
    what: str, columns: Sequence[str], views: Sequence[T], cells: Callable[[T], list[object]], json: bool
) -> None:
    if json:
        for view in views:
            emit(view)
    else:
        _table(what, columns, [cells(view) for view in views])


def _table(what: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    if rows:
        table(columns, rows)
    else:
        tell(f"no {what}")
