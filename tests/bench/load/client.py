"""A plain HTTP client on one kept-alive connection, for timing single requests."""

from __future__ import annotations

import http.client
import time
from collections.abc import Mapping
from types import TracebackType

import msgspec

from bench.errors import BenchError


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """One answer and how long it took, milliseconds."""

    took_ms: float
    body: bytes


class Client:
    """Calls one server of 127.0.0.1."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _wrong: object, _trace: TracebackType | None) -> None:
        self._connection.close()

    def call(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None) -> Answered:
        """Sends one request and returns its answer. Raises BenchError for another answer than 2xx."""
        before = time.perf_counter()
        self._connection.request(method, path, body, dict(headers))
        answer = self._connection.getresponse()
        said = answer.read()
        took = (time.perf_counter() - before) * 1000
        if not 200 <= answer.status < 300:
            raise BenchError(
                f"{method} {path} was answered with {answer.status}: {said[:300].decode(errors='replace')}"
            )
        return Answered(took_ms=took, body=said)
