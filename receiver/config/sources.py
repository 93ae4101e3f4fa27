"""Reads `[sources.NAME]`: accounts at providers."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from receiver.config.budgets import (
    BudgetKeys,
    budget_of,
    check_source_budget,
)
from receiver.config.files.presets import find_preset
from receiver.config.findings import Findings, inside
from receiver.config.plugins import Registry, find_class, make
from receiver.config.reading import (
    Reader,
    Table,
    Wrong,
    keys_of,
)
from receiver.config.units import (
    Address,
    Amount,
    Count,
    Span,
    Timeout,
)
from receiver.contracts import (
    SILENCE,
    Budget,
    Provider,
    Source,
)
from receiver.lib.nearest import nearest
from receiver.lib.signatures import Secret
from receiver.model.actions import CANONICAL

NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
NAME_RULE: Final = "1-63 of a-z, 0-9, - and _, beginning with a letter or digit"
#: A token stands in a path as it is; `/callback` behind it belongs to the vendor, `.` and `..` lead elsewhere.
TOKEN: Final = re.compile(r"(?!(?:callback|\.|\.\.)$)[A-Za-z0-9._~-]{1,200}")
SHORT_TOKEN: Final = 16


class PollKeys(msgspec.Struct, frozen=True, kw_only=True):
    """`poll = { after, every }`."""

    #: None = by the vendor's documented pace for the action, else a minute.
    after: Span | None = None
    every: Span = 20.0


class SourceKeys(msgspec.Struct, frozen=True, kw_only=True):
    """What every source may say."""

    provider: str
    base_url: Address | None = None
    api_key: Secret | None = None
    old_api_keys: tuple[Secret, ...] = ()
    secrets: tuple[Secret, ...] = ()
    token: Secret | None = None
    timeout: Timeout = 30.0
    webhooks: bool = True
    poll: PollKeys = PollKeys()
    deadline: Span = 1800.0
    confirm: bool = True
    concurrency: Count = 5
    prices: dict[str, Amount] = {}
    budget: BudgetKeys | None = None


class SourcesRead(msgspec.Struct, kw_only=True):
    """What came of `[sources]`."""

    #: Those that could be made.
    made: dict[str, Source] = {}
    budgets: dict[str, Budget] = {}
    #: Every name in the file, also of those with mistakes.
    names: tuple[str, ...] = ()
    #: Names of those without an `api_key`: nothing can be ordered there.
    receive_only: frozenset[str] = frozenset()


def read_sources(reader: Reader, tables: Table, providers: Registry) -> SourcesRead:
    """Every source; mistakes are noted."""
    read = SourcesRead(names=tuple(tables))
    read.receive_only = frozenset(name for name, table in tables.items() if not _has(table, "api_key"))
    for name, value in tables.items():
        where = inside("sources", name)
        check_name(name, where, "a source", reader.findings)
        try:
            _read_source(reader, name, reader.table(value, where), providers, read)
        except Wrong:
            continue
    return read


def _has(table: Any, key: str) -> bool:
    return isinstance(table, dict) and key in table


def check_name(name: str, where: str, what: str, findings: Findings) -> None:
    """Names stand in paths, metrics and messages."""
    if not NAME.fullmatch(name):
        findings.wrong(where, f"is not a name for {what}", NAME_RULE)


def _read_source(reader: Reader, name: str, table: Table, providers: Registry, read: SourcesRead) -> None:
    where = inside("sources", name)
    keys = reader.struct(SourceKeys, table, where)
    if keys is None:
        return
    _judge_keys(keys, where, reader.findings)
    cls = find_class(keys.provider, providers, Provider, f"{where}.provider", reader)
    if keys.budget is not None:
        read.budgets[name] = budget_of(keys.budget)
    if cls is None:
        return
    reader.known(table, [*keys_of(SourceKeys), *keys_of(cls.Options)], where)
    provider = _provider(reader, cls, table, where)
    if provider is None:
        return
    read.made[name] = _source(name, provider, keys)
    _judge_together(read.made[name], table, where, reader.findings)
    if name in read.budgets:
        check_source_budget(read.budgets[name], provider, f"{where}.budget", reader.findings)


def _provider(reader: Reader, cls: type[Any], table: Table, where: str) -> Provider | None:
    """The provider with the source's own keys, over those of its preset; None if it cannot be made."""
    preset = find_preset(cls.Options, table, where, reader)
    before = len(reader.findings.problems)
    provider: Provider | None = make(cls, Provider, preset.under(table) if preset else table, where, reader)
    if preset is not None:
        preset.own_mistakes(reader.findings, before, table, where)
    return provider


def _source(name: str, provider: Provider, keys: SourceKeys) -> Source:
    return Source(
        name=name,
        provider=provider,
        base_url=keys.base_url or provider.base_url,
        api_key=keys.api_key,
        old_api_keys=keys.old_api_keys,
        secrets=keys.secrets,
        token=keys.token,
        webhooks=keys.webhooks,
        timeout=keys.timeout,
        poll_after=keys.poll.after,
        poll_every=keys.poll.every,
        deadline=keys.deadline,
        confirm=keys.confirm,
        concurrency=keys.concurrency,
        prices=keys.prices,
    )


def _judge_keys(keys: SourceKeys, where: str, findings: Findings) -> None:
    """What is well written, but cannot work or hardly was meant, whatever the provider."""
    token = keys.token.reveal() if keys.token else None
    if token is not None and not TOKEN.fullmatch(token):
        remedy = 'write 1 to 200 letters, digits and - . _ ~, but not "callback", "." or ".."'
        findings.wrong(f"{where}.token", "cannot stand in a path", remedy)
    elif token is not None and len(token) < SHORT_TOKEN:
        findings.warn(f"{where}.token has fewer than {SHORT_TOKEN} characters: it can be guessed")
    if keys.deadline <= (keys.poll.after or SILENCE):
        findings.warn(f"{where}.deadline is not longer than poll.after: a job is given up before it is asked after")
    for action in keys.prices:
        _judge_price(action, f"{where}.prices", findings)


def _judge_together(source: Source, table: Table, where: str, findings: Findings) -> None:
    """What cannot work with this provider."""
    told = any(key in table for key in ("api_key", "old_api_keys", "secrets", "token"))
    if not told and source.public_keys is None:
        findings.warn(f"{where} has neither api_key nor secrets nor token: no request can ever be verified")


def _judge_price(action: str, where: str, findings: Findings) -> None:
    remedy = nearest(action, sorted(CANONICAL))
    if action not in CANONICAL and remedy.startswith("did you mean"):
        findings.warn(f"{inside(where, action)} is no canonical action; {remedy}")
