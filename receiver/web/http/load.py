"""What all connections hold together: how many there are, which of them have no request, what is unread."""

from __future__ import annotations

from typing import Protocol


class OpenConnection(Protocol):
    """A connection, as far as the server's load is concerned."""

    #: When what it waits for takes too long, by the server's `now`.
    deadline: float

    @property
    def unfinished(self) -> int:
        """How much of an unfinished request it holds, bytes; 0 = it has none."""
        ...

    def expire(self) -> None:
        """What it waits for takes too long."""
        ...

    def make_way(self) -> None:
        """Closes it: it has no request, and another connection needs its place."""
        ...


class ServerLoad:
    """Counts for all connections of a server. Used on the event loop only."""

    def __init__(self) -> None:
        #: Bytes of unfinished requests, and of those at work.
        self.unread = 0
        self.connections: set[OpenConnection] = set()
        #: Those that have no whole head, the longest without one first.
        self.without_request: dict[OpenConnection, None] = {}
        #: Since the start: connections that were refused (503), and those that were closed for others.
        self.turned_away = 0
        self.made_way = 0
        #: Requests refused because too much was unread.
        self.overloaded = 0

    def make_room(self) -> bool:
        """Has the connection make way that has been without a request longest; False if all have one."""
        oldest = next(iter(self.without_request), None)
        if oldest is None:
            self.turned_away += 1
            return False
        self.made_way += 1
        del self.without_request[oldest]
        self.connections.discard(oldest)
        oldest.make_way()
        return True

    def largest(self) -> OpenConnection | None:
        """The connection that holds most of an unfinished request; None if none holds any."""
        found = max(self.connections, key=lambda one: one.unfinished, default=None)
        return found if found is not None and found.unfinished else None
