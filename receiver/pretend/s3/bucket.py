"""A bucket in memory, with S3's rules on keys and parts."""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Final

import msgspec

from receiver.pretend.s3.refusals import S3Refusal

MIB: Final = 1024**2
#: What the pretend bucket holds at most, in all.
MOST_BYTES: Final = 1024 * MIB
MOST_FILES: Final = 100_000
MOST_UPLOADS: Final = 100
#: Of a key, bytes (documented).
LONGEST_KEY: Final = 1024
#: Of each part but the last, and how many parts there may be (documented).
SMALLEST_PART: Final = 5 * MIB
MOST_PARTS: Final = 10_000
PARTS: Final = re.compile(rb"<Part>(.*?)</Part>", re.DOTALL)
NUMBER: Final = re.compile(rb"<PartNumber>(\d{1,5})</PartNumber>")
ETAG: Final = re.compile(rb'<ETag>(?:"|&quot;)?([0-9a-f]{32})(?:"|&quot;)?</ETag>')


class StoredFile(msgspec.Struct, frozen=True, kw_only=True):
    """An object."""

    body: bytes
    type: str
    #: Without quotation marks.
    etag: str
    #: Unix ms.
    at: int


class PretendBucket:
    """Objects by key, and uploads in parts that go on."""

    def __init__(self) -> None:
        self.files: dict[str, StoredFile] = {}
        self._uploads: dict[str, tuple[str, str, dict[int, bytes]]] = {}

    def put(self, key: str, body: bytes, kind: str, now: int, *, only_new: bool = False) -> StoredFile:
        """Keeps an object. Raises S3Refusal."""
        _check_key(key)
        if only_new and key in self.files:
            raise S3Refusal(412, "PreconditionFailed", "there is such an object already")
        self._check_room(len(body))
        return self._kept(key, StoredFile(body=body, type=kind, etag=_md5(body), at=now))

    def get(self, key: str) -> StoredFile:
        """An object. Raises S3Refusal."""
        found = self.files.get(key)
        if found is None:
            raise S3Refusal(404, "NoSuchKey", "there is no such object")
        return found

    def delete(self, key: str) -> None:
        """Takes an object away; none is no mistake."""
        self.files.pop(key, None)

    def keys(self, prefix: str, after: str, most: int) -> tuple[list[str], bool]:
        """The next keys in order, and whether there are more."""
        found = sorted(key for key in self.files if key.startswith(prefix) and key > after)
        return found[:most], len(found) > most

    # --- uploads in parts

    def begin(self, key: str, kind: str) -> str:
        """The id of a new upload. Raises S3Refusal."""
        _check_key(key)
        if len(self._uploads) >= MOST_UPLOADS:
            raise S3Refusal(503, "SlowDown", "too many uploads go on")
        upload = secrets.token_hex(16)
        self._uploads[upload] = (key, kind, {})
        return upload

    def part(self, upload: str, key: str, number: int, body: bytes) -> str:
        """The tag of a part that is kept. Raises S3Refusal."""
        if not 1 <= number <= MOST_PARTS:
            raise S3Refusal(400, "InvalidArgument", f"parts are numbered 1 to {MOST_PARTS}")
        self._check_room(len(body))
        self._parts(upload, key)[number] = body
        return _md5(body)

    def complete(self, upload: str, key: str, said: bytes, now: int) -> StoredFile:
        """The object that the parts make. Raises S3Refusal."""
        parts = self._parts(upload, key)
        wanted = [_said_part(one) for one in PARTS.findall(said)]
        numbers = [number for number, _ in wanted]
        if not wanted or numbers != sorted(set(numbers)):
            raise S3Refusal(400, "InvalidPartOrder", "the parts are not in order")
        if any(number not in parts or _md5(parts[number]) != tag for number, tag in wanted):
            raise S3Refusal(400, "InvalidPart", "a part is not there, or is another one")
        bodies = [parts[number] for number in numbers]
        if any(len(body) < SMALLEST_PART for body in bodies[:-1]):
            raise S3Refusal(400, "EntityTooSmall", "a part but the last is smaller than 5 MiB")
        kind = self._uploads.pop(upload)[1]
        digest = _md5(b"".join(bytes.fromhex(tag) for _, tag in wanted))
        etag = f"{digest}-{len(bodies)}"
        return self._kept(key, StoredFile(body=b"".join(bodies), type=kind, etag=etag, at=now))

    def abort(self, upload: str, key: str) -> None:
        """Forgets an upload. Raises S3Refusal."""
        self._parts(upload, key)
        del self._uploads[upload]

    def _parts(self, upload: str, key: str) -> dict[int, bytes]:
        found = self._uploads.get(upload)
        if found is None or found[0] != key:
            raise S3Refusal(404, "NoSuchUpload", "there is no such upload")
        return found[2]

    def _kept(self, key: str, file: StoredFile) -> StoredFile:
        self.files[key] = file
        return file

    def _check_room(self, more: int) -> None:
        held = sum(len(one.body) for one in self.files.values())
        held += sum(len(body) for _, _, parts in self._uploads.values() for body in parts.values())
        if held + more > MOST_BYTES or len(self.files) >= MOST_FILES:
            raise S3Refusal(503, "SlowDown", "the pretend bucket is full")


def _said_part(one: bytes) -> tuple[int, str]:
    number, tag = NUMBER.search(one), ETAG.search(one)
    if number is None or tag is None:
        raise S3Refusal(400, "MalformedXML", "a part has no number or no tag")
    return int(number[1]), tag[1].decode()


def _check_key(key: str) -> None:
    if not key or len(key.encode("utf-8", "surrogateescape")) > LONGEST_KEY:
        raise S3Refusal(400, "KeyTooLongError", f"a key has 1 to {LONGEST_KEY} bytes")


def _md5(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()
