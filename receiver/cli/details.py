"""One job, event, request or delivery in full."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import typer

from receiver.cli.explain import price
from receiver.cli.local_times import local
from receiver.cli.pictures.inline_picture import show_picture
from receiver.cli.screen import (
    clean,
    clean_lines,
    emit,
    emit_pretty,
    emit_raw,
    fields,
    say,
    table,
)
from receiver.cli.session import with_service
from receiver.cli.values import shown_params
from receiver.contracts import (
    CostRow,
    Filters,
    Transaction,
)
from receiver.errors import NotFound
from receiver.flows.commands import job_of
from receiver.lib import ids
from receiver.model.events import Event
from receiver.model.jobs import (
    Cost,
    Hold,
    Job,
    KeptJob,
    NextAction,
)
from receiver.views.records import (
    Checks,
    DeliveryDetail,
    JobDetail,
    RequestDetail,
    delivery_detail,
    job_detail,
    request_detail,
)

T = TypeVar("T")

#: The most jobs of a tree, and events of a job, that are shown.
MOST: Final = 1000
#: What it means that a job is unsure, beside the error that tells why.
UNSURE: Final = "the vendor may have taken the order, or not: it is not sent again by itself, it might be paid twice"
_EVENT: Final = msgspec.json.Decoder(Event)
#: Children by their parent's id, oldest first.
Children = Mapping[str, Sequence[Job]]


class JobFamily(msgspec.Struct, frozen=True, kw_only=True):
    """A job with what hangs on it."""

    kept: KeptJob
    #: As the budgets count it; None if it is not ours, or nothing is or was reserved for it.
    cost: CostRow | None
    #: All jobs of its tree, oldest first.
    tree: list[Job]
    #: Oldest first.
    events: list[Event]


def show_job(ctx: typer.Context, config: Path, job_id: str, json: bool) -> None:
    """One job; for reading also its follow-ups and events. Raises NotFound."""
    found = _read(ctx, config, lambda tx: _job(tx, job_id))
    detail = job_detail(found.kept)
    if json:
        emit(detail)
        return
    job_fields(detail, found.cost)
    show_picture(ctx, config, detail)
    _tree(found)
    if found.events:
        say("\nevents")
        table(
            ("EVENT", "TYPE", "%", "TIME"),
            [[one.id, one.type, one.data.progress, local(one.time)] for one in found.events],
        )


def _job(tx: Transaction, job_id: str) -> JobFamily:
    kept = job_of(tx, job_id)
    root = ids.read("job", kept.job.root_id)
    tree = tx.jobs(Filters(root=root, limit=MOST))
    events = tx.events(Filters(job=kept.number, limit=MOST))
    return JobFamily(
        kept=kept,
        cost=tx.cost(kept.number),
        tree=[one.job for one in reversed(tree)],
        events=[_EVENT.decode(body) for body in reversed(events)],
    )


def job_fields(job: JobDetail, counted: CostRow | None = None) -> None:
    """A job's fields for reading; what it does not have is left out."""
    fields(
        [
            ("job", job.id),
            ("status", f"{job.status} {job.progress} %"),
            ("source", f"{job.source} ({job.provider})"),
            ("vendor's id", job.provider_job_id),
            ("action", job.action),
            ("parameters", shown_params({name: value for name, value in job.params.items() if name != "prompt"})),
            ("prompt", job.prompt),
            ("follows", job.parent_id),
            ("rule", job.rule),
            ("decided by", job.decided_by),
            ("tags", shown_params(dict(job.tags))),
            ("cost", cost_text(job.cost, counted)),
            ("error", f"{job.error.code}: {job.error.message}" if job.error else None),
            ("warning", "the vendor told no picture" if job.warning else None),
            ("unsure", UNSURE if job.status == "unsure" else None),
            ("asked", checks_text(job.checks) if job.checks else None),
            ("waits for", held_text(job.hold) if job.hold else None),
            ("to decide", decide_text(job) if job.status in ("held", "unsure") else None),
            ("created", local(job.created_at)),
            ("submitted", local(job.submitted_at)),
            ("finished", local(job.finished_at)),
            ("deadline", local(job.deadline) if job.finished_at is None else None),
            ("grid", job.grid_url),
            *((f"picture {image.index}", image.open_url) for image in job.images),
            *(("can follow", choice) for choice in choices(job.next_actions)),
        ]
    )


def cost_text(cost: Cost | None, counted: CostRow | None) -> str | None:
    """What a job costs, where that is known from, and what the budgets make of it."""
    if counted is None:
        return f"{price(cost)} ({cost.source})" if cost is not None else None
    told = f"{price(cost)} ({cost.source})" if cost is not None else "not known"
    twice = counted.amount is not None and cost is not None and counted.amount != cost.amount
    return f"{told}, {counted.state}{f'; counts as {counted.amount:f} {counted.unit}' if twice else ''}"


def checks_text(checks: Checks) -> str:
    """How often a vendor was asked about an unsure job, and when next."""
    following = f"next {local(checks.next_at)}" if checks.next_at else "it cannot be asked"
    return f"{checks.asked} times, {following}"


def decide_text(job: Job) -> str:
    """How a person decides on a job that waits."""
    if job.hold is not None and job.hold.reason == "pick":
        return f"gridhook pick {job.id} 1|2|3|4, or gridhook resolve {job.id} give-up"
    return f"gridhook resolve {job.id} check|send|give-up"


