"""All connections of a server: made here, bounded together, and answered by one application."""

from __future__ import annotations

import asyncio
import math
import time
from typing import Any, Protocol

import structlog
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from receiver.web.http.connection import Connection
from receiver.web.http.exchange import Exchange
from receiver.web.http.incoming import IncomingRequest
from receiver.web.http.limits import SMALL, HttpLimits
from receiver.web.http.load import ServerLoad
from receiver.web.http.replies import HttpReply, reply_to
from receiver.web.http.senders import Senders
from receiver.web.problems import Refusal

log = structlog.get_logger("web")

STOPPING = Refusal(503, "stopping", "gridhook stops; send it again", {"retry-after": "5"})
INTERNAL = Refusal(500, "internal", "this is a fault of gridhook; its log tells more")
BUSY = Refusal(503, "busy", "too much is being sent at once; send it again", {"retry-after": "5"})


class Webhooks(Protocol):
    """Answers the requests below `/in/`, without ASGI: they are what there is most of."""

    async def answer(self, request: IncomingRequest) -> HttpReply:
        """The answer to a whole request. Raises nothing."""
        ...


class WebApplication(Protocol):
    """An ASGI application with its webhooks beside it."""

    @property
    def ingest(self) -> Webhooks:
        """Who answers below `/in/`; another one once it goes by another configuration."""
        ...

    @property
    def load(self) -> ServerLoad:
        """Where it is counted what connections hold."""
        ...

    def head_refusal(self, request: IncomingRequest) -> HttpReply | None:
        """The answer to a request whose head alone shows that it will be refused, else None."""
        ...

    def refused(self, request: IncomingRequest, refusal: Refusal) -> HttpReply:
        """The answer to a request that the server refused; a webhook is counted and told."""
        ...

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI call, for everything else."""
        ...


class Connections:
    """Makes the connections of a server, and sees to what they may hold together."""

    def __init__(self, app: WebApplication, limits: HttpLimits, senders: Senders) -> None:
        self.limits = limits
        self.senders = senders
        self.load = app.load
        #: How long an unfinished request may take once the server stops, seconds.
        self.stop_seconds = limits.stop_seconds
        #: True once the server stops.
        self.stopping = False
        self._app = app
        #: What uvicorn's server knows of its connections.
        self.state = ServerState()
        self._timer: asyncio.TimerHandle | None = None
        #: When it was last told that there is no room, by `now`.
        self._told_at = -math.inf
        #: The time that deadlines go by, seconds.
        self.now = time.monotonic

    def __call__(
        self,
        config: uvicorn.Config,  # uvicorn's words
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> Connection:
        """A new connection; called by uvicorn."""
        self.state = server_state
        return Connection(self)

    def adopt(self, limits: HttpLimits, senders: Senders) -> None:
        """Goes by these limits from the next connection on."""
        self.limits = limits
        self.senders = senders

    def stop_within(self, seconds: float) -> None:
        """The server stops, and has so many seconds for what runs: unfinished requests are told so in time."""
        self.stop_seconds = min(self.limits.stop_seconds, seconds / 2)

    # --- what becomes of a request

    def answer(self, connection: Connection, request: IncomingRequest) -> None:
        """Has a whole request answered."""
        way = self._answer_webhook if request.is_webhook else self._answer_through_asgi
        task = asyncio.get_running_loop().create_task(way(connection, request))
        self.state.tasks.add(task)
        task.add_done_callback(self.state.tasks.discard)

    def head_refusal(self, request: IncomingRequest) -> HttpReply | None:
        """The answer to a request whose head alone shows that it will be refused, else None."""
        return self._app.head_refusal(request)

    def refused(self, request: IncomingRequest, refusal: Refusal) -> HttpReply:
        """The answer to a request that cannot be read to its end."""
        return self._app.refused(request, refusal)

    # --- what connections hold together

    def opened(self, connection: Connection) -> bool:
        """Takes a connection in; False if there are too many."""
        load = self.load
        is_full = len(load.connections) >= self.limits.max_connections
        has_room = not is_full or load.make_room()
        if is_full:
            self._tell_full()
        self.state.connections.add(connection)  # type: ignore[arg-type]  # it has what uvicorn looks at
        load.connections.add(connection)
        if has_room:
            load.without_request[connection] = None
        if self._timer is None:
            self._look_again()
        return has_room

    def closed(self, connection: Connection) -> None:
        """Forgets a connection."""
        self.state.connections.discard(connection)
        self.load.connections.discard(connection)
        self.load.without_request.pop(connection, None)

    def is_overloaded(self) -> bool:
        """True if more is unread than may be."""
        return self.load.unread > self.limits.max_unread

    def relieve(self, connection: Connection) -> None:
        """Refuses a request, for `connection` made it too much: its own, or if that is small the largest one."""
        largest = self.load.largest() if connection.unfinished <= SMALL else None
        self.load.overloaded += 1
        self._tell_full()
        victim = largest if isinstance(largest, Connection) else connection
        victim.refuse(BUSY)

    def _tell_full(self) -> None:
        """Tells that there is no room, once a second at most."""
        if self.now() < self._told_at + 1:
            return
        self._told_at = self.now()
        load = self.load
        log.warning(
            "server.full",
            connections=len(load.connections),
            unread=load.unread,
            turned_away=load.turned_away,
            made_way=load.made_way,
            overloaded=load.overloaded,
        )

    def _look(self) -> None:
        now = self.now()
        for connection in [one for one in self.load.connections if one.deadline < now]:
            connection.expire()
        self._timer = None
        if self.load.connections:
            self._look_again()

    def _look_again(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self.limits.look_every, self._look)

    async def _answer_webhook(self, connection: Connection, request: IncomingRequest) -> None:
        try:
            reply = await self._app.ingest.answer(request)
        except asyncio.CancelledError:  # the server stops, and will not wait any longer
            reply = self._app.refused(request, STOPPING)
        connection.reply(request, reply)

    async def _answer_through_asgi(self, connection: Connection, request: IncomingRequest) -> None:
        exchange = Exchange(connection, request)
        try:
            await exchange.run(self._app)
        except asyncio.CancelledError:
            self._break_off(connection, request, exchange, STOPPING)
        except Exception:  # the application has answered what it could
            log.exception("web.broke", method=request.method, path=request.path[:200])
            self._break_off(connection, request, exchange, INTERNAL)

    def _break_off(
        self, connection: Connection, request: IncomingRequest, exchange: Exchange, refusal: Refusal
    ) -> None:
        if not exchange.is_complete and not exchange.is_started:
            connection.reply(request, reply_to(refusal))
        elif not exchange.is_complete:
            connection.break_off()
