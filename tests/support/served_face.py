"""The HTTP face with some history on a real server, for callers that are not of this event loop."""

from __future__ import annotations

import asyncio
import socket
import threading
from pathlib import Path

import uvicorn

from support.face import GRID, Face, a_face


class ServedFace:
    """The face with some history, on a real server in a thread of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self.address = ""

    def __enter__(self) -> ServedFace:
        self._thread.start()
        assert self._ready.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(30)

    async def _run(self) -> None:
        async with a_face(self._folder) as face:
            await self._history(face)
            # Streams have no end of their own: here each of them has had it already.
            face.app.state.stopping.set()
            listener = socket.create_server(("127.0.0.1", 0))
            self.address = f"http://127.0.0.1:{listener.getsockname()[1]}/api/v1"
            self._server = uvicorn.Server(uvicorn.Config(face.app, log_level="critical", lifespan="off", ws="none"))
            self._ready.set()
            await self._server.serve(sockets=[listener])
            listener.close()

    async def _history(self, face: Face) -> None:
        await face.post(GRID)
        await face.post(b"nonsense")
        await face.submit(tags={"project": "poster"})
