"""`check`: is the configuration right, what is to be registered at the vendors, what will the rules do."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from receiver.cli import explain
from receiver.cli.exposure import exposed_database, exposed_secrets
from receiver.cli.plan import plan
from receiver.cli.screen import (
    clean,
    emit,
    say,
)
from receiver.cli.session import (
    DEFAULT_FILE,
    AsJson,
    ConfigFile,
    composition,
    settings,
)
from receiver.composition import Composition
from receiver.config import Config
from receiver.contracts import Inspection
from receiver.errors import ConfigError, StoreError
from receiver.store.opening import without_secrets
from receiver.views.costs import budget_states, stopped_sources


class DatabaseFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What was found at the database's address."""

    address: str
    usable: bool
    #: In words: which schema it has, and whether a server runs on it.
    status: str
    #: Whether a process dispatches from it right now.
    dispatched: bool = False


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """All that `check` tells of a configuration that can be used."""

    ok: bool
    file: str
    public_url: str
    sources: list[explain.SourceFacts]
    sinks: list[explain.SinkFacts]
    rules: list[explain.RuleFacts]
    database: DatabaseFacts
    warnings: tuple[str, ...]


def check(
    ctx: typer.Context,
    config: ConfigFile = DEFAULT_FILE,
    show_secrets: Annotated[
        bool,
        typer.Option(
            "--show-secrets/--hide-secrets", help="Secrets and tokens to register in full, or only hinted at."
        ),
    ] = True,
    plan_of: Annotated[
        Path | None,
        typer.Option("--plan", metavar="EVENT", help="Tell what this event (JSON, - = standard input) would lead to."),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--source", help="With --plan: EVENT is a webhook, as the vendor of this source posts it."),
    ] = None,
    json: AsJson = False,
) -> None:
    """Check the configuration; tell what to register.

    With --plan: which orders an event would lead to, and what they would cost. Nothing is sent or kept.
    """
    if source is not None and plan_of is None:
        raise typer.BadParameter("--source goes with --plan")
    try:
        read = settings(ctx, config)
    except ConfigError as wrong:
        if not json:
            raise
        emit({"ok": False, "file": wrong.file, "problems": [problem._asdict() for problem in wrong.problems]})
        raise typer.Exit(2) from None
    if plan_of is not None:
        plan(composition(ctx), read, plan_of, source, json)
        return
    checked = _checked(composition(ctx), read, show_secrets)
    if json:
        emit(checked)
    else:
        _show(checked)
    if not checked.ok:
        raise typer.Exit(1)


def _checked(parts: Composition, config: Config, show_secrets: bool) -> Checked:
    # First: to open the database makes it its owner's alone.
    exposed = exposed_database(config.database) + exposed_secrets(config.secret_files)
    database, money = _database(parts, config)
    return Checked(
        ok=database.usable,
        file=config.file,
        public_url=config.public_url,
        sources=[explain.source_facts(source, config, show_secrets, money) for source in config.sources.values()],
        sinks=[explain.sink_facts(sink, config.public_url) for sink in config.sinks.values()],
        rules=[explain.rule_facts(rule, config, money) for rule in config.rules],
        database=database,
        warnings=(*config.warnings, *exposed),
    )


def _database(parts: Composition, config: Config) -> tuple[DatabaseFacts, explain.MoneyState]:
    try:
        found = parts.inspect(config)
        # An older schema is not brought up to date by a mere check.
        money = asyncio.run(_money(parts, config)) if found.version == found.newest else explain.MoneyState()
    except StoreError as wrong:
        return DatabaseFacts(
            address=without_secrets(config.database), usable=False, status=str(wrong)
        ), explain.MoneyState()
    return _facts(config, found), money


async def _money(parts: Composition, config: Config) -> explain.MoneyState:
    async with parts.open_runtime(config, None) as service:
        setup, now = service.setup, service.clock()
        return await service.store.read(
            lambda tx: explain.MoneyState(budgets=budget_states(tx, setup, now), stopped=stopped_sources(tx))
        )


def _facts(config: Config, found: Inspection) -> DatabaseFacts:
    if found.version is None:
        status = "is not there yet: it will be created"
    elif found.version > found.newest:
        status = f"has schema {found.version}, this gridhook knows up to {found.newest}: use a newer one"
    elif found.version < found.newest:
        status = f"has schema {found.version}: it will be brought to {found.newest} when it is opened"
    else:
        status = f"has schema {found.version}, as it should"
    return DatabaseFacts(
        address=without_secrets(config.database),
        usable=(found.version or 0) <= found.newest,
        status=f"{status}; {'`gridhook serve` runs' if found.dispatched else 'no `gridhook serve` runs'}",
        dispatched=found.dispatched,
    )


def _show(checked: Checked) -> None:
    say(f"{clean(checked.file)}: {'can be used' if checked.ok else 'is right, but its database cannot be used'}")
    for source in checked.sources:
        say()
        explain.show_source(source)
    if checked.sinks:
        say()
        for sink in checked.sinks:
            say(f"sink {clean(sink.name)}: {clean(sink.sentence)}")
    if checked.rules:
        say()
        for rule in checked.rules:
            say(f"rule {clean(rule.name)}: {clean(rule.sentence)}")
            if rule.budget_state is not None:
                say(f"  of its budget {explain.budget_text(rule.budget_state)}")
    say()
    say(f"database {clean(checked.database.address)} {clean(checked.database.status)}")
    for warning in checked.warnings:
        say(f"warning: {clean(warning)}")
