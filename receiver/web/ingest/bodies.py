"""Reads headers and bodies of ASGI calls."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from starlette.types import Message, Receive

from receiver.web.problems import Refusal


def read_headers(raw: Collection[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by lower-case name; one sent twice with different values has both, joined."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in raw}
    if len(headers) == len(raw):
        return headers
    headers = {}
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if name in headers and headers[name] != value:
            value = f"{headers[name]}, {value}"
        headers[name] = value
    return headers


async def read_body(receive: Receive, headers: Mapping[str, str], limit: int) -> bytes:
    """The whole body, `limit` bytes at most. Raises Refusal: 413 beyond the limit, 400 if it is cut short."""
    announced = headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced[:20]) > limit:
        raise too_large(limit)
    chunks = bytearray()
    while True:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            raise Refusal(400, "cut_short", "the sender hung up before the body was whole")
        chunk: bytes = message.get("body", b"")
        if len(chunks) + len(chunk) > limit:
            raise too_large(limit)
        if not message.get("more_body"):
            return bytes(chunks) + chunk if chunks else chunk
        chunks += chunk


def too_large(limit: int) -> Refusal:
    """The refusal of a body beyond the limit."""
    return Refusal(413, "too_large", f"the body is larger than {limit} bytes", {"connection": "close"})
