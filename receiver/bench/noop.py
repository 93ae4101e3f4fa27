"""The servers to compare with that keep nothing: `python -m receiver.bench.noop uvicorn|starlette PORT`."""

from __future__ import annotations

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send


async def bare(scope: Scope, receive: Receive, send: Send) -> None:
    """204 to everything, without reading it."""
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def _nothing(request: Request) -> Response:
    await request.body()
    return Response(status_code=204)


def starlette() -> ASGIApp:
    """A Starlette application with one route that reads the body and answers 204."""
    return Starlette(routes=[Route("/in/journey", _nothing, methods=["POST"])])


def main() -> None:
    """The process: uvicorn with the settings of `gridhook serve`."""
    kind, port = sys.argv[1:]
    app = bare if kind == "uvicorn" else starlette()
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(port),
        http="httptools",
        loop="uvloop",
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        backlog=2048,
    )


if __name__ == "__main__":
    main()
