"""The servers to compare with that keep nothing: `python -m bench.contestants.no_op uvicorn|starlette|held PORT`."""

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


async def held(scope: Scope, receive: Receive, send: Send) -> None:
    """At `/api/v1/stream` an answer that stays open: the least that one can cost on uvicorn. 204 to all else."""
    if scope["path"] != "/api/v1/stream":
        await bare(scope, receive, send)
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b": held\n\n", "more_body": True})
    while (await receive())["type"] != "http.disconnect":
        pass


async def _nothing(request: Request) -> Response:
    await request.body()
    return Response(status_code=204)


def starlette() -> ASGIApp:
    """Returns a Starlette application with one route that reads the body and answers 204."""
    return Starlette(routes=[Route("/in/journey", _nothing, methods=["POST"])])


def serve(app: ASGIApp, port: int) -> None:
    """Runs an application until the process is ended: uvicorn with the settings of `gridhook serve`."""
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        http="httptools",
        loop="uvloop",
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        backlog=2048,
    )


def main() -> None:
    """The process."""
    kind, port = sys.argv[1:]
    serve(starlette() if kind == "starlette" else {"uvicorn": bare, "held": held}[kind], int(port))


if __name__ == "__main__":
    main()
