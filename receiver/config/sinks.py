"""Reads `[sinks.NAME]`: ways out, with their handlers."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from receiver.config.findings import inside
from receiver.config.plugins import Registry, find_class, make
from receiver.config.reading import (
    Reader,
    Table,
    Wrong,
    keys_of,
)
from receiver.config.sources import check_name
from receiver.config.units import (
    Count,
    Rate,
    Timeout,
    Wait,
)
from receiver.contracts import Handler, Sink
from receiver.errors import OptionError

LONGEST_RETRY: Final = 50


def _check_retry(waits: tuple[float, ...]) -> None:
    if len(waits) > LONGEST_RETRY:
        raise OptionError("", f"has more than {LONGEST_RETRY} waits", "let the last one be longer")


class SinkKeys(msgspec.Struct, frozen=True, kw_only=True):
    """What every sink may say; what is None comes from the handler."""

    handler: str
    retry: Annotated[tuple[Wait, ...], msgspec.Meta(extra={"check": _check_retry})] = (
        5,
        30,
        120,
        600,
        3600,
        21_600,
        86_400,
    )
    timeout: Timeout | None = None
    concurrency: Count | None = None
    rate: Rate | None = None
    pause_after: Count = 20


def read_sinks(reader: Reader, tables: Table, handlers: Registry) -> dict[str, Sink]:
    """Every sink that could be read; mistakes are noted."""
    sinks: dict[str, Sink] = {}
    for name, value in tables.items():
        where = inside("sinks", name)
        check_name(name, where, "a sink", reader.findings)
        try:
            made = _read_sink(reader, name, reader.table(value, where), handlers)
        except Wrong:
            continue
        if made is not None:
            sinks[name] = made
    return sinks


def _read_sink(reader: Reader, name: str, table: Table, handlers: Registry) -> Sink | None:
    where = inside("sinks", name)
    keys = reader.struct(SinkKeys, table, where)
    if keys is None:
        return None
    cls = find_class(keys.handler, handlers, Handler, f"{where}.handler", reader)
    if cls is None:
        return None
    reader.known(table, [*keys_of(SinkKeys), *keys_of(cls.Options)], where)
    handler: Handler | None = make(cls, Handler, table, where, reader)
    if handler is None:
        return None
    return Sink(
        name=name,
        handler=handler,
        handler_name=keys.handler,
        retry=keys.retry,
        timeout=keys.timeout or handler.default_timeout,
        concurrency=keys.concurrency or handler.default_concurrency,
        rate=handler.default_rate if keys.rate is None else keys.rate,
        pause_after=keys.pause_after,
    )
