from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from receiver.pretend.loopback import serve


async def hello(_: Request) -> Response:
    return PlainTextResponse("hello")


async def hang(request: Request) -> Response:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    return Response()


async def test_the_application_answers_and_its_lifespan_begins_and_ends() -> None:
    said: list[str] = []

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        said.append("begin")
        yield
        said.append("end")

    async with serve(Starlette(routes=[Route("/", hello)], lifespan=lifespan)) as url, httpx.AsyncClient() as client:
        assert (await client.get(url)).text == "hello"
        assert said == ["begin"]
    assert said == ["begin", "end"]


async def test_nobody_listens_afterwards() -> None:
    async with serve(Starlette(routes=[Route("/", hello)])) as url:
        pass
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(url)


async def test_a_hanging_request_does_not_hold_up_the_end() -> None:
    async with httpx.AsyncClient(timeout=20) as client:
        async with serve(Starlette(routes=[Route("/", hang)]), grace=0.05) as url:
            asking = asyncio.create_task(client.get(url))
            async with httpx.AsyncClient() as other:
                assert (await other.get(f"{url}/nothing")).status_code == 404
        with pytest.raises(httpx.TransportError):
            await asking


async def test_an_error_in_the_block_is_not_swallowed() -> None:
    with pytest.raises(LookupError):
        async with serve(Starlette()):
            raise LookupError


async def test_a_broken_start_is_told() -> None:
    said = ["broken"]

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        if said:
            raise ValueError("no")
        yield

    with pytest.raises(RuntimeError, match="did not start"):
        async with serve(Starlette(lifespan=lifespan)):
            pass


async def test_signals_stay_with_the_program() -> None:
    before = signal.getsignal(signal.SIGTERM)
    async with serve(Starlette()):
        assert signal.getsignal(signal.SIGTERM) is before
