"""Reads the configuration file as a whole."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from receiver.config.databases import read_database
from receiver.config.environment.env_file import EnvFile, read_env_file
from receiver.config.environment.network import read_network
from receiver.config.files.toml_file import TomlWrong, read_toml
from receiver.config.findings import Findings
from receiver.config.plugins import Registry
from receiver.config.reading import (
    Reader,
    Secrets,
    Table,
    Wrong,
    keys_of,
)
from receiver.config.rules.rules import read_rules
from receiver.config.server import (
    ServerKeys,
    judge_links,
    judge_public_url,
    server_settings,
)
from receiver.config.settings import Config, LimitSettings, local_url
from receiver.config.sinks import read_sinks
from receiver.config.sources import read_sources
from receiver.config.units import (
    Address,
    Count,
    Retention,
)
from receiver.contracts import CallNetwork, has_buttons
from receiver.contracts.options import NeededSecret
from receiver.errors import ConfigError
from receiver.lib.signatures import Secret

LATER: Final = ("alerts",)


class LimitKeys(msgspec.Struct, frozen=True, kw_only=True):
    """`[limits]` as it is written."""

    depth: Count = 5
    jobs: Count = 50


class RetentionKeys(msgspec.Struct, frozen=True, kw_only=True):
    """`retention = { ... }` as it is written; each in seconds. What is left out is kept for ever."""

    #: Jobs that are over, with all that belongs to them.
    jobs: Retention | None = None
    #: Requests, and events of progress: left out, they go with their jobs.
    requests: Retention | None = None
    progress: Retention | None = None
    #: Our copies of pictures: they only go where this is written.
    pictures: Retention | None = None


class TopKeys(msgspec.Struct, frozen=True, kw_only=True):
    """The keys and tables of the file."""

    public_url: Address | None = None
    #: A secret where it is `"env:NAME"`: the address of a server may hold a password.
    database: NeededSecret = Secret("sqlite:///gridhook.db")
    time_zone: str = "UTC"
    env_file: str | None = None
    server: ServerKeys = ServerKeys()
    limits: LimitKeys = LimitKeys()


def load(
    path: str | os.PathLike[str],
    env: Mapping[str, str],
    providers: Registry,
    handlers: Registry,
    secrets: Secrets = "needed",
) -> Config:
    """The configuration in a TOML file.

    `env` is where `"env:NAME"` looks first; then in the `.env` beside the file, or in what `env_file` names; both may
    name proxies, too. The short names that the file may use are in `providers` and `handlers`, which are made
    (`Cls(options)`) without any I/O. With `secrets="optional"` a secret that cannot be read is no mistake: what it
    belongs to does without it, or is left out. Raises ConfigError with every mistake found.
    """
    file = Path(path)
    tables = _parsed(file)
    findings = Findings()
    folder = file.parent.absolute()
    # Where secrets are no mistake, neither is the file that they stand in.
    env_file = read_env_file(tables.get("env_file"), folder, findings if secrets == "needed" else Findings())
    reader = Reader(findings, env, folder, secrets, env_file)
    network = read_network(reader, tables, {**env_file.values, **env})
    config = _read(reader, tables, file, env_file, network, providers, handlers)
    if findings.problems:
        raise ConfigError(str(file), findings.problems)
    return config


def _read(
    reader: Reader,
    tables: Table,
    file: Path,
    env_file: EnvFile,
    network: CallNetwork,
    providers: Registry,
    handlers: Registry,
) -> Config:
    reader.known(tables, [*keys_of(TopKeys), "retention", "network", "sources", "sinks", "rules"], "", LATER)
    kept = _retention(reader, tables)
    top = reader.struct(TopKeys, tables, "") or TopKeys()
    folder = file.parent.absolute()
    sources = read_sources(reader, _tables(reader, tables, "sources"), providers)
    sink_tables = _tables(reader, tables, "sinks")
    sinks = read_sinks(reader, sink_tables, handlers)
    without_buttons = tuple(name for name, sink in sinks.items() if not has_buttons(sink.handler))
    rules = read_rules(reader, tables.get("rules", []), sources, tuple(sink_tables), without_buttons)
    database = read_database(top.database.reveal(), folder, reader.findings)
    _check_time_zone(top.time_zone, reader.findings)
    judge_public_url(top.public_url, top.server, sources.made, reader.findings)
    judge_links(top.public_url, top.server, sinks, reader.findings)
    server = server_settings(top.server, reader.findings)
    if not sources.names:
        reader.findings.warn("there is no [sources.NAME]: nothing can be received")
    return Config(
        file=str(file),
        folder=folder,
        public_url=top.public_url or local_url(top.server.port),
        database=database,
        retention=kept.jobs,
        requests_retention=kept.requests,
        progress_retention=kept.progress,
        pictures_retention=kept.pictures,
        time_zone=top.time_zone,
        limits=LimitSettings(depth=top.limits.depth, jobs=top.limits.jobs),
        server=server,
        network=network,
        sources=sources.made,
        sinks=sinks,
        source_names=sources.names,
        sink_names=tuple(sink_tables),
        rules=rules.rules,
        budgets=sources.budgets,
        rule_budgets=rules.budgets,
        warnings=tuple(reader.findings.warnings),
        secrets=tuple(reader.secrets),
        secret_files=tuple(_secret_files(reader, file, env_file)),
    )


def _retention(reader: Reader, tables: Table) -> RetentionKeys:
    """What is written; a single duration is that of the jobs."""
    written = tables.get("retention")
    if written is None:
        return RetentionKeys()
    try:
        if isinstance(written, dict):
            kept: RetentionKeys = reader.value(written, RetentionKeys, "retention")
            return kept
        return RetentionKeys(jobs=reader.value(written, Retention, "retention"))
    except Wrong:
        return RetentionKeys()


def _secret_files(reader: Reader, file: Path, env_file: EnvFile) -> list[Path]:
    """The files that hold secrets, if they are there, each once."""
    own = [file.absolute()] if reader.has_literal_secret else []
    return list(dict.fromkeys([*own, env_file.path, *reader.secret_files]))


def _parsed(file: Path) -> dict[str, Any]:
    try:
        return read_toml(file, 'run "gridhook init", or name another file with --config')
    except TomlWrong as wrong:
        raise ConfigError(str(file), [wrong.problem]) from None


def _tables(reader: Reader, tables: Table, key: str) -> Table:
    try:
        return reader.table(tables.get(key, {}), key)
    except Wrong:
        return {}


def _check_time_zone(name: str, findings: Findings) -> None:
    if name == "UTC":
        return
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        findings.wrong("time_zone", "is not a time zone that this machine knows", 'write "UTC" or "Europe/Berlin"')
