"""`redeliver`, `resend`, `reparse`: a delivery once more, an event to any sink, a request through today's code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Annotated, Final

import msgspec
import typer

from receiver.cli import filters
from receiver.cli.screen import clean, emit, say
from receiver.cli.session import (
    DEFAULT_FILE,
    NOT_DISPATCHED,
    AsJson,
    ConfigFile,
    with_service,
)
from receiver.cli.values import number
from receiver.composition import Runtime
from receiver.contracts import (
    Filters,
    KeptRequest,
    Page,
    Transaction,
)
from receiver.contracts.setup import Setup
from receiver.errors import NotFound
from receiver.flows import commands, intake, resending
from receiver.lib import ids
from receiver.views.filters import EVENTS, REQUESTS, text_reader

#: How many are read and written at once.
PAGE: Final = 500


def redeliver(
    ctx: typer.Context,
    delivery_id: Annotated[str | None, typer.Argument(metavar="ID", help="A delivery, finished or dead.")] = None,
    dead: Annotated[bool, typer.Option("--dead", help="Every dead delivery to a sink.")] = False,
    sink: filters.SinkOption = None,
    config: ConfigFile = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Send a delivery to its sink again, or all dead ones.

    Orders are never sent again by this, and what was for a sink that is not configured any more stays dead.
    """
    if (delivery_id is None) is not dead:
        raise typer.BadParameter("name a delivery, or --dead")
    if sink is not None:
        filters.read_option("--sink", text_reader, sink)
    if delivery_id is not None and sink is not None:
        raise typer.BadParameter("--sink goes with --dead")

    async def work(service: Runtime) -> tuple[list[str], int, bool]:
        filters.refuse_unknown(service, Filters(sink=sink))
        if delivery_id is None:
            return *await _dead_again(service, sink), service.dispatched()
        again = await service.store.write(
            lambda tx: commands.redeliver(tx, service.setup, delivery_id, service.clock())
        )
        return [ids.show("dlv", again.number)], 0, service.dispatched()

    sent, left, dispatched = with_service(ctx, config, work)
    if json:
        emit({"redelivered": len(sent), "deliveries": sent})
        return
    waits = "" if dispatched or not sent else f"; {NOT_DISPATCHED}"
    say(f"{len(sent)} {'delivery' if len(sent) == 1 else 'deliveries'} will be sent again{waits}")
    if left:
        say(f"{left} {'stays' if left == 1 else 'stay'} dead: for sinks that are not configured any more")


async def _dead_again(service: Runtime, sink: str | None) -> tuple[list[str], int]:
    """Redelivers what is dead; returns the ids, and how many deliveries are for sinks that are gone."""
    sent: list[str] = []
    left = 0
    wanted = Filters(status="dead", sink=sink, limit=PAGE)
    while True:
        page, gone, before = await service.store.write(
            partial(_page_again, service.setup, wanted=wanted, now=service.clock())
        )
        sent += page
        left += gone
        if before is None:
            return sent, left
        wanted = msgspec.structs.replace(wanted, before=before)


def _page_again(setup: Setup, tx: Transaction, wanted: Filters, now: int) -> tuple[list[str], int, int | None]:
    """Redelivers a page of dead deliveries; returns their ids, how many cannot be, where the next page begins."""
    page = tx.deliveries(wanted)
    found = [one for one in page if not one.is_order]
    again = [ids.show("dlv", one.number) for one in found if one.name in setup.sinks]
    for delivery_id in again:
        commands.redeliver(tx, setup, delivery_id, now)
    return again, len(found) - len(again), page.next


