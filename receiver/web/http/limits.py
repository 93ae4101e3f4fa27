"""What a connection, and all of them together, may make the server hold, and for how long."""

from __future__ import annotations

from typing import Final

import msgspec

from receiver.config import ServerSettings

#: Headers of one request.
MAX_HEADERS: Final = 128
#: What the framing of a chunked body may take, bytes: sizes, extensions, trailers.
MAX_FRAMING: Final = 256 * 1024
#: Requests that may wait for the answer to the one before them; then the connection is not read.
MAX_WAITING: Final = 16
#: What a waiting request costs beside its bytes, bytes.
WAITING_COST: Final = 2048
#: The largest piece that is parsed at once, bytes: what it holds too much of is found out behind it.
PIECE: Final = 8192
#: A body that is no larger is not refused while a larger one can be, bytes.
SMALL: Final = 64 * 1024


class HttpLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of a server. Times are in seconds, sizes in bytes."""

    max_connections: int = 4096
    #: The largest body.
    max_body: int = 8 * 1024**2
    #: All that has arrived of unfinished requests, and of those at work, together.
    max_unread: int = 64 * 1024**2
    #: The largest head: request line and headers.
    max_head: int = 32 * 1024
    #: How long a head may take from its first byte, or from the beginning of the connection.
    head_seconds: float = 15.0
    #: How long a body may take.
    body_seconds: float = 30.0
    #: How long a connection without a request is kept.
    keep_alive: float = 75.0
    #: How long the reader of an answer may take for some 50 KB of it.
    reader_seconds: float = 30.0
    #: How long an unfinished request may take once the server stops.
    stop_seconds: float = 2.0
    #: How long, and how much, is still read and dropped after the last answer, so that its sender can read it; a sender
    #: that is silent for `quiet_seconds` has read it.
    drain_seconds: float = 15.0
    quiet_seconds: float = 3.0
    drain_bytes: int = 64 * 1024**2
    #: Between two looks at what takes too long.
    look_every: float = 0.5


def limits_of(settings: ServerSettings, max_connections: int) -> HttpLimits:
    """The limits that the configuration names; `max_connections` is what the descriptors allow."""
    return HttpLimits(
        max_connections=max_connections,
        max_body=settings.max_body,
        max_unread=settings.max_unread,
        keep_alive=settings.keep_alive,
    )
