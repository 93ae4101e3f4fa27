"""An archive: keeps our own copy of every picture, in a folder or a bucket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Final
from urllib.parse import urlsplit

import msgspec

from handlers.archive.buckets import SCHEMES, BucketAccess, BucketPlace
from handlers.archive.copying import PictureCopier, WantedPicture, wanted_of
from handlers.archive.places import ArchivePlace, FolderPlace
from receiver.contracts import DeliveryContext, Handler, PlainUrl, SinkProbe
from receiver.errors import ForeignRefused, OptionError, TransportError, raise_option_errors
from receiver.lib.signatures import Secret
from receiver.model.actions import GRIDS
from receiver.model.deliveries import Again, Dead, Delivered, Outcome, OutgoingEvent
from receiver.model.events import Event
from receiver.model.jobs import PictureCopy

MIB: Final = 1024**2
#: Statuses that say that a picture is not there yet, or only with a fresh address.
NOT_YET: Final = frozenset({403, 404})
#: What is put into an archive to see whether it can be, and taken away again.
PROBE: Final = "probe-of-gridhook"
#: Pictures of one job that are looked at.
MAX_PICTURES: Final = 100
PLACE: Final = (
    'write a folder such as "pictures", or "s3://bucket/prefix", "gs://bucket/prefix", "az://container/prefix"'
)


def _check_place(to: str) -> None:
    scheme, found, rest = to.partition("://")
    if not to or not to.isprintable() or (found and (scheme not in SCHEMES or not urlsplit(to).netloc)):
        raise OptionError("", "is no folder and no bucket", PLACE)
    if found and any(part in (".", "..") for part in rest.split("/")):
        raise OptionError("", "has . or .. in it", PLACE)


class Archive(Handler):
    """Copies the pictures of a completed job, each once. The job then says where they are (`job.archived`)."""

    #: Pictures are large, and one at a time is examined.
    default_concurrency: ClassVar[int] = 2
    default_timeout: ClassVar[float] = 120.0
    archives: ClassVar[bool] = True

    class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Keys of an archive."""

        #: A folder (beside the configuration, unless it begins with `/`) or a bucket.
        to: Annotated[str, msgspec.Meta(extra={"check": _check_place})]
        #: The bucket's server, where it is not the usual one.
        endpoint: PlainUrl | None = None
        region: str | None = None
        #: Azure: the account's name.
        access_key_id: Secret | None = None
        #: Azure: the account's key; Google: the service account's key as JSON.
        secret_access_key: Secret | None = None
        #: Whether the endpoint may be an http:// one.
        allow_http: bool = False
        #: Longest picture that is kept, bytes.
        max_bytes: Annotated[int, msgspec.Meta(extra={"unit": "size"}, ge=64 * 1024, le=1024 * MIB)] = 64 * MIB
        #: Whether a grid that comes alone is cut into its four tiles, kept beside it.
        tiles: bool = True
        #: Whether messages show our copies, by links of ours that open one picture each to anybody.
        public: bool = False
        #: How long such a link opens its picture.
        link_lifetime: Annotated[float, msgspec.Meta(extra={"unit": "duration"}, ge=60, le=10 * 365 * 86_400)] = (
            7 * 86_400
        )

    def __init__(self, options: Options) -> None:
        """Raises OptionError for keys that do not go together."""
        self._options = options
        self._place: ArchivePlace | None = None
        bucket = "://" in options.to
        useless = ("endpoint", "region", "access_key_id", "secret_access_key") if not bucket else ()
        wrong = [
            OptionError(name, "is for buckets, and `to` is a folder", "take it out")
            for name in useless
            if getattr(options, name) is not None
        ]
        if bucket and (options.endpoint or "").startswith("http:") and not options.allow_http:
            wrong += [OptionError("endpoint", "is an http:// one", "write https://, or allow_http = true")]
        raise_option_errors(wrong)

    async def deliver(self, outgoing: OutgoingEvent, context: DeliveryContext) -> Outcome:
        """Copies what the archive does not have yet of the job's pictures, one after the other."""
        event = outgoing.event
        if not isinstance(event, Event) or event.data.status != "completed":
            return Delivered(note="nothing to keep")
        wanted = list(wanted_of(event.data))[:MAX_PICTURES]
        if not wanted:
            return Delivered(note="the job has no picture")
        copier = PictureCopier(self._opened(context.folder), event.data, context, self._options.max_bytes)
        alone = self._options.tiles and [one.kind for one in wanted] == ["grid"]
        return await _copy_all(copier, wanted, tiles=alone and event.data.action in GRIDS)

    async def probe(self, context: DeliveryContext) -> SinkProbe:
        """Whether a file can be put into the folder or the bucket, and taken away again."""
        place = self._opened(context.folder)
        try:
            await place.write(PROBE, b"", "text/plain")
            await place.delete(PROBE)
        except OSError as wrong:
            return SinkProbe(works=False, said=f"cannot be written: {wrong.strerror or wrong}")
        return SinkProbe(works=True, said="a file can be put there, and taken away")

    @property
    def link_lifetime_s(self) -> float | None:
        """How long a link of ours opens a copy to anybody; None = there are no such links."""
        return self._options.link_lifetime if self._options.public else None

    def read_copy(self, key: str, folder: Path) -> AsyncIterator[bytes]:
        """A file, in pieces. Raises FileNotFoundError, OSError."""
        return self._opened(folder).pieces(key)

    async def delete_copy(self, key: str, folder: Path) -> None:
        """Takes a file away; none is no mistake. Raises OSError."""
        await self._opened(folder).delete(key)

    def list_copies(self, folder: Path, until: str) -> AsyncIterator[str]:
        """The keys of all files before the key `until`, in no order. Raises OSError."""
        return self._opened(folder).keys(until)

    def _opened(self, folder: Path) -> ArchivePlace:
        if self._place is None:
            self._place = self._made(folder)
        return self._place

    def _made(self, folder: Path) -> ArchivePlace:
        options = self._options
        if "://" not in options.to:
            return FolderPlace((folder / options.to).absolute())
        access = BucketAccess(
            to=options.to,
            endpoint=options.endpoint,
            region=options.region,
            access_key_id=options.access_key_id,
            secret_access_key=options.secret_access_key,
            allow_http=options.allow_http,
        )
        return BucketPlace(access)


async def _copy_all(copier: PictureCopier, wanted: Sequence[WantedPicture], *, tiles: bool) -> Outcome:
    """What became of all: those that may come later make it Again, those that never will make it Dead."""
    copies: list[PictureCopy] = []
    later: list[str] = []
    blameless = True
    never: list[str] = []
    status: int | None = None
    for one in wanted:
        try:
            copies += await copier.copy(one, tiles=tiles)
        except ForeignRefused as wrong:
            (later if wrong.status in NOT_YET else never).append(f"{one.kind} {one.index}: {wrong}")
            status = wrong.status or status
        except TransportError as wrong:
            later.append(f"{one.kind} {one.index}: {wrong}")
        except OSError as wrong:
            blameless = False
            later.append(f"{one.kind} {one.index}: {wrong}")
    if later:
        return Again(note="; ".join(later), status=status, blameless=blameless)
    if never:
        return Dead(note="; ".join(never), status=status, copies=tuple(copies), blameless=True)
    return Delivered(note=f"{len(copies)} kept", copies=tuple(copies))
