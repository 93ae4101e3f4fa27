"""Counts round trips to PostgreSQL: a proxy between a store and its server."""

from __future__ import annotations

import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

PIECE: Final = 1 << 16
SOCKET: Final = ".s.PGSQL.5432"


class CountingProxy:
    """Passes on what comes; each connection counts how often its client spoke after it had been answered."""

    def __init__(self, folder: Path, server: Path) -> None:
        self.folder = folder
        self._server = server / SOCKET
        #: By connection, in the order in which they were made.
        self.turns: list[int] = []
        #: Connections are cut when a client sends this; what the server answers then is lost.
        self.cut_after: bytes | None = None
        self.has_cut = False
        self._open: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / SOCKET))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self._server))
                self._open += [client, server]
                self.turns.append(0)
                connection = Passing(self, len(self.turns) - 1, client, server)
                threading.Thread(target=connection.to_server, daemon=True).start()
                threading.Thread(target=connection.to_client, daemon=True).start()

    def close(self) -> None:
        """Ends all connections."""
        for one in (self._listener, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


class Passing:
    """One connection."""

    def __init__(self, proxy: CountingProxy, place: int, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._place = place
        self._client = client
        self._server = server
        self._was_answered = True
        self._is_cut = False

    def to_server(self) -> None:
        """Passes on what the client sends."""
        with suppress(OSError):
            while piece := self._client.recv(PIECE):
                if self._was_answered:
                    self._proxy.turns[self._place] += 1
                    self._was_answered = False
                cut = self._proxy.cut_after
                self._is_cut |= cut is not None and cut in piece
                self._server.sendall(piece)
            self._server.shutdown(socket.SHUT_WR)

    def to_client(self) -> None:
        """Passes on what the server answers."""
        with suppress(OSError):
            while piece := self._server.recv(PIECE):
                if self._is_cut:
                    self._proxy.cut_after, self._proxy.has_cut = None, True
                    break
                self._was_answered = True
                self._client.sendall(piece)
            self._client.shutdown(socket.SHUT_RDWR)


@contextmanager
def counted(address: str) -> Iterator[tuple[CountingProxy, str]]:
    """A proxy before the server at an address, and the address of the proxy."""
    _, _, rest = address.partition("?host=")
    server, _, more = rest.partition("&")
    with tempfile.TemporaryDirectory(prefix="gridhook-rt-") as folder:
        proxy = CountingProxy(Path(folder), Path(server))
        try:
            yield proxy, f"postgresql://gridhook@/postgres?host={folder}&{more}"
        finally:
            proxy.close()
