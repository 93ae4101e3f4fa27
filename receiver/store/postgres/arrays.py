"""Columns of rows as PostgreSQL's binary arrays: packed here, they cost less than half of the driver's lists."""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import Any, Final

import psycopg
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format

_HEAD: Final = Struct(">iiIii")
_LENGTH: Final = Struct(">i")
_NUMBER: Final = Struct(">iq")
_NULL: Final = _LENGTH.pack(-1)
_INT8, _TEXT, _BYTEA = 20, 25, 17


class NumberArray(bytes):
    """A packed `bigint[]`."""


class TextArray(bytes):
    """A packed `text[]`."""


class BytesArray(bytes):
    """A packed `bytea[]`."""


class _Packed(Dumper):
    format = Format.BINARY

    def dump(self, obj: Any) -> Buffer | None:
        return bytes(obj)


class NumberArrayDumper(_Packed):
    """Hands a `NumberArray` over as it is."""

    oid = 1016


class TextArrayDumper(_Packed):
    """Hands a `TextArray` over as it is."""

    oid = 1009


class BytesArrayDumper(_Packed):
    """Hands a `BytesArray` over as it is."""

    oid = 1001


def teach_arrays(connection: psycopg.Connection[Any]) -> None:
    """Makes the packed arrays known to a connection."""
    connection.adapters.register_dumper(NumberArray, NumberArrayDumper)
    connection.adapters.register_dumper(TextArray, TextArrayDumper)
    connection.adapters.register_dumper(BytesArray, BytesArrayDumper)


def numbers(values: Sequence[int | None]) -> NumberArray:
    """Integers of 64 bits, or NULL."""
    pack = _NUMBER.pack
    return NumberArray(_head(_INT8, values) + b"".join([_NULL if v is None else pack(8, v) for v in values]))


def texts(values: Sequence[str | None]) -> TextArray:
    """Texts, or NULL; what PostgreSQL's texts cannot hold is replaced."""
    return TextArray(_packed(_TEXT, [None if v is None else storable(v) for v in values]))


def byteas(values: Sequence[bytes | None]) -> BytesArray:
    """Bytes, or NULL."""
    return BytesArray(_packed(_BYTEA, values))


def storable(text: str) -> bytes:
    """Text as PostgreSQL can hold it: there is no U+0000 in its texts, and no half of a surrogate pair."""
    encoded = text.encode("utf-8", "replace")
    return encoded.replace(b"\x00", b"\xef\xbf\xbd") if b"\x00" in encoded else encoded


def _packed(kind: int, values: Sequence[bytes | None]) -> bytes:
    pack = _LENGTH.pack
    return _head(kind, values) + b"".join([_NULL if v is None else pack(len(v)) + v for v in values])


def _head(kind: int, values: Sequence[object]) -> bytes:
    # An array of no dimension is the empty one.
    return _HEAD.pack(1, 1, kind, len(values), 1) if values else _HEAD.pack(0, 0, kind, 0, 0)[:12]
