"""Reads HTTP/1.1 as cheaply as a load generator must: one message at a time, by its length."""

from __future__ import annotations


def read_answer(data: bytes) -> int | None:
    """Returns the status of a whole answer; None while some of it is missing. Raises ValueError for other text.

    Knows `Content-Length`, chunks, and answers without a body.
    """
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    status = int(data[9:12])
    head = data[:end].lower()
    length = _length(head)
    if length is not None:
        return status if len(data) >= end + 4 + length else None
    if b"\r\ntransfer-encoding: chunked" in head:
        return status if data.endswith(b"\r\n0\r\n\r\n") else None
    return status


def read_request(data: bytes) -> tuple[dict[str, str], bytes] | None:
    """Returns the headers (lower-case names) and the body of a whole request; None while some of it is missing."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    if len(data) < end + 4 + (_length(data[:end].lower()) or 0):
        return None
    lines = data[:end].decode("latin-1").split("\r\n")[1:]
    pairs = (line.partition(":") for line in lines)
    return {name.lower(): value.strip() for name, _, value in pairs}, data[end + 4 :]


def _length(head: bytes) -> int | None:
    at = head.find(b"\r\ncontent-length:")
    if at < 0:
        return None
    stop = head.find(b"\r\n", at + 2)
    return int(head[at + 17 : stop if stop > 0 else len(head)])
