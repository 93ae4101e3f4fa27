"""`test`: a sample event to one sink, so that one sees whether it works and what it looks like."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
import typer

from receiver.cli.screen import clean, emit, fail, say
from receiver.cli.session import DEFAULT_FILE, AsJson, ConfigFile, composition, settings
from receiver.composition import Composition
from receiver.config import Config
from receiver.contracts import Sink
from receiver.contracts.options import check_url
from receiver.errors import OptionError
from receiver.lib import ids
from receiver.lib.ids import Ids
from receiver.lib.nearest import nearest
from receiver.lib.times import stamp, system_clock
from receiver.model.deliveries import Delivered, Outcome
from receiver.model.samples import SAMPLE_PICTURE, sample_event
from receiver.workers.checks.sample_delivery import deliver_sample
from receiver.workers.settlement import outcome_name


class SampleResult(msgspec.Struct, frozen=True, kw_only=True):
    """What `test --json` prints."""

    sink: str
    event_id: str
    #: delivered, again (it may work later) or dead (it cannot work as it is configured).
    outcome: str
    http_status: int | None
    note: str | None


def send_test(
    ctx: typer.Context,
    sink: Annotated[str, typer.Argument(metavar="SINK", help="Name of the sink.")],
    picture: Annotated[str, typer.Option("--picture", metavar="URL", help="The picture to show.")] = SAMPLE_PICTURE,
    config: ConfigFile = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Send a sample event with a sample picture to a sink, marked as a test.

    Nothing is kept, nothing is ordered, and it is not retried.
    """
    try:
        check_url(picture)
    except OptionError as wrong:
        raise typer.BadParameter(clean(f"--picture {wrong.wrong}")) from None
    read = settings(ctx, config)
    if sink not in read.sinks:
        raise typer.BadParameter(clean(f"no sink {sink!r} is configured; {nearest(sink, sorted(read.sink_names))}"))
    event_id, outcome = asyncio.run(_try(composition(ctx), read, read.sinks[sink], picture))
    result = SampleResult(
        sink=sink, event_id=event_id, outcome=outcome_name(outcome), http_status=outcome.status, note=outcome.note
    )
    if json:
        emit(result)
    elif isinstance(outcome, Delivered):
        say(clean(f"delivered to {sink}: {event_id}" + (f" ({outcome.note})" if outcome.note else "")))
    if not isinstance(outcome, Delivered):
        fail(clean(f"{sink} did not take it: {outcome.note}"))


async def _try(parts: Composition, config: Config, sink: Sink, picture: str) -> tuple[str, Outcome]:
    now = system_clock()
    made = Ids(system_clock)
    event = sample_event(ids.show("evt", made.next()), ids.show("job", made.next()), stamp(now), picture)
    async with parts.outside.open_context(config, sink) as context:
        return event.id, await deliver_sample(sink, event, context)
