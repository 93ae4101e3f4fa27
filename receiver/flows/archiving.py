"""What a job and its listeners learn of the copies that an archive keeps, or could not keep."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal

import msgspec

from receiver.contracts import Transaction
from receiver.contracts.setup import Setup
from receiver.flows.advance import send_on
from receiver.model.events import KEYS, KeptEvent
from receiver.model.jobs import ArchivedCopy, Image, KeptJob, PictureCopy


def keep_copies(tx: Transaction, setup: Setup, number: int, sink: str, copies: Sequence[PictureCopy], now: int) -> bool:
    """Notes which pictures of a job an archive has, and tells it if the archive has more than was known.

    There is one `job.archived` for each archive and set of pictures. Returns whether there was anything new. `now` is
    Unix ms.
    """
    kept = tx.job(number)
    if kept is None:
        return False
    known = tuple(one for one in kept.copies if one.sink == sink)
    new = {(one.kind, one.index): one for one in (*known, *copies)}
    if tuple(new.values()) == known:
        return False
    others = tuple(one for one in kept.copies if one.sink != sink)
    after = _shown(msgspec.structs.replace(kept, copies=(*others, *new.values())), setup)
    _tell(tx, setup, after, "job.archived", sink, [one.sha256 for one in new.values()], now)
    return True


def tell_archive_failed(tx: Transaction, setup: Setup, number: int, sink: str, delivery: int, now: int) -> None:
    """Tells that an archive will not have all pictures of a job. `delivery` is the number of what was given up."""
    kept = tx.job(number)
    if kept is not None:
        _tell(tx, setup, kept, "job.archive_failed", sink, [str(delivery), str(now)], now)


def _tell(
    tx: Transaction,
    setup: Setup,
    kept: KeptJob,
    kind: Literal["job.archived", "job.archive_failed"],
    sink: str,
    what: Sequence[str],
    now: int,
) -> None:
    """Keeps the job with its event, unless it has this very event already."""
    digest = hashlib.sha256("\n".join([kind, sink, *what]).encode()).digest()
    key = KEYS[kind] + (int.from_bytes(digest[:7]) >> 1)
    event = KeptEvent(number=tx.ids.next(), job=kept.number, type=kind, key=key, at=now, data=kept.job, archive=sink)
    if tx.add_event(event):
        tx.put_job(kept, event.number)
        send_on(tx, setup, kept, event)
    else:
        tx.put_job(kept)


def _shown(kept: KeptJob, setup: Setup) -> KeptJob:
    """The job with the copies that its pictures show: those of the first archive in the configuration's order."""
    order = {name: place for place, name in enumerate(setup.archives)}
    copies = sorted(kept.copies, key=lambda one: order.get(one.sink, len(order)))
    return kept.with_job(images=tuple(_with_copy(image, copies) for image in kept.job.images))


def _with_copy(image: Image, copies: Sequence[PictureCopy]) -> Image:
    found = next((one for one in copies if one.kind == "image" and one.index == image.index), None)
    if found is None:
        return image
    shown = ArchivedCopy(**{name: getattr(found, name) for name in ArchivedCopy.__struct_fields__})
    return msgspec.structs.replace(image, archive=shown)
