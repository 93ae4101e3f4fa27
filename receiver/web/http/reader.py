"""Reads requests out of the bytes of a connection, within bounds."""

from __future__ import annotations

from typing import Final, Protocol

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from receiver.web.http.incoming import Headers, IncomingRequest, check_head
from receiver.web.http.limits import MAX_FRAMING, MAX_HEADERS, PIECE, HttpLimits
from receiver.web.http.offers import without_offer
from receiver.web.problems import Refusal

NOT_HTTP: Final = "this is no HTTP request that can be understood"


class Owner(Protocol):
    """Whose requests are read."""

    #: The port that they came to.
    port: int

    def sender_of(self, headers: Headers) -> str:
        """The address of who sent a request with these headers."""
        ...

    def arrived(self, request: IncomingRequest) -> None:
        """A request is here as a whole."""
        ...


class RequestReader:
    """The parser of a connection; the names of its callbacks are httptools'."""

    __slots__ = (
        "_framing",
        "_head_size",
        "_headers",
        "_is_last",
        "_limits",
        "_owner",
        "_parser",
        "_piece",
        "_refusal",
        "_target",
        "arriving",
        "in_head",
    )

    def __init__(self, limits: HttpLimits, owner: Owner) -> None:
        self._limits = limits
        self._owner = owner
        self._parser: HttpRequestParser = HttpRequestParser(self)
        #: The request whose body is coming in.
        self.arriving: IncomingRequest | None = None
        #: True while a head is coming in; what of it was in earlier pieces, bytes.
        self.in_head = False
        self._head_size = 0
        self._target = b""
        self._headers: Headers = []
        #: Size of the piece that is being read, and what the framing of the body has taken in earlier ones, bytes.
        self._piece = 0
        self._framing = 0
        #: True once a request came that is the last one of its connection.
        self._is_last = False
        self._refusal: Refusal | None = None

    @property
    def held(self) -> int:
        """What it holds of an unfinished request, bytes."""
        if self.arriving is not None:
            return self.arriving.size + 1
        return self._head_size if self.in_head else 0

    def feed(self, piece: bytes | memoryview) -> None:
        """Reads a piece of at most `PIECE` bytes. Raises Refusal: nothing that follows can be read any more."""
        arriving = self.arriving
        size = arriving.size if arriving is not None else 0
        self._piece = len(piece)
        try:
            self._parser.feed_data(piece)
        except HttpParserUpgrade as offer:
            self._read_without_offer(bytes(piece[offer.args[0] :]))
        except HttpParserError:
            self._refuse_unread()
        if self._refusal is not None:
            raise self._refusal
        if self.in_head:
            self._head_size += len(piece)
            # The piece that it began in is counted as a whole.
            if self._head_size > self._limits.max_head + PIECE:
                raise self._head_too_large()
            self._check_number()
        elif arriving is not None and arriving is self.arriving:
            self._framing += len(piece) - (arriving.size - size)
            if self._framing > MAX_FRAMING:
                raise Refusal(400, "bad_chunks", f"the framing of the body takes more than {MAX_FRAMING} bytes")

    # --- httptools' callbacks

    def on_message_begin(self) -> None:
        """A head begins."""
        self.in_head = True
        self._head_size = 0
        self._target = b""
        self._headers = []

    def on_url(self, target: bytes) -> None:
        """A piece of the target."""
        self._target += target

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; one that comes behind the body (a trailer) is none."""
        if self.in_head:
            self._headers.append((name.lower(), value.strip(b" \t")))

    def on_headers_complete(self) -> None:
        """The head is here."""
        if self._parser.should_upgrade() or self._refusal is not None:
            return
        self.in_head = False
        try:
            self.arriving = self._request()
        except Refusal as no:
            self._refusal = no

    def on_body(self, piece: bytes) -> None:
        """A piece of the body."""
        request = self.arriving
        if request is None or self._refusal is not None:
            return
        request.size += len(piece)
        if request.size > self._limits.max_body:
            self._refusal = self._too_large()
            return
        request.pieces.append(piece)

    def on_message_complete(self) -> None:
        """The request is here as a whole."""
        request = self.arriving
        if request is None or self._refusal is not None:
            return
        self.arriving = None
        pieces = request.pieces
        request.body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        request.pieces = []
        self._is_last = not request.keep_alive
        self._owner.arrived(request)

    # --- inside

    def _read_without_offer(self, rest: bytes) -> None:
        """Reads on behind the head of a request that offers another protocol; others with offers may follow."""
        while self._refusal is None:
            parser = self._parser
            if parser.get_method() == b"CONNECT":
                self._refusal = Refusal(400, "bad_request", "this is no proxy")
                return
            self._parser = HttpRequestParser(self)
            version = parser.get_http_version()
            rest = without_offer(parser.get_method(), self._target, version, self._headers, rest)
            try:
                self._parser.feed_data(rest)
            except HttpParserUpgrade as offer:
                rest = rest[offer.args[0] :]
            except HttpParserError:
                self._refuse_unread()
                return
            else:
                return

    def _refuse_unread(self) -> None:
        """What came in cannot be read; what follows the last request is of no interest."""
        if not self._is_last and self._refusal is None:
            self._refusal = Refusal(400, "bad_request", NOT_HTTP)

    def _request(self) -> IncomingRequest:
        if self._head_size + self._piece > self._limits.max_head:
            size = len(self._target) + sum(len(name) + len(value) + 4 for name, value in self._headers)
            if size > self._limits.max_head:
                raise self._head_too_large()
        self._check_number()
        parser, headers = self._parser, self._headers
        version = parser.get_http_version()
        named = dict(headers)
        check_head(version, headers, named)
        method = parser.get_method().decode("ascii")
        self._framing = 0
        request = IncomingRequest(method, self._target, version, headers, self._owner.sender_of(headers))
        request.port = self._owner.port
        request.keep_alive = version != "1.0" and parser.should_keep_alive()
        if b"expect" in named:
            request.expects = named[b"expect"].lower() == b"100-continue" and version != "1.0"
        # The parser has seen to it that it is a number.
        if int(named.get(b"content-length", b"0")) > self._limits.max_body:
            self._refusal = self._too_large()
        return request

    def _check_number(self) -> None:
        if len(self._headers) > MAX_HEADERS:
            raise Refusal(431, "headers_too_large", f"there are more than {MAX_HEADERS} headers")

    def _head_too_large(self) -> Refusal:
        return Refusal(431, "headers_too_large", f"the headers are larger than {self._limits.max_head} bytes")

    def _too_large(self) -> Refusal:
        return Refusal(413, "too_large", f"the body is larger than {self._limits.max_body} bytes")
