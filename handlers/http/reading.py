"""Reads answers off a connection, within bounds."""

from __future__ import annotations

from typing import Final

import httptools

from handlers.http.bodies import BodyReader, BodyTooLong, Unreadable
from receiver.contracts import Answer

#: Bytes that heads, trailers and the marks between chunks may have, and how many more for each byte of body:
#: chunks of a single byte have five. Informational answers count with the one that they precede.
MAX_HEAD: Final = 64 * 1024
MARKS: Final = 8
TOO_LONG_HEAD: Final = f"the answer's head is longer than {MAX_HEAD} bytes"
#: What has no body, whatever its head says.
NO_BODY: Final = frozenset({204, 304})


class AnswerReader:
    """Reads one answer after the other. What it holds of one is bounded, whatever is sent."""

    def __init__(self, max_body: int) -> None:
        """`max_body` is the most bytes that a body may have, both as it comes and decoded."""
        self._max_body = max_body
        self._parser = httptools.HttpResponseParser(self)
        self.expect()

    def expect(self, max_body: int | None = None) -> None:
        """Makes ready for the next answer, whose body may have so many bytes, or by default as many as any."""
        self._limit = self._max_body if max_body is None else max_body
        #: Whether it is one that was longer than it may be.
        self.too_long = False
        self._status = 0
        self._headers: dict[str, str] = {}
        self._body: BodyReader | None = None
        self._whole = b""
        self._fault: str | None = None
        self._ends_with_connection = False
        #: Bytes that came in all, and of the headers.
        self._came = self._came_of_headers = 0
        #: Whether all of the answer is here.
        self.complete = False
        #: Whether another answer may follow on the same connection.
        self.reusable = False

    @property
    def silent(self) -> bool:
        """Whether nothing came yet."""
        return self._came == 0

    def feed(self, data: bytes) -> None:
        """Takes what was received. Raises Unreadable for what is not HTTP, or too much."""
        self._came += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as wrong:
            # Behind a complete answer, whatever comes is none of it.
            self.reusable = False
            if not self.complete:
                raise Unreadable(self._fault or f"the answer is not HTTP ({type(wrong).__name__})") from None
        if not self.complete and self._fault is None:
            came_of_body = self._body.came if self._body is not None else 0
            if self._came - came_of_body > MAX_HEAD + MARKS * came_of_body:
                self._fault = TOO_LONG_HEAD
        if self._fault is not None:
            raise Unreadable(self._fault)

    def end(self) -> None:
        """The other side says no more. Raises Unreadable if the answer is not complete by that."""
        if self._ends_with_connection:
            self._finish()
        if self._fault is not None:
            raise Unreadable(self._fault)
        if not self.complete:
            raise Unreadable("the connection ended before the answer was complete")

    def answer(self) -> Answer:
        """The answer that is complete."""
        return Answer(status=self._status, headers=self._headers, body=self._whole)

    # --- called by the parser; what they raise would be hidden by it

    def on_message_begin(self) -> None:
        """An answer begins."""
        if self.complete:  # one that nobody asked for
            self.reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or behind the body a trailer, which nobody needs."""
        self._came_of_headers += len(name) + len(value)
        if self._came_of_headers > MAX_HEAD and not self.complete:
            self._fault = self._fault or TOO_LONG_HEAD
        elif not self._status:
            key, text = name.decode("ascii").lower(), value.decode("latin-1")
            known = self._headers.get(key)
            self._headers[key] = text if known is None else f"{known}, {text}"

    def on_headers_complete(self) -> None:
        """The end of a head: that of the answer itself, or of one that only informs."""
        status = self._parser.get_status_code()
        if self._status or (status < 200 and status != 101):
            return
        self._status = status
        self._fault = self._fault or self._fault_of_head()
        headers = self._headers
        if status not in NO_BODY:
            self._body = BodyReader(headers.get("content-encoding", ""), self._limit)
            self._ends_with_connection = "content-length" not in headers and "transfer-encoding" not in headers

    def _fault_of_head(self) -> str | None:
        headers = self._headers
        if self._status == 101:
            return "the answer changes to a protocol that nobody asked for"
        if self._parser.get_http_version() not in ("1.1", "1.0"):
            return "the answer is not HTTP/1.1"
        if headers.get("transfer-encoding", "chunked").lower() != "chunked":
            return "the answer has a transfer-encoding that nobody asked for"
        if self._status not in NO_BODY and int(headers.get("content-length", "0")) > self._limit:
            self.too_long = True
            return f"the answer is longer than {self._limit} bytes"
        return None

    def on_body(self, piece: bytes) -> None:
        """A piece of the body."""
        if self._body is None or self.complete or self._fault is not None:
            return
        try:
            self._body.take(piece)
        except Unreadable as wrong:
            self.too_long = isinstance(wrong, BodyTooLong)
            self._fault = str(wrong)

    def on_message_complete(self) -> None:
        """The end of an answer, or of one that only informs."""
        if not self._status:
            self._headers = {}
        elif not self.complete:
            self._finish()
            self.reusable = self._parser.should_keep_alive()

    def _finish(self) -> None:
        if self._fault is not None:
            return
        try:
            self._whole = self._body.whole() if self._body is not None else b""
        except Unreadable as wrong:
            self._fault = str(wrong)
        else:
            self.complete = True
