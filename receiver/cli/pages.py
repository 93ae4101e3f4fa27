"""A list up to its limit: one page after the other, since a page looks at some thousand rows only."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import typer

from receiver.cli.filters import warn_unknown
from receiver.cli.local_times import local
from receiver.cli.screen import tell
from receiver.cli.session import with_service
from receiver.composition import Runtime
from receiver.contracts import (
    Filters,
    Page,
    Transaction,
)
from receiver.lib import ids
from receiver.lib.times import stamp

T = TypeVar("T")
#: One page of a list.
Read = Callable[[Transaction, Filters], Page[T]]

#: Seconds of looking after which it is told how far it came.
TOLD_EVERY: Final = 2.0


def read_list(ctx: typer.Context, config: Path, read: Read[T], wanted: Filters) -> list[T]:
    """The newest items, `wanted.limit` if there are so many; tells on standard error how far it is if it takes long."""

    return with_service(ctx, config, lambda service: _pages(service, read, wanted), secrets="optional")


async def _pages(service: Runtime, read: Read[T], wanted: Filters) -> list[T]:
    warn_unknown(service, wanted)
    found: list[T] = []
    left, told = wanted, time.monotonic()
    while True:
        page = await service.store.read(partial(_page, read=read, wanted=left))
        found += page
        if page.next is None or len(found) == wanted.limit:
            return found
        left = msgspec.structs.replace(wanted, before=page.next, limit=wanted.limit - len(found))
        if time.monotonic() - told >= TOLD_EVERY:
            told = time.monotonic()
            tell(f"looked back to {local(stamp(ids.made_at(page.next)))}, {len(found)} found; Ctrl-C ends it")


def _page(tx: Transaction, read: Read[T], wanted: Filters) -> Page[T]:
    return read(tx, wanted)
