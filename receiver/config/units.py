"""Readers for values that are more than plain TOML: durations, sizes, rates, amounts, addresses."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from ipaddress import ip_network
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import msgspec

from receiver.lib.addresses.url_paths import leads_elsewhere
from receiver.lib.durations import QUANTITY, SECONDS, duration

BYTES: Final[dict[str, int]] = {
    "b": 1,
    "kb": 1000,
    "mb": 1000**2,
    "gb": 1000**3,
    "kib": 1024,
    "mib": 1024**2,
    "gib": 1024**3,
}
RATE: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ?/ ?([smh])")
DAY: Final = 86_400


def size(value: object) -> int:
    """Bytes from `"1 MiB" "512 KiB" "100 kB"` or a whole number. Raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    found = QUANTITY.fullmatch(value) if isinstance(value, str) else None
    factor = BYTES.get(found[2].lower()) if found else None
    if found is None or factor is None:
        raise ValueError("is not a size")
    return int(Decimal(found[1]) * factor)


def rate(value: object) -> float:
    """Times a second from `"1/s" "30/m" "100/h"`. Raises ValueError."""
    found = RATE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("is not a rate")
    return float(found[1]) / SECONDS[found[2]]


def amount(value: object) -> Decimal:
    """An exact amount, 0 or more, from `"2.50"` or a whole number. Raises ValueError, also for a float."""
    if isinstance(value, float):
        raise ValueError("is a float, which is not exact: amounts with decimals are written as text")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError("is not an amount")
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise ValueError("is not an amount") from None
    if not number.is_finite() or not 0 <= number < Decimal("1e12"):
        raise ValueError("is not an amount between 0 and 1e12")
    return number


def address(value: object) -> str:
    """An http(s) address with a host, without a slash at its end. Raises ValueError; never shows the value."""
    if not isinstance(value, str):
        raise ValueError("is not text")
    if not value.isascii() or not value.isprintable() or " " in value or "\\" in value:
        raise ValueError("holds characters that no address has")
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise ValueError("is not an address: its host or port cannot be read") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise ValueError("is not an http:// or https:// address with a host")
    if "@" in parts.netloc:
        raise ValueError("has a user name or a password in it")
    if "?" in value or "#" in value:
        raise ValueError("has a query (?) or a fragment (#) in it")
    if leads_elsewhere(parts.path):
        raise ValueError("has . or .. in its path")
    return value.rstrip("/")


def network(value: object) -> str:
    """An IP address or network, as written. Raises ValueError."""
    if not isinstance(value, str):
        raise ValueError("is not text")
    try:
        ip_network(value)
    except ValueError:
        raise ValueError("is not an IP address or network") from None
    return value


#: Unit (the `unit` in a field's `Meta.extra`) to its reader and how such a value is written.
UNITS: Final[Mapping[str, tuple[Callable[[object], Any], str]]] = {
    "duration": (duration, 'a duration in quotes, such as "500ms", "30s", "5m", "24h" or "30d"'),
    "size": (size, 'a size such as "1 MiB", "512 KiB" or "100 kB", or a number of bytes'),
    "rate": (rate, 'a rate in quotes, such as "1/s", "30/m" or "100/h"'),
    "amount": (amount, 'a whole number, or text such as "2.50"'),
    "address": (address, 'an address such as "https://hooks.example.com", without user name, ?, # and ..'),
    "network": (network, 'an address or a network, such as "10.1.0.0/16" or "::1"'),
}

#: Times of waiting for one answer.
Timeout = Annotated[float, msgspec.Meta(extra={"unit": "duration"}, ge=0.1, le=600)]
#: How long a stop may take.
StopTime = Annotated[float, msgspec.Meta(extra={"unit": "duration"}, ge=1, le=600)]
#: Spans between events of a job's life.
Span = Annotated[float, msgspec.Meta(extra={"unit": "duration"}, ge=0.1, le=30 * DAY)]
Wait = Annotated[float, msgspec.Meta(extra={"unit": "duration"}, ge=0, le=30 * DAY)]
#: How long what is over is kept.
Retention = Annotated[float, msgspec.Meta(extra={"unit": "duration"}, ge=3600, le=36_500 * DAY)]
Rate = Annotated[float, msgspec.Meta(extra={"unit": "rate"}, ge=0.0001, le=10_000)]
Amount = Annotated[Decimal, msgspec.Meta(extra={"unit": "amount"})]
Address = Annotated[str, msgspec.Meta(extra={"unit": "address"})]
Network = Annotated[str, msgspec.Meta(extra={"unit": "network"})]
BodySize = Annotated[int, msgspec.Meta(extra={"unit": "size"}, ge=1024, le=64 * 1024**2)]
UnreadSize = Annotated[int, msgspec.Meta(extra={"unit": "size"}, ge=1024, le=64 * 1024**3)]
#: How long a connection is kept that nobody uses.
KeepAlive = Annotated[float, msgspec.Meta(extra={"unit": "duration"}, ge=1, le=3600)]
ConnectionCount = Annotated[int, msgspec.Meta(ge=16, le=1_000_000)]
Count = Annotated[int, msgspec.Meta(ge=1, le=1000)]
Port = Annotated[int, msgspec.Meta(ge=0, le=65_535)]
AdminPort = Annotated[int, msgspec.Meta(ge=1, le=65_535)]
