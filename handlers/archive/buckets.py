"""Buckets of S3, Google Cloud Storage and Azure, through one library; loaded only where one is configured."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec

from receiver.lib.signatures import Secret

if TYPE_CHECKING:
    from obstore.store import ObjectStore

#: What `to` may begin with.
SCHEMES: Final = ("s3", "gs", "az")
#: The library's own tries within one of ours.
RETRIES: Final = {"max_retries": 2, "retry_timeout": timedelta(seconds=20)}
CONNECT_TIMEOUT: Final = timedelta(seconds=10)
TIMEOUT: Final = timedelta(seconds=60)
#: How much of a file is held at once while it is read in pieces, bytes.
PIECE: Final = 512 * 1024
#: Keys that one answer lists.
LISTED: Final = 500


class BucketAccess(msgspec.Struct, frozen=True, kw_only=True):
    """Where a bucket is, and with which right."""

    #: `s3://bucket/prefix`, `gs://...` or `az://...`
    to: str
    endpoint: str | None = None
    region: str | None = None
    access_key_id: Secret | None = None
    secret_access_key: Secret | None = None
    allow_http: bool = False


class BucketPlace:
    """A bucket: an `ArchivePlace`. A file is there whole or not at all."""

    def __init__(self, access: BucketAccess) -> None:
        self._access = access
        self._opened: ObjectStore | None = None

    async def read(self, key: str) -> bytes | None:
        """A file; None if there is none. Raises OSError."""
        import obstore  # noqa: PLC0415  # loaded only where there is a bucket

        try:
            found = await obstore.get_async(self._store(), key)
            return bytes(await found.bytes_async())
        except FileNotFoundError:
            return None
        except Exception as wrong:  # noqa: BLE001  # the library's errors have no common root but this
            raise self._told(wrong) from None

    async def pieces(self, key: str) -> AsyncIterator[bytes]:
        """A file, piece by piece. Raises FileNotFoundError if there is none, OSError."""
        import obstore  # noqa: PLC0415  # loaded only where there is a bucket

        try:
            found = await obstore.get_async(self._store(), key)
            async for piece in found.stream(min_chunk_size=PIECE):
                yield bytes(piece)
        except FileNotFoundError:
            raise
        except Exception as wrong:  # noqa: BLE001  # the same
            raise self._told(wrong) from None

    async def keys(self, until: str) -> AsyncIterator[str]:
        """The keys before `until`. A bucket lists in the order of its keys: nothing after that is asked for."""
        import obstore  # noqa: PLC0415  # loaded only where there is a bucket

        try:
            async for some in obstore.list(self._store(), chunk_size=LISTED):
                for one in some:
                    if one["path"] >= until:
                        return
                    yield one["path"]
        except Exception as wrong:  # noqa: BLE001  # the same
            raise self._told(wrong) from None

    async def size(self, key: str) -> int | None:
        """How many bytes a file has; None if there is none. Raises OSError."""
        import obstore  # noqa: PLC0415  # loaded only where there is a bucket

        try:
            return int((await obstore.head_async(self._store(), key))["size"])
        except FileNotFoundError:
            return None
        except Exception as wrong:  # noqa: BLE001  # the same
            raise self._told(wrong) from None

    async def write(self, key: str, body: bytes, kind: str) -> None:
        """Publishes a file. Raises OSError."""
        import obstore  # noqa: PLC0415  # loaded only where there is a bucket

        try:
            await obstore.put_async(self._store(), key, body, attributes={"Content-Type": kind})
        except Exception as wrong:  # noqa: BLE001  # the same
            raise self._told(wrong) from None

    async def delete(self, key: str) -> None:
        """Takes a file away. Raises OSError."""
        import obstore  # noqa: PLC0415  # loaded only where there is a bucket

        try:
            await obstore.delete_async(self._store(), key)
        except FileNotFoundError:
            return
        except Exception as wrong:  # noqa: BLE001  # the same
            raise self._told(wrong) from None

    def _store(self) -> ObjectStore:
        if self._opened is None:
            self._opened = _open(self._access)
        return self._opened

    def _told(self, wrong: Exception) -> OSError:
        """What is wrong, without the library's own text: that repeats addresses and keys."""
        what = "there is no such bucket" if isinstance(wrong, FileNotFoundError) else type(wrong).__name__
        return OSError(f"{urlsplit(self._access.to).scheme}://{urlsplit(self._access.to).netloc}: {what}")


def _open(access: BucketAccess) -> ObjectStore:
    """Raises what the library raises for what it cannot use."""
    from obstore.store import AzureStore, GCSStore, S3Store  # noqa: PLC0415  # the same

    parts = urlsplit(access.to)
    makers: dict[str, Callable[..., ObjectStore]] = {"s3": S3Store, "gs": GCSStore, "az": AzureStore}
    secret, key = _revealed(access.secret_access_key), _revealed(access.access_key_id)
    keys: dict[str, Any]
    match parts.scheme:
        case "s3":
            # Some that speak S3's language delete no several files at once.
            keys = {"access_key_id": key, "secret_access_key": secret, "region": access.region}
            keys |= {"endpoint": access.endpoint, "disable_bulk_delete": True}
        case "gs":
            keys = {"service_account_key": secret}
        case _:
            keys = {"account_name": key, "account_key": secret, "endpoint": access.endpoint}
    client = {"allow_http": access.allow_http, "timeout": TIMEOUT, "connect_timeout": CONNECT_TIMEOUT}
    given = {name: value for name, value in keys.items() if value is not None}
    prefix = parts.path.strip("/") or None
    return makers[parts.scheme](parts.netloc, prefix=prefix, client_options=client, retry_config=RETRIES, **given)


def _revealed(secret: Secret | None) -> str | None:
    return secret.reveal() if secret is not None else None
