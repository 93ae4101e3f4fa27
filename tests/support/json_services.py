"""The other end of Apprise's `json://`: a server in threads of its own, since Apprise waits in threads."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class JsonServices(ThreadingHTTPServer):
    """Takes what is posted to any path. `messages` is what it took, with the path it came to."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taking)
        self.messages: list[tuple[str, dict[str, Any]]] = []
        #: Paths that answer 500.
        self.broken: set[str] = set()
        #: Paths that do not answer until this is set.
        self.hanging: set[str] = set()
        self.released = threading.Event()

    def url(self, path: str) -> str:
        """The address of a service, as Apprise has it."""
        return f"json://127.0.0.1:{self.server_port}/{path}"


class _Taking(BaseHTTPRequestHandler):
    server: JsonServices

    def do_POST(self) -> None:
        message = json.loads(self.rfile.read(int(self.headers["content-length"])))
        path = self.path.strip("/")
        if path in self.server.hanging:
            self.server.released.wait(60)
        if path not in self.server.broken:
            self.server.messages.append((path, message))
        self.send_response(500 if path in self.server.broken else 200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_said: object) -> None:
        """Tells nobody."""


@contextmanager
def json_services() -> Iterator[JsonServices]:
    """Services on a free port of this machine, for as long as the block runs."""
    with JsonServices() as services:
        thread = threading.Thread(target=services.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield services
        finally:
            services.released.set()
            services.shutdown()
            thread.join()