def resend(
    ctx: typer.Context,
    sink: Annotated[str, typer.Option("--to", metavar="SINK", help="Where to.")],
    event_id: Annotated[str | None, typer.Argument(metavar="EVENT", help="One event.")] = None,
    since: filters.SinceOption = None,
    until: filters.UntilOption = None,
    type_: filters.TypeOption = None,
    source: filters.SourceOption = None,
    config: ConfigFile = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Send kept events to a sink, the oldest first, whatever the rules say.

    For example `gridhook resend --since 7d --to archive` after a sink was added.
    """
    given = {"since": since, "until": until, "type": type_, "source": source}
    narrowed = any(one is not None for one in given.values())
    if (event_id is None) is not narrowed:
        raise typer.BadParameter("name an event, or narrow by --since, --until, --type, --source")

    async def work(service: Runtime) -> tuple[list[str], bool]:
        filters.refuse_unknown(service, Filters(sink=sink, source=source))
        now = service.clock()
        if event_id is not None:
            one = await service.store.write(lambda tx: resending.resend(tx, service.setup, event_id, sink, now))
            return [ids.show("dlv", one.number)], service.dispatched()
        wanted = filters.filters_of(EVENTS, PAGE, given)
        sent: list[str] = []
        for some in batched(await _event_ids(service, wanted), PAGE):
            sent += await service.store.write(partial(_resend_some, service.setup, some, sink, now))
        return sent, service.dispatched()

    sent, dispatched = with_service(ctx, config, work)
    if json:
        emit({"resent": len(sent), "deliveries": sent})
        return
    waits = "" if dispatched or not sent else f"; {NOT_DISPATCHED}"
    say(f"{len(sent)} {'event' if len(sent) == 1 else 'events'} will be sent to {clean(sink)}{waits}")


def _resend_some(setup: Setup, event_ids: list[str], sink: str, now: int, tx: Transaction) -> list[str]:
    return resending.resend_all(tx, setup, event_ids, sink, now)


def batched(items: list[str], size: int) -> Iterator[list[str]]:
    """The items in lists of at most `size`."""
    return (items[start : start + size] for start in range(0, len(items), size))


async def _event_ids(service: Runtime, wanted: Filters) -> list[str]:
    """The events that fit, oldest first."""
    found: list[str] = []
    while True:
        page = await service.store.read(partial(_events, wanted=wanted))
        found += [resending.id_of(body) for body in page]
        if page.next is None:
            return found[::-1]
        wanted = msgspec.structs.replace(wanted, before=page.next)


def _events(tx: Transaction, wanted: Filters) -> Page[bytes]:
    return tx.events(wanted)


def reparse(
    ctx: typer.Context,
    request_id: Annotated[str | None, typer.Argument(metavar="ID", help="One request.")] = None,
    status: filters.StatusOption = None,
    source: filters.SourceOption = None,
    since: filters.SinceOption = None,
    until: filters.UntilOption = None,
    config: ConfigFile = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Read kept requests again with this version's code.

    For example `gridhook reparse --status unmapped` after an update. Rules apply to what is new, so orders may follow.
    """
    narrowed = any(one is not None for one in (status, source, since, until))
    if (request_id is None) is not narrowed:
        raise typer.BadParameter("name a request, or narrow by --status, --source, --since, --until")

    given = {"status": status, "source": source, "since": since, "until": until}

    async def work(service: Runtime) -> list[intake.IntakeResult]:
        if request_id is not None:
            return await _reparse(service, [number("req", request_id)], strict=True)
        wanted = filters.filters_of(REQUESTS, PAGE, given)
        filters.refuse_unknown(service, wanted)
        return await _reparse(service, await _numbers(service, wanted), strict=False)

    taken = with_service(ctx, config, work)
    if json:
        for one in taken:
            emit(one)
    else:
        _show(taken)


async def _numbers(service: Runtime, wanted: Filters) -> list[int]:
    """The requests that fit, oldest first, as they came in."""
    found: list[int] = []
    while True:
        page = await service.store.read(partial(_requests, wanted=wanted))
        found += [kept.number for kept in page]
        if page.next is None:
            return found[::-1]
        wanted = msgspec.structs.replace(wanted, before=page.next)


def _requests(tx: Transaction, wanted: Filters) -> Page[KeptRequest]:
    return tx.requests(wanted)


async def _reparse(service: Runtime, numbers: list[int], *, strict: bool) -> list[intake.IntakeResult]:
    taken: list[intake.IntakeResult] = []
    for one in numbers:
        again = await intake.reparse(service.store, service.setup, one, service.clock())
        if again is not None:
            taken.append(again)
        elif strict:
            raise NotFound(f"there is no request {ids.show('req', one)} of a source that is configured")
    return taken


def _show(taken: list[intake.IntakeResult]) -> None:
    states = Counter(one.state for one in taken)
    told = ": " + ", ".join(f"{count} {state}" for state, count in states.items()) if taken else ""
    events = sum(one.events for one in taken)
    say(f"{len(taken)} {'request' if len(taken) == 1 else 'requests'} read again{told}; {events} new events")
