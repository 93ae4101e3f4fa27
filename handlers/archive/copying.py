"""Copies one picture: fetched, examined, kept with a sidecar, or found to be kept already."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial
from typing import Final
from urllib.parse import urlsplit

import msgspec

from handlers.archive.names import PictureKind, picture_name
from handlers.archive.places import ArchivePlace
from receiver.contracts import DeliveryContext
from receiver.lib.pictures import FORMATS, PictureFacts, beside_the_loop, examine, split
from receiver.lib.times import stamp
from receiver.model.jobs import Job, PictureCopy

JSON_TYPE: Final = "application/json"


class WantedPicture(msgspec.Struct, frozen=True):
    """A picture of a job that an archive shall have."""

    kind: PictureKind
    index: int
    url: str


class Sidecar(msgspec.Struct, frozen=True, kw_only=True):
    """What stands beside a picture: what it is, and how it came to be."""

    picture: PictureCopy
    #: Of the vendor's address without its query: whether this is a copy of that one.
    address_sha256: str
    copied_at: str
    job: Job


_SIDECAR: Final = msgspec.json.Decoder(Sidecar)


def wanted_of(job: Job) -> Iterator[WantedPicture]:
    """The pictures of a job: the grid, and the single ones."""
    if job.grid_url:
        yield WantedPicture("grid", 0, job.grid_url)
    for image in job.images:
        yield WantedPicture("image", image.index, image.url)


class PictureCopier:
    """Brings pictures of one job to an archive."""

    def __init__(self, place: ArchivePlace, job: Job, context: DeliveryContext, max_bytes: int) -> None:
        self._place = place
        self._job = job
        self._context = context
        self._max_bytes = max_bytes

    async def copy(self, wanted: WantedPicture, *, tiles: bool) -> tuple[PictureCopy, ...]:
        """The copies of a picture that the archive has now: its own, and with `tiles` its four quarters.

        What it has already is not fetched again. Raises ForeignRefused, TransportError and OSError.
        """
        kept = await self._kept(wanted)
        if kept is not None and not tiles:
            return (kept,)
        name = picture_name(self._job, wanted.kind, wanted.index)
        cut = await self._kept_tiles(wanted) if kept is not None else ()
        if kept is not None and cut:
            return (kept, *cut)
        answer = await self._context.foreign.fetch(wanted.url, self._context.timeout, self._max_bytes)
        facts = await beside_the_loop(partial(examine, answer.body))
        made = [await self._keep(name, wanted.kind, wanted.index, wanted.url, answer.body, facts)]
        if tiles:
            bodies = await beside_the_loop(partial(split, answer.body))
            for index, body in enumerate(bodies, 1):
                tile = await beside_the_loop(partial(examine, body))
                tile_name = picture_name(self._job, "tile", index)
                made.append(await self._keep(tile_name, "tile", index, wanted.url, body, tile))
        return tuple(made)

    async def _kept(self, wanted: WantedPicture) -> PictureCopy | None:
        """The copy that the archive has of just this address; None if it has none that is whole."""
        name = picture_name(self._job, wanted.kind, wanted.index)
        text = await self._place.read(f"{name}.json")
        if text is None:
            return None
        try:
            found = _SIDECAR.decode(text)
        except (msgspec.DecodeError, ValueError):
            return None
        # Who else can write there names no file but this picture's own.
        own = found.picture.key in {f"{name}.{extension}" for _, extension in FORMATS.values()}
        if not own or (found.picture.kind, found.picture.index) != (wanted.kind, wanted.index):
            return None
        if found.address_sha256 != _address_digest(wanted.url):
            return None
        whole = await self._place.size(found.picture.key) == found.picture.bytes
        return msgspec.structs.replace(found.picture, sink=self._context.sink) if whole else None

    async def _kept_tiles(self, wanted: WantedPicture) -> tuple[PictureCopy, ...]:
        found = [await self._kept(WantedPicture("tile", index, wanted.url)) for index in range(1, 5)]
        tiles = tuple(one for one in found if one is not None)
        return tiles if len(tiles) == len(found) else ()

    async def _keep(
        self, name: str, kind: PictureKind, index: int, url: str, body: bytes, facts: PictureFacts
    ) -> PictureCopy:
        copy = PictureCopy(
            sink=self._context.sink,
            kind=kind,
            index=index,
            key=f"{name}.{facts.extension}",
            sha256=hashlib.sha256(body).hexdigest(),
            type=facts.type,
            bytes=len(body),
            width=facts.width,
            height=facts.height,
        )
        sidecar = Sidecar(
            picture=copy,
            address_sha256=_address_digest(url),
            copied_at=stamp(self._context.clock()),
            job=self._job,
        )
        await self._place.write(copy.key, body, facts.type)
        # Last: where it stands, the picture is there.
        text = msgspec.json.format(msgspec.json.encode(sidecar), indent=2)
        await self._place.write(f"{name}.json", text, JSON_TYPE)
        return copy


def _address_digest(url: str) -> str:
    """Signed addresses of one picture differ in their query alone."""
    parts = urlsplit(url)
    return hashlib.sha256(f"{parts.netloc}{parts.path}".encode()).hexdigest()
