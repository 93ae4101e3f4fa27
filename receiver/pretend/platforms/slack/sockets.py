"""Socket Mode's side of Slack: tickets, connections, envelopes and their acknowledgements."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any, Final

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from receiver.lib.signal import Signal
from receiver.pretend.platforms.slack.workspace import APP, Workspace

#: Connections that an app may have (documented).
MOST_CONNECTIONS: Final = 10
#: How long an acknowledgement may take, seconds (documented).
ACK_S: Final = 3.0


class SocketMode:
    """The connections of the workspace's one app."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._tickets: set[str] = set()
        self._numbers = itertools.count(1)
        self._acknowledged: set[str] = set()
        self._bell = Signal()
        #: The open ones, oldest first.
        self.connections: list[WebSocket] = []
        #: How many there ever were.
        self.opened = 0

    def ticket(self) -> str:
        """What lets one connection in, once."""
        ticket = f"ticket-{next(self._numbers)}"
        self._tickets.add(ticket)
        return ticket

    async def serve(self, socket: WebSocket) -> None:
        """One connection, from its ticket to its end."""
        ticket = socket.query_params.get("ticket", "")
        if ticket not in self._tickets:
            await socket.close(4401)
            return
        self._tickets.discard(ticket)
        await socket.accept()
        if len(self.connections) >= MOST_CONNECTIONS:
            await socket.send_json({"type": "disconnect", "reason": "too_many_websockets"})
            await socket.close()
            return
        await socket.send_json(
            {
                "type": "hello",
                "connection_info": {"app_id": APP},
                "num_connections": len(self.connections) + 1,
                "debug_info": {"host": "applink-pretend", "approximate_connection_time": 3600},
            }
        )
        self.connections.append(socket)
        self.opened += 1
        self._bell.ring()
        try:
            while True:
                self._heard(await socket.receive_text())
        except WebSocketDisconnect:
            pass
        finally:
            self.connections.remove(socket)
            self._bell.ring()

    def _heard(self, text: str) -> None:
        frame = msgspec.json.decode(text)
        if not isinstance(frame, dict) or not isinstance(frame.get("envelope_id"), str):
            self._workspace.mistakes.append("a frame that acknowledges nothing")
            return
        self._acknowledged.add(frame["envelope_id"])
        self._bell.ring()

    async def send(self, payload: dict[str, Any]) -> bool:
        """Sends an interactive payload on the newest connection; whether it was acknowledged within three seconds."""
        name = f"envelope-{next(self._numbers)}"
        envelope = {"envelope_id": name, "type": "interactive", "accepts_response_payload": True, "payload": payload}
        await self.connections[-1].send_json(envelope)
        try:
            async with asyncio.timeout(ACK_S):
                return await self._bell.until(lambda: True if name in self._acknowledged else None)
        except TimeoutError:
            return False

    async def refresh(self) -> None:
        """Ends the oldest connection as Slack does every few hours: a warning, a request, and the end."""
        socket = self.connections[0]
        await socket.send_json({"type": "disconnect", "reason": "warning", "debug_info": {"host": "applink-pretend"}})
        await socket.send_json({"type": "disconnect", "reason": "refresh_requested"})

    async def switch_off(self) -> None:
        """Switches Socket Mode off: every connection is told so and closed."""
        for socket in list(self.connections):
            await socket.send_json({"type": "disconnect", "reason": "link_disabled"})
            await socket.close()

    async def until_connected(self, count: int = 1) -> None:
        """Waits until there were so many connections, counted from the start."""
        await self._bell.until(lambda: True if self.opened >= count and self.connections else None)

    async def until_left(self, count: int = 0) -> None:
        """Waits until no more than so many connections are open."""
        await self._bell.until(lambda: True if len(self.connections) <= count else None)
