"""`doctor`: proves that it works, or says what does not."""

from __future__ import annotations

import typer

from receiver.cli.screen import emit, say, table
from receiver.cli.session import DEFAULT_FILE, AsJson, ConfigFile, composition, with_service
from receiver.composition import Runtime
from receiver.workers.checks.doctor import Diagnosis, diagnose


def doctor(ctx: typer.Context, config: ConfigFile = DEFAULT_FILE, json: AsJson = False) -> None:
    """Try what must work: the public address, each vendor's key, the sinks, clock, disk and database.

    It spends nothing and sends nothing to a sink. `gridhook serve` must run for the public address to answer. Exit 1 if
    something does not work.
    """
    outside = composition(ctx).outside

    async def work(service: Runtime) -> tuple[Diagnosis, ...]:
        async with outside.open_transport(service.config) as transport:
            contexts = outside.open_context
            return await diagnose(service.store, service.setup, service.config, transport, contexts, service.clock)

    found = with_service(ctx, config, work)
    if json:
        for one in found:
            emit(one)
    else:
        table(("WHAT", "VERDICT", "SAID"), [(one.what, one.verdict, one.said) for one in found])
        bad = sum(one.verdict == "bad" for one in found)
        say(f"{bad} of {len(found)} do not work" if bad else "everything works")
    if any(one.verdict == "bad" for one in found):
        raise typer.Exit(1)
