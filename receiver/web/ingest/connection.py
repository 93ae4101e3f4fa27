"""Connections of the HTTP server: a webhook that arrives as a whole goes straight to the intake.

Within ASGI, a task, its channels and the checks of its messages would be a sixth of the price of a webhook. Whatever is
out of the ordinary goes the ASGI way, as does all that is no webhook: uvicorn knows best.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final

import uvicorn
from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from receiver.web.ingest.endpoint import Ingest, IngestReply

#: The body of a webhook that is not whole after so long, seconds, is read the ASGI way, which has a limit for that.
PATIENCE: Final = 1.0
#: A path with one of these has yet to be taken apart.
UNUSUAL: Final = frozenset(b"%?#")
#: Headers that offer another protocol.
OFFERS: Final = frozenset({b"upgrade", b"http2-settings", b"connection"})


class _IgnoredEvent:
    """An event that nobody waits for."""

    def set(self) -> None:
        """Nothing comes of it."""


class WebhookCycle:
    """A webhook at work: it stands where uvicorn has the request that its connection is busy with."""

    message_event: Final = _IgnoredEvent()
    disconnected = False

    def __init__(self, keep_alive: bool) -> None:
        self.keep_alive = keep_alive
        self.response_complete = False


class Connection(HttpToolsProtocol):
    """A connection of an application that has an `ingest`."""

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._application: Any = config.app
        #: The webhook whose body is still coming in, what of it is here, and when that has taken too long.
        self._arriving: WebhookCycle | None = None
        self._body: list[bytes] = []
        self._impatient: asyncio.TimerHandle | None = None

    @property
    def _ingest(self) -> Ingest:
        # Looked up for each request: a connection may outlive a configuration.
        ingest: Ingest = self._application.ingest
        return ingest

    def data_received(self, data: bytes) -> None:
        """Bytes came in."""
        self._unset_keepalive_if_required()
        unread: bytes | None = data
        while unread is not None:
            unread = self._read(unread)
        if self._arriving is not None and self._impatient is None:
            self._impatient = self.loop.call_later(PATIENCE, self._hand_over)

    def connection_lost(self, exc: Exception | None) -> None:
        """The other side is gone."""
        if self._arriving is not None:
            self._hand_over()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """A request begins; the ASGI scope is made once it is needed."""
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_headers_complete(self) -> None:
        """All but the body is there."""
        if self.parser.should_upgrade():
            return
        if self._is_usual():
            self._body = []
            self._arriving = WebhookCycle(self.parser.should_keep_alive())
            self.cycle = self._arriving  # type: ignore[assignment]  # it has what uvicorn looks at
        else:
            self._begin_asgi()

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        if self._arriving is not None:
            self._body.append(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        webhook = self._arriving
        if webhook is None:
            if not self.parser.should_upgrade():
                super().on_message_complete()
            return
        self._end_arriving()
        task = self.loop.create_task(
            self._answer(webhook, self.url.decode("ascii"), self.headers, b"".join(self._body))
        )
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    def _read(self, data: bytes) -> bytes | None:
        """Gives what must be read once more, if anything."""
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade as offer:
            if self.parser.get_method() != b"CONNECT":
                return self._without_offer(data[offer.args[0] :])
            self._refuse()
        except HttpParserError:
            self._refuse()
        return None

    def _without_offer(self, rest: bytes) -> bytes:
        """The request that offers another protocol, and what came behind it, without the offer: nobody must accept it.

        The parser has taken its body for that protocol. Java's HTTP client and `curl --http2` make such offers.
        """
        version = self.parser.get_http_version().encode("ascii")
        lines = [b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, version)]
        lines += [b"%b: %b" % (name, value) for name, value in self.headers if name not in OFFERS]
        self.parser = HttpRequestParser(self)
        return b"\r\n".join((*lines, b"", rest))

    def _refuse(self) -> None:
        message = "Invalid HTTP request received."
        self.logger.warning(message)
        self.send_400_response(message)

    def _is_usual(self) -> bool:
        """Whether it is a webhook with nothing about it that wants more than its path, its headers and its body."""
        if not self.url.startswith(b"/in/") or not UNUSUAL.isdisjoint(self.url):
            return False
        if self.parser.get_method() != b"POST" or self.parser.get_http_version() != "1.1":
            return False
        if self.expect_100_continue or self.flow.write_paused or not getattr(self.cycle, "response_complete", True):
            return False  # the sender wants to be told to go on, does not read its answers, or does not wait for them
        headers = dict(self.headers)
        length = int(headers.get(b"content-length", b"0"))
        return length <= self._ingest.max_body and b"transfer-encoding" not in headers

    def _begin_asgi(self) -> None:
        url, headers, expect = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expect
        self.headers.extend(headers)
        super().on_headers_complete()

    def _hand_over(self) -> None:
        """Goes on the ASGI way with what has arrived."""
        is_last = self._arriving is not None and not self._arriving.keep_alive
        self._end_arriving()
        self.cycle = None  # type: ignore[assignment]  # as uvicorn has it at first
        self._begin_asgi()
        if is_last:  # the server may have said so meanwhile
            self.cycle.keep_alive = False
        for piece in self._body:
            super().on_body(piece)

    def _end_arriving(self) -> None:
        self._arriving = None
        if self._impatient is not None:
            self._impatient.cancel()
            self._impatient = None

    async def _answer(self, webhook: WebhookCycle, path: str, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        reply = await self._ingest.post(path, headers, body)
        webhook.response_complete = True
        if self.transport.is_closing():
            return
        self.transport.write(_wire(reply, self.server_state.default_headers, webhook.keep_alive))
        if not webhook.keep_alive:
            self.transport.close()
        self.on_response_complete()


def _wire(reply: IngestReply, defaults: Iterable[tuple[bytes, bytes]], keep_alive: bool) -> bytes:
    """An answer as it goes over the wire; `defaults` are uvicorn's own headers."""
    head = _head(reply.status, (*defaults, *reply.header_lines()))
    end = b"\r\n\r\n" if keep_alive else b"\r\nconnection: close\r\n\r\n"
    return b"%bcontent-length: %d%b%b" % (head, len(reply.body), end, reply.body)


@lru_cache(maxsize=32)
def _head(status: int, headers: tuple[tuple[bytes, bytes], ...]) -> bytes:
    """The lines of an answer but for those that few answers share."""
    lines = [b"HTTP/1.1 %d %b\r\n" % (status, HTTPStatus(status).phrase.encode("ascii"))]
    lines += [b"%b: %b\r\n" % header for header in headers]
    return b"".join(lines)
