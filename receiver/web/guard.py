"""Stands around the whole HTTP face: safe headers on every answer, and an answer even to our own mistakes."""

from __future__ import annotations

from typing import Final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from receiver.web.problems import problem

log = structlog.get_logger("web")

#: What every answer carries; an answer's own header of the same name goes before these.
SAFE_HEADERS: Final[dict[bytes, bytes]] = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cache-control": b"no-store",
}


class Guard:
    """Adds the safe headers, turns away websockets, and answers 500 without details when something breaks."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message = {**message, "headers": _completed(message.get("headers", ()))}
            await send(message)

        try:
            await self._app(scope, receive, guarded)
        except Exception:
            log.exception("web.broke", method=scope["method"], path=scope["path"][:200])
            if started:
                raise
            await problem(500, "internal", "this is a fault of gridhook; its log tells more")(scope, receive, guarded)


def _completed(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    listed = list(headers)
    given = {name.lower() for name, _ in listed}
    return [*listed, *((name, value) for name, value in SAFE_HEADERS.items() if name not in given)]