def held_text(hold: Hold) -> str:
    """Why and how long a job waits."""
    until = f", until {local(hold.until)}" if hold.until else ""
    return f"its {hold.reason}, since {local(hold.since)}{until}: {hold.note or 'a person may decide'}"


def choices(actions: Sequence[NextAction]) -> list[str]:
    """What can follow, a line for each action and price."""
    found: dict[tuple[str, str], list[str]] = {}
    for one in actions:
        found.setdefault((one.action, price(one.cost)), []).append(shown_params(one.params))
    return [f"{action} {', '.join(ways)}".strip() + f" ({cost})" for (action, cost), ways in found.items()]


def _tree(found: JobFamily) -> None:
    """The whole family, wherever in it this job stands."""
    if len(found.tree) < 2:
        return
    children: dict[str, list[Job]] = {}
    for job in found.tree:
        if job.parent_id is not None:
            children.setdefault(job.parent_id, []).append(job)
    known = {job.id for job in found.tree}
    say("\nfamily")
    for top in found.tree:
        if top.parent_id not in known:
            say(job_line(top, found.kept.job.id))
            for line in branches(children, top.id, "", found.kept.job.id):
                say(line)


def branches(children: Children, parent: str, indent: str, here: str = "") -> list[str]:
    """The jobs below a parent as a tree of lines; the one with the id `here` is marked."""
    below = children.get(parent, [])
    lines: list[str] = []
    for place, job in enumerate(below):
        last = place == len(below) - 1
        lines.append(f"{indent}{'└─ ' if last else '├─ '}{job_line(job, here)}")
        lines += branches(children, job.id, indent + ("   " if last else "│  "), here)
    return lines


def job_line(job: Job, here: str = "") -> str:
    """A job in one line; the one with the id `here` is marked."""
    what = " ".join([job.action or "?", shown_params({k: v for k, v in job.params.items() if k != "prompt"})]).strip()
    progress = f" {job.progress} %" if job.status in ("queued", "running") else ""
    cost = f", {price(job.cost)}" if job.cost else ""
    mark = "  <- this one" if job.id == here else ""
    return clean(f"{job.id} {what} at {job.source}: {job.status}{progress}{cost}{mark}")


def show_event(ctx: typer.Context, config: Path, event_id: str, json: bool) -> None:
    """One event, byte for byte, or indented for reading. Raises NotFound."""
    body = _read(ctx, config, lambda tx: _found("event", ids.read("evt", event_id), tx.event, event_id))
    if json:
        emit_raw(body)
    else:
        emit_pretty(body)


def show_request(ctx: typer.Context, config: Path, request_id: str, json: bool) -> None:
    """One webhook as it came in. Raises NotFound."""
    kept = _read(ctx, config, lambda tx: _found("request", ids.read("req", request_id), tx.request, request_id))
    detail = request_detail(kept)
    if json:
        emit(detail)
    else:
        _request(detail)


def _request(detail: RequestDetail) -> None:
    fields(
        [
            ("request", detail.id),
            ("status", detail.status),
            ("note", detail.note),
            ("source", detail.source),
            ("proof", detail.proof),
            ("job", detail.job_id),
            ("from", detail.sender),
            ("received", local(detail.received_at)),
            ("size", f"{detail.size} bytes"),
        ]
    )
    say("\nheaders")
    fields(list(detail.headers.items()), indent="  ")
    say("\nbody" if detail.encoding == "utf-8" else "\nbody (base64)")
    say(clean_lines(detail.body))


def show_delivery(ctx: typer.Context, config: Path, delivery_id: str, json: bool) -> None:
    """One delivery with its attempts. Raises NotFound."""
    detail = _read(ctx, config, lambda tx: _delivery(tx, delivery_id))
    if json:
        emit(detail)
        return
    fields(
        [
            ("delivery", detail.id),
            ("status", detail.status),
            ("to", f"sink {detail.sink}" if detail.sink else f"order at {detail.source}"),
            ("job", detail.job_id),
            ("event", f"{detail.event_id} {detail.event_type}" if detail.event_id else None),
            ("created", local(detail.created_at)),
            ("tries", str(detail.attempt)),
            ("due", local(detail.due_at)),
        ]
    )
    if detail.attempts:
        say("\nattempts")
        rows = [
            [one.number, one.outcome, one.status, local(one.started_at), one.took_ms, one.note]
            for one in detail.attempts
        ]
        table(("TRY", "OUTCOME", "HTTP", "STARTED", "MS", "NOTE"), rows)


def _delivery(tx: Transaction, delivery_id: str) -> DeliveryDetail:
    delivery = _found("delivery", ids.read("dlv", delivery_id), tx.delivery, delivery_id)
    return delivery_detail(tx, delivery)


def _found(what: str, number: int | None, read: Callable[[int], T | None], given: str) -> T:
    found = read(number) if number is not None else None
    if found is None:
        raise NotFound(f"there is no {what} {given[:40]!r}")
    return found


def _read(ctx: typer.Context, config: Path, work: Callable[[Transaction], T]) -> T:
    return with_service(ctx, config, lambda service: service.store.read(work), secrets="optional")
