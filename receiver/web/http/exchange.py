"""One request through an ASGI application."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from starlette.types import ASGIApp, Message, Scope

from receiver.web.http.incoming import IncomingRequest
from receiver.web.http.replies import status_line
from receiver.web.http.senders import BY_TRUSTED_PROXY, scheme_of

if TYPE_CHECKING:
    from receiver.web.http.connection import Connection

#: What no header may hold: it would begin another one.
BREAKS_OUT: Final = re.compile(rb"[\x00\r\n]")
BODILESS: Final = frozenset({204, 304})
#: What the application is told of where a request comes from, beside the sender: whether a trusted proxy hands it on.
PROXIED: Final[dict[str, dict[str, str]]] = {BY_TRUSTED_PROXY: {}}
DIRECT: Final[dict[str, dict[str, str]]] = {}


class Exchange:
    """A request that is answered by an ASGI application: its scope, and `receive` and `send`."""

    __slots__ = (
        "_connection",
        "_head",
        "_is_bodiless",
        "_is_chunked",
        "_is_told",
        "_left",
        "_request",
        "is_complete",
        "is_started",
    )

    def __init__(self, connection: Connection, request: IncomingRequest) -> None:
        self._connection = connection
        self._request = request
        #: True once the application was given the body.
        self._is_told = False
        self.is_started = False
        self.is_complete = False
        #: The head of the answer until the body begins; it goes out with that.
        self._head = b""
        self._is_bodiless = False
        self._is_chunked = False
        #: How much of the announced length is still to come; None = no length was announced.
        self._left: int | None = None

    async def run(self, app: ASGIApp) -> None:
        """Has the application answer. Raises what it raises, and RuntimeError if it answers by halves."""
        await app(self._scope(), self.receive, self.send)
        if not self.is_complete and not self._connection.is_gone:
            raise RuntimeError("the application returned before its answer was complete")

    def _scope(self) -> Scope:
        request, connection = self._request, self._connection
        client = (request.sender, connection.peer[1] if request.sender == connection.peer[0] else 0)
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": request.version,
            "server": connection.server,
            "client": client,
            "scheme": scheme_of(request.headers, "http") if connection.is_trusted else "http",
            "root_path": "",
            "headers": request.headers,
            "method": request.method,
            "path": request.path,
            "raw_path": request.raw_path,
            "query_string": request.query,
            "extensions": PROXIED if connection.is_trusted else DIRECT,
        }

    async def receive(self) -> Message:
        """The whole body; after that, once it is so: the answer is over, or the other side is gone."""
        if not self._is_told:
            self._is_told = True
            return {"type": "http.request", "body": self._request.body, "more_body": False}
        if not self.is_complete and not self._connection.is_gone:
            await self._connection.ended()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """A part of the answer. What goes to a side that is gone is dropped."""
        connection = self._connection
        await connection.writable()
        if connection.is_gone:
            return
        kind = message["type"]
        if kind == "http.response.start" and not self.is_started:
            self._start(message["status"], message.get("headers", ()))
        elif kind == "http.response.body" and self.is_started and not self.is_complete:
            self._continue(message.get("body", b""), more=message.get("more_body", False))
        else:
            raise RuntimeError(f"{kind} cannot stand here")

    def _start(self, status: int, headers: Any) -> None:
        self.is_started = True
        lines = [status_line(status)]
        for name, value in (*self._connection.default_headers, *headers):
            if BREAKS_OUT.search(name) or BREAKS_OUT.search(value):
                raise RuntimeError("a header of the answer has a line break in it")
            if name.lower() == b"connection":
                self._request.keep_alive = self._request.keep_alive and value.lower() != b"close"
                continue
            if name.lower() == b"content-length":
                self._left = int(value)
            lines.append(b"%b: %b\r\n" % (name, value))
        self._is_bodiless = self._request.method == "HEAD" or status in BODILESS
        if self._left is None and not self._is_bodiless and self._request.version == "1.1":
            self._is_chunked = True
            lines.append(b"transfer-encoding: chunked\r\n")
        if self._connection.is_last(self._request):
            lines.append(b"connection: close\r\n")
        self._head = b"".join((*lines, b"\r\n"))

    def _continue(self, body: bytes, *, more: bool) -> None:
        head, self._head = self._head, b""
        self._connection.write(head + self._framed(body, more=more))
        if not more:
            if self._left and not self._is_bodiless:
                raise RuntimeError("the answer is shorter than its content-length")
            self.is_complete = True
            self._connection.answered(self._request)

    def _framed(self, body: bytes, *, more: bool) -> bytes:
        if self._is_bodiless:
            return b""
        if self._is_chunked:
            chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            return chunk if more else chunk + b"0\r\n\r\n"
        if self._left is not None:
            self._left -= len(body)
            if self._left < 0:
                raise RuntimeError("the answer is longer than its content-length")
        return body
