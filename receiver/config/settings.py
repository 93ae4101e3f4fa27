"""What a configuration file says, once it is read and found right."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from receiver.contracts import (
    Budget,
    CallNetwork,
    Sink,
    Source,
    has_buttons,
)
from receiver.contracts.pictures import link_lifetime_s
from receiver.contracts.setup import Limits, Setup
from receiver.lib.signatures import Secret
from receiver.model.rules import Rule

#: Of `[server]`, what only a restart can change.
NEED_RESTART: Final = ("host", "port", "admin_port")


def local_url(port: int) -> str:
    """What webhook URLs begin with where no `public_url` is written."""
    return f"http://127.0.0.1:{port}"


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the program listens, and who may use its API and pages."""

    host: str = "127.0.0.1"
    #: 0 = any free one
    port: int = 8000
    #: Where pages, API and metrics are answered instead of `port`; None = there too.
    admin_port: int | None = None
    #: Any one is right: while one is changed for another there are two.
    admin_token: tuple[Secret, ...] = ()
    #: Whoever has this one sees everything and changes nothing.
    viewer_token: Secret | None = None
    #: Largest body that is taken in, bytes.
    max_body: int = 8 * 1024**2
    #: How many connections there may be at once.
    max_connections: int = 4096
    #: What all unfinished requests together may hold, bytes.
    max_unread: int = 64 * 1024**2
    #: How long a connection without a request is kept, seconds.
    keep_alive: float = 75.0
    #: Seconds that a stop may take, whatever hangs.
    stop_within: float = 8.0
    #: Addresses or networks whose `X-Forwarded-*` headers are believed.
    trusted_proxies: tuple[str, ...] = ()
    #: The header in which a trusted proxy names who signed in there: an admin of the pages. None = none is believed.
    user_header: str | None = None


class LimitSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How far one job may lead. What would go further is held."""

    #: How many follow-ups deep a chain may go.
    depth: int = 5
    #: How many jobs a root may lead to, itself included.
    jobs: int = 50


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the configuration file says, read and found right."""

    #: Path of the file, as it was given.
    file: str
    #: The folder it stands in, absolute; relative paths in it start there.
    folder: Path
    #: What providers can reach, without a slash at the end.
    public_url: str
    #: `sqlite:///` and an absolute path (so four slashes).
    database: str
    #: How long what is over is kept, seconds; None = for ever.
    retention: float | None = None
    #: How long requests, and progress of jobs that are over, are kept, seconds; None = as long as their jobs.
    requests_retention: float | None = None
    progress_retention: float | None = None
    #: How long our copies of pictures are kept, seconds; None = for ever.
    pictures_retention: float | None = None
    time_zone: str = "UTC"
    limits: LimitSettings = LimitSettings()
    server: ServerSettings
    network: CallNetwork = CallNetwork()
    sources: dict[str, Source] = {}
    sinks: dict[str, Sink] = {}
    #: The names of all sources and sinks in the file, also of those that are left out for want of a secret.
    source_names: tuple[str, ...] = ()
    sink_names: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    #: By source.
    budgets: dict[str, Budget] = {}
    #: By rule.
    rule_budgets: dict[str, Budget] = {}
    #: What works, but most likely not as it was meant.
    warnings: tuple[str, ...] = ()
    #: Every secret that it names, wherever it stands.
    secrets: tuple[Secret, ...] = ()
    #: Files that hold secrets, if they are there: the configuration itself, `.env`, those behind `file:`.
    secret_files: tuple[Path, ...] = ()


def setup_of(config: Config) -> Setup:
    """What the flows need of a configuration."""
    limits = Limits(
        budgets=config.budgets,
        rule_budgets=config.rule_budgets,
        time_zone=config.time_zone,
        depth=config.limits.depth,
        jobs=config.limits.jobs,
    )
    return Setup(
        sources=config.sources,
        rules=config.rules,
        limits=limits,
        sinks=frozenset(config.sinks),
        button_sinks=frozenset(name for name, sink in config.sinks.items() if has_buttons(sink.handler)),
        archives=tuple(name for name, sink in config.sinks.items() if sink.handler.archives),
        links={name: lasts for name, sink in config.sinks.items() if (lasts := link_lifetime_s(sink.handler))},
        public_url=config.public_url,
        secrets=config.secrets,
    )


def taken_over(old: Config, new: Config) -> tuple[Config, tuple[str, ...]]:
    """`new` with what only a restart can change as it is in `old`, and the keys that differ in that."""
    fixed = {name: getattr(old.server, name) for name in NEED_RESTART}
    changed = [f"server.{name}" for name, value in fixed.items() if getattr(new.server, name) != value]
    if new.database != old.database:
        changed.append("database")
    if new.network != old.network:
        changed.append("network")
    server = msgspec.structs.replace(new.server, **fixed)
    # Where it is not written, it follows from the port.
    follows = new.public_url == local_url(new.server.port)
    public_url = local_url(old.server.port) if follows else new.public_url
    kept = msgspec.structs.replace(
        new, server=server, database=old.database, network=old.network, public_url=public_url
    )
    return kept, tuple(changed)
