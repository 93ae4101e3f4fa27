"""Requests that offer another protocol: nobody accepts it here, and they are read as if they had not offered it."""

from __future__ import annotations

from typing import Final

from receiver.web.http.incoming import Headers

#: Headers that offer another protocol, and those of them that a `Connection` header names.
OFFERS: Final = frozenset({b"upgrade", b"http2-settings"})


def without_offer(method: bytes, target: bytes, version: str, headers: Headers, rest: bytes) -> bytes:
    """The head of a request without its offer, and what came behind it.

    The parser has taken its body for that protocol. Java's HTTP client and `curl --http2` make such offers.
    """
    lines = [b"%b %b HTTP/%b" % (method, target, version.encode("ascii"))]
    for name, value in headers:
        kept = _without_names(value) if name == b"connection" else value
        if name not in OFFERS and (kept or name != b"connection"):
            lines.append(b"%b: %b" % (name, kept))
    return b"\r\n".join((*lines, b"", rest))


def _without_names(value: bytes) -> bytes:
    """What a `Connection` header says beside the offer."""
    options = (option.strip() for option in value.split(b","))
    return b", ".join(option for option in options if option.lower() not in OFFERS)
