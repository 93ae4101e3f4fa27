"""What a job and its listeners learn of the copies that an archive keeps, or could not keep."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from receiver.contracts import Transaction
from receiver.contracts.setup import Setup
from receiver.flows.advance import send_on
from receiver.lib.pictures.links import picture_link
from receiver.model.events import KEYS, KeptEvent
from receiver.model.inline_pictures import INLINE
from receiver.model.jobs import ArchivedCopy, Image, Job, KeptJob, PictureCopy

#: How long a link to a picture that came without an address lasts, seconds.
INLINE_LINK_S: Final = 7 * 86_400


def keep_copies(
    tx: Transaction,
    setup: Setup,
    key: bytes,
    number: int,
    sink: str,
    copies: Sequence[PictureCopy],
    now: int,
    *,
    quietly: bool = False,
) -> bool:
    """Notes which pictures of a job an archive has, and tells it if the archive has more than was known.

    There is one `job.archived` for each archive and set of pictures. Returns whether there was anything new. `key`
    signs links, `now` is Unix ms. `quietly`: the event is kept, but no rule goes by it.
    """
    kept = tx.job(number)
    if kept is None:
        return False
    known = tuple(one for one in kept.copies if one.sink == sink)
    new = {(one.kind, one.index): one for one in (*known, *copies)}
    if tuple(new.values()) == known:
        return False
    others = tuple(one for one in kept.copies if one.sink != sink)
    after = with_copies(msgspec.structs.replace(kept, copies=(*others, *new.values())), setup, key, now)
    _tell(tx, setup, after, "job.archived", sink, [one.sha256 for one in new.values()], now, quietly=quietly)
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
    *,
    quietly: bool = False,
) -> None:
    """Keeps the job with its event, unless it has this very event already."""
    digest = hashlib.sha256("\n".join([kind, sink, *what]).encode()).digest()
    key = KEYS[kind] + (int.from_bytes(digest[:7]) >> 1)
    event = KeptEvent(number=tx.ids.next(), job=kept.number, type=kind, key=key, at=now, data=kept.job, archive=sink)
    if tx.add_event(event):
        tx.put_job(kept, event.number)
        if not quietly:
            send_on(tx, setup, kept, event)
    else:
        tx.put_job(kept)


def forget_copies(tx: Transaction, setup: Setup, key: bytes, number: int, sink: str | None, now: int) -> bool:
    """Notes that an archive's copies of a job's pictures are deleted; `sink` None: what its vendor sent is.

    The job shows no copy of that archive any more; where none is left its warning says so. Returns whether it had any.
    `key` signs links, `now` is Unix ms.
    """
    had_inline = sink is None and tx.drop_inline_pictures(number) > 0
    kept = tx.job(number)
    if kept is None:
        return False
    left = tuple(one for one in kept.copies if one.sink != sink)
    if len(left) == len(kept.copies) and not had_inline:
        return False
    after = with_copies(msgspec.structs.replace(kept, copies=left), setup, key, now)
    tx.put_job(after if left else after.with_job(warning=kept.job.warning or "pictures_deleted"))
    return True


def with_copies(kept: KeptJob, setup: Setup, key: bytes, now: int) -> KeptJob:
    """The job with the copies that its pictures show: those of the first archive in the configuration's order."""
    copies = {(one.kind, one.index): one for one in reversed(in_order(kept.copies, setup))}
    job = kept.job
    images = [_with_copy(job, image, copies.get(("image", image.index)), setup, key, now) for image in job.images]
    return kept.with_job(images=tuple(images))


def in_order(copies: Sequence[PictureCopy], setup: Setup) -> list[PictureCopy]:
    """Copies in the order of their archives in the configuration; those of archives that are gone come last."""
    order = {name: place for place, name in enumerate(setup.archives)}
    return sorted(copies, key=lambda one: order.get(one.sink, len(order)))


def _with_copy(job: Job, image: Image, copy: PictureCopy | None, setup: Setup, key: bytes, now: int) -> Image:
    if copy is None:
        return image if image.archive is None else msgspec.structs.replace(image, archive=None)
    told = {name: getattr(copy, name) for name in ArchivedCopy.__struct_fields__}
    told["url"] = public_link(setup, key, job.id, image.index, copy.sink, now)
    return msgspec.structs.replace(image, archive=ArchivedCopy(**told))


def public_link(setup: Setup, key: bytes, job_id: str, index: int, sink: str, now: int) -> str | None:
    """A link that opens our copy of a picture to anybody for a while; None where that archive is not public."""
    lasts_s = setup.links.get(sink)
    if lasts_s is None:
        return None
    return setup.public_url + picture_link(key, job_id, index, now // 1000 + int(lasts_s))


def inline_link(setup: Setup, key: bytes, job_id: str, index: int, now: int) -> str:
    """A link to a picture that the vendor sent without an address: without it no message could show it."""
    return setup.public_url + picture_link(key, job_id, index, now // 1000 + INLINE_LINK_S)


def as_shown(kept: KeptJob, job: Job, setup: Setup, key: bytes, now: int) -> Job:
    """A job as messages show it: with fresh links to our copies, of the grid too. `job` is `kept` at some moment."""
    fresh = with_copies(msgspec.structs.replace(kept, job=job), setup, key, now).job
    images = tuple(
        msgspec.structs.replace(one, url=inline_link(setup, key, job.id, one.index, now))
        if one.url.startswith(INLINE)
        else one
        for one in fresh.images
    )
    grid_url = job.grid_url
    grid = next((one for one in in_order(kept.copies, setup) if one.kind == "grid" and one.sink in setup.links), None)
    if grid_url is not None and grid is not None:
        grid_url = public_link(setup, key, job.id, 0, grid.sink, now)
    elif grid_url is not None and grid_url.startswith(INLINE):
        grid_url = inline_link(setup, key, job.id, 0, now)
    return msgspec.structs.replace(fresh, images=images, grid_url=grid_url)
