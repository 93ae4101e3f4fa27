"""Whole answers, and how they go over the wire."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Final, NamedTuple

from receiver.web.guard import SAFE_HEADERS
from receiver.web.problems import Refusal, problem_body

PROBLEM: Final = b"application/problem+json"
SAFE: Final = tuple(SAFE_HEADERS.items())
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class HttpReply(NamedTuple):
    """A whole answer."""

    status: int
    body: bytes
    content_type: bytes = PROBLEM
    #: Besides those about the body and the safe ones.
    headers: Mapping[str, str] = {}

    def header_lines(self) -> tuple[tuple[bytes, bytes], ...]:
        """All headers but the body's length."""
        known = ((b"content-type", self.content_type), *SAFE)
        if not self.headers:
            return known
        more = ((name.encode("latin-1"), value.encode("latin-1")) for name, value in self.headers.items())
        return (*known, *more)


def reply_to(refusal: Refusal) -> HttpReply:
    """The answer to a request that is not taken: a problem document."""
    body = problem_body(refusal.status, refusal.code, refusal.detail)
    return HttpReply(refusal.status, body, headers=refusal.headers)


def wire(reply: HttpReply, defaults: Iterable[tuple[bytes, bytes]], *, keep_alive: bool, bodiless: bool) -> bytes:
    """An answer as it goes over the wire; `defaults` are the server's own headers, `bodiless` is an answer to HEAD."""
    head = status_and_headers(reply.status, (*defaults, *reply.header_lines()))
    end = b"\r\n\r\n" if keep_alive else b"\r\nconnection: close\r\n\r\n"
    return b"%bcontent-length: %d%b%b" % (head, len(reply.body), end, b"" if bodiless else reply.body)


@lru_cache(maxsize=32)
def status_and_headers(status: int, headers: tuple[tuple[bytes, bytes], ...]) -> bytes:
    """The status line and these headers."""
    lines = [status_line(status)]
    lines += [b"%b: %b\r\n" % header for header in headers]
    return b"".join(lines)


@lru_cache(maxsize=64)
def status_line(status: int) -> bytes:
    """The first line of an answer; a status that nobody has named has no phrase."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return b"HTTP/1.1 %d %b\r\n" % (status, phrase.encode("ascii"))
