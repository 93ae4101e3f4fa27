"""Bodies of `multipart/form-data` (RFC 7578)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

#: Nothing that would end a header, or what is quoted in it.
_UNSAFE: Final = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})


class FormFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file within a form."""

    name: str
    #: Its media type.
    type: str
    body: bytes


class FormBody(NamedTuple):
    """A form as it is sent."""

    content_type: str
    body: bytes


def form_body(fields: Mapping[str, str], files: Mapping[str, FormFile]) -> FormBody:
    """A form of texts and files, by the names of their fields. The same form has the same bytes each time."""
    parts = [(f'name="{name.translate(_UNSAFE)}"', "", value.encode()) for name, value in fields.items()]
    for name, file in files.items():
        about = f'name="{name.translate(_UNSAFE)}"; filename="{file.name.translate(_UNSAFE)}"'
        parts.append((about, f"content-type: {file.type}\r\n", file.body))
    boundary = _boundary(parts)
    pieces = [
        b"--%s\r\ncontent-disposition: form-data; %s\r\n%s\r\n%s\r\n" % (boundary, about.encode(), kind.encode(), body)
        for about, kind, body in parts
    ]
    return FormBody(f"multipart/form-data; boundary={boundary.decode()}", b"".join([*pieces, b"--%s--\r\n" % boundary]))


def _boundary(parts: list[tuple[str, str, bytes]]) -> bytes:
    """What none of the parts holds: a digest of them all."""
    digest = hashlib.sha256()
    for _, _, body in parts:
        digest.update(body)
    return digest.hexdigest()[:32].encode()
