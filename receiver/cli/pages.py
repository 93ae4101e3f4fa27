"""A list up to its limit: one page after the other, since a page looks at some thousand rows only."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import typer

from receiver.cli.filters import unknown_names
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


def read_list(ctx: typer.Context, config: Path, read: Read[T], wanted: Callable[[], Filters]) -> list[T]:
    """The newest items, as many as the limit says if there are so many; `wanted` is called once the time zone is known.

    Tells on standard error how far it is if it takes long. What is kept may be of an earlier configuration: a source or
    a sink that is not configured is warned of, and where nothing is kept of it either, it is refused (BadParameter).
    """
    return with_service(ctx, config, lambda service: _known_pages(service, read, wanted()), secrets="optional")


async def _known_pages(service: Runtime, read: Read[T], wanted: Filters) -> list[T]:
    found = await _pages(service, read, wanted)
    tell_unknown(service, wanted, has_found=bool(found))
    return found


def tell_unknown(service: Runtime, wanted: Filters, *, has_found: bool) -> None:
    """Warns of a source or a sink that is not configured; raises BadParameter where nothing is kept of it either."""
    unknown = unknown_names(service, wanted)
    if unknown is not None and not has_found:
        raise typer.BadParameter(unknown)
    if unknown is not None:
        tell(f"warning: {unknown}")


async def _pages(service: Runtime, read: Read[T], wanted: Filters) -> list[T]:
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
