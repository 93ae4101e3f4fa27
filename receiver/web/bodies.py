"""Reads what a sender has to say, within limits of size and time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Final

from starlette.types import Message, Receive

#: The most that headers may take together, bytes, and how long a sender may take over its body, seconds.
MAX_HEADERS: Final = 32 * 1024
BODY_SECONDS: Final = 30.0


class Refusal(Exception):
    """A request that is not taken: its answer. `detail` may be shown to anybody."""

    def __init__(self, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        super().__init__(code)


def read_headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by lower-case name; one sent twice with different values has both, joined. Raises Refusal (431)."""
    headers: dict[str, str] = {}
    size = 0
    for raw_name, raw_value in raw:
        size += len(raw_name) + len(raw_value)
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if name in headers and headers[name] != value:
            value = f"{headers[name]}, {value}"
        headers[name] = value
    if size > MAX_HEADERS:
        raise Refusal(431, "headers_too_large", f"the headers are larger than {MAX_HEADERS} bytes")
    return headers


async def read_body(receive: Receive, headers: Mapping[str, str], limit: int, seconds: float = BODY_SECONDS) -> bytes:
    """The whole body. Raises Refusal: 413 beyond `limit` bytes, 408 after `seconds`, 400 if the sender hangs up."""
    announced = headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced[:20]) > limit:
        raise _too_large(limit)
    late = _Late(asyncio.current_task())
    timer = asyncio.get_running_loop().call_later(seconds, late.end)
    try:
        return await _read(receive, limit)
    except asyncio.CancelledError:
        if not late.caught():
            raise
        detail = f"the body did not arrive within {seconds:g} s"
        raise Refusal(408, "too_slow", detail, {"connection": "close"}) from None
    finally:
        timer.cancel()


class _Late:
    """Ends a task that reads for too long. Half the price of `asyncio.timeout`, on the path of every webhook."""

    def __init__(self, task: asyncio.Task[object] | None) -> None:
        self._task = task
        self._ended = False

    def end(self) -> None:
        """The time is over."""
        if self._task is not None:
            self._ended = True
            self._task.cancel()

    def caught(self) -> bool:
        """Whether a cancellation was this one; then the task goes on."""
        if self._task is not None and self._ended:
            self._task.uncancel()
        return self._ended


async def _read(receive: Receive, limit: int) -> bytes:
    chunks = bytearray()
    while True:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            raise Refusal(400, "cut_short", "the sender hung up before the body was whole")
        chunk: bytes = message.get("body", b"")
        if len(chunks) + len(chunk) > limit:
            raise _too_large(limit)
        if not message.get("more_body"):
            return bytes(chunks) + chunk if chunks else chunk
        chunks += chunk


def _too_large(limit: int) -> Refusal:
    return Refusal(413, "too_large", f"the body is larger than {limit} bytes", {"connection": "close"})
