"""Reads what a sender has to say, within limits of size and time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, Final

from starlette.types import Message, Receive

from receiver.web.problems import Refusal

#: The most that headers may take together, bytes, and how long a sender may take over its body, seconds.
MAX_HEADERS: Final = 32 * 1024
BODY_SECONDS: Final = 30.0


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


class Bodies:
    """Reads bodies, each within limits of size and time.

    One timer looks after all of them: a timer of its own for each would be a tenth of the price of a webhook.
    """

    def __init__(self, limit: int, seconds: float = BODY_SECONDS) -> None:
        """`limit` is in bytes; a body that takes `seconds` is given up within a quarter more."""
        self._limit = limit
        self._seconds = seconds
        #: When each task began to read (loop time), the longest first, and those that were given up.
        self._reading: dict[asyncio.Task[Any], float] = {}
        self._late: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def read(self, receive: Receive, headers: Mapping[str, str]) -> bytes:
        """The whole body. Raises Refusal: 413 beyond the limit, 408 if it takes too long, 400 if it is cut short."""
        announced = headers.get("content-length", "")
        if announced.isascii() and announced.isdigit() and int(announced[:20]) > self._limit:
            raise _too_large(self._limit)
        task: Any = asyncio.current_task()
        self._begin(task)
        try:
            return await _read(receive, self._limit)
        except asyncio.CancelledError:
            if task not in self._late:
                raise
            task.uncancel()
            detail = f"the body did not arrive within {self._seconds:g} s"
            raise Refusal(408, "too_slow", detail, {"connection": "close"}) from None
        finally:
            self._late.discard(task)
            self._reading.pop(task, None)

    def _begin(self, task: asyncio.Task[Any]) -> None:
        loop = asyncio.get_running_loop()
        self._reading[task] = loop.time()
        if self._timer is None:
            self._timer = loop.call_later(self._seconds / 4, self._look)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        for task, since in list(self._reading.items()):
            if since + self._seconds > loop.time():
                break
            del self._reading[task]
            self._late.add(task)
            task.cancel()
        self._timer = loop.call_later(self._seconds / 4, self._look) if self._reading else None


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
