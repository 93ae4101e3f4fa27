"""A request as it comes in."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

import httptools

from receiver.web.http.replies import HttpReply
from receiver.web.problems import Refusal

Headers = list[tuple[bytes, bytes]]

#: A target with one of these has yet to be taken apart.
UNUSUAL: Final = frozenset(b"%?#")
#: Characters that no host has.
NO_HOST: Final = re.compile(rb"[^!-~]|[/\\@?#,]")


class IncomingRequest:
    """One request: its head, and its body as far as it is here."""

    __slots__ = (
        "body",
        "expects",
        "headers",
        "keep_alive",
        "method",
        "path",
        "pieces",
        "port",
        "query",
        "raw_path",
        "reply",
        "sender",
        "size",
        "version",
    )

    def __init__(self, method: str, target: bytes, version: str, headers: Headers, sender: str) -> None:
        """Raises Refusal (400) if the target is no path and no address."""
        self.method = method
        self.version = version
        self.headers = headers
        #: The address that it came from, by the trusted proxies if there are any.
        self.sender = sender
        #: The port that it came to; 0 = none.
        self.port = 0
        self.keep_alive = True
        #: True while its sender waits to be told to go on with the body.
        self.expects = False
        #: What is here of the body, and how much that is, bytes.
        self.pieces: list[bytes] = []
        self.size = 0
        #: The body, once all of it is here.
        self.body = b""
        #: The answer, if it was refused already.
        self.reply: HttpReply | None = None
        self.raw_path, self.query = target, b""
        if not target.startswith(b"/") or not UNUSUAL.isdisjoint(target):
            self.raw_path, self.query = _parts_of(target)
        self.path = self.raw_path.decode("ascii")
        if "%" in self.path:
            self.path = unquote(self.path)

    @property
    def is_webhook(self) -> bool:
        """True if it is for the intake."""
        return self.path.startswith("/in/")


def _parts_of(target: bytes) -> tuple[bytes, bytes]:
    """Path and query."""
    if target == b"*":
        return target, b""
    try:
        parts = httptools.parse_url(target)
    except httptools.HttpParserInvalidURLError:
        raise Refusal(400, "bad_request", "the target of the request is no path and no address") from None
    return parts.path or b"/", parts.query or b""


@lru_cache(maxsize=256)
def is_host(value: bytes) -> bool:
    """True if this can be the value of a `Host` header."""
    return NO_HOST.search(value) is None


def check_head(version: str, headers: Headers, named: dict[bytes, bytes]) -> None:
    """Raises Refusal (400) for a head that two programs may read in two ways; `named` has the last of each header."""
    if version not in ("1.1", "1.0"):
        raise Refusal(400, "bad_request", "only HTTP/1.1 and HTTP/1.0 are spoken here")
    host = named.get(b"host")
    is_once = host is not None and (len(named) == len(headers) or sum(name == b"host" for name, _ in headers) == 1)
    if not (is_once or (host is None and version == "1.0")) or not is_host(host or b""):
        raise Refusal(400, "bad_host", "there must be one Host header, with a host and nothing else")
    coding = named.get(b"transfer-encoding")
    if coding is not None and (coding.lower() != b"chunked" or version == "1.0"):
        raise Refusal(400, "bad_request", "the only transfer encoding is `chunked`, in HTTP/1.1")
