"""A real server beside senders that mean it no good, or know no better."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from support.picks import pick, task_id
from support.server import HOOK_SECRET, JOURNEY, PATIENCE, TOKEN, Server, executable, serving

INTAKE = ("--role", "intake")
ADMIN = {"authorization": f"Bearer {TOKEN}"}
ACCOUNT = JOURNEY.format(vendor="http://127.0.0.1:9", more="")
#: Much more than the sockets' buffers hold.
LARGE = 12 * 1024**2


def head(length: int, *more: str, path: str = "/in/journey") -> bytes:
    """The head of a webhook."""
    lines = [f"POST {path} HTTP/1.1", "host: a", f"x-webhook-secret: {HOOK_SECRET}", f"content-length: {length}", *more]
    return "\r\n".join([*lines, "", ""]).encode()


@asynccontextmanager
async def connected(server: Server) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]))
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def memory(server: Server) -> float:
    """What the server has in memory, MB."""
    text = Path(f"/proc/{server.pid}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0]) / 1024


@pytest.mark.parametrize("path", ["/in/journey", "/api/v1/jobs"])
async def test_who_sends_too_much_and_only_then_reads_can_read_why_it_was_refused(tmp_path: Path, path: str) -> None:
    async with serving(tmp_path, ACCOUNT, *INTAKE) as server, connected(server) as (reader, writer):
        writer.write(head(LARGE, f"authorization: Bearer {TOKEN}", path=path))
        for _ in range(LARGE // 65_536):
            writer.write(b" " * 65_536)
            await writer.drain()
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "too_large"
        if path.startswith("/in/"):
            assert b'"request.lost"' in server.log.read_bytes()
            numbers = (await server.client.get("/metrics", headers=ADMIN)).text
            assert 'gridhook_requests_total{outcome="too_large",source="journey"} 1.0' in numbers


async def test_who_ends_its_side_after_the_request_gets_its_answer(tmp_path: Path) -> None:
    async with serving(tmp_path, ACCOUNT, *INTAKE) as server:
        for number in range(20):
            async with connected(server) as (reader, writer):
                body = pick(task_id(number))
                writer.write(head(len(body)) + body)
                writer.write_eof()
                assert (await reader.read()).startswith(b"HTTP/1.1 200 ")


async def test_an_endless_header_costs_next_to_nothing(tmp_path: Path) -> None:
    async with serving(tmp_path, ACCOUNT, *INTAKE) as server:
        before = memory(server)
        async with connected(server) as (reader, writer):
            writer.write(b"POST /in/journey HTTP/1.1\r\nhost: a\r\nx: ")
            with contextlib.suppress(ConnectionError):
                for _ in range(800):
                    writer.write(b"y" * 100_000)
                    await writer.drain()
            with contextlib.suppress(ConnectionError):
                assert (await reader.read()).startswith(b"HTTP/1.1 431 ")
        assert (await server.post("/in/journey", pick(task_id(1)))).status_code == 200
        assert memory(server) < before + 10


async def test_when_descriptors_are_few_the_database_has_its_own(tmp_path: Path) -> None:
    async with serving(tmp_path, ACCOUNT, *INTAKE) as server, contextlib.AsyncExitStack() as stack:
        assert await server.sigterm() == 0
        await server.start(*INTAKE, program=["sh", "-c", 'ulimit -n 100; exec "$@"', "sh", *executable()])
        port = int(server.url.rpartition(":")[2])
        opened = [
            stack.enter_context(contextlib.closing(socket.create_connection(("127.0.0.1", port)))) for _ in range(150)
        ]
        opened[-1].send(b"GET / HTT")  # half a head
        # Each on a connection of its own: one that is kept for the next request may be closed to make way for another.
        alone = httpx.Limits(max_keepalive_connections=0)
        client = await stack.enter_async_context(
            httpx.AsyncClient(base_url=server.url, timeout=PATIENCE, limits=alone, trust_env=False)
        )
        for number in range(3):
            sent = await client.post(
                "/in/journey",
                content=pick(task_id(number)),
                headers={"content-type": "application/json", "x-webhook-secret": HOOK_SECRET},
            )
            assert sent.status_code == 200
            assert (await client.get("/readyz")).status_code == 200
        log = server.log.read_text()
        assert '"server.few_descriptors"' in log
        assert '"server.full"' in log
        numbers = (await client.get("/metrics", headers=ADMIN)).text
        assert "process_open_fds" in numbers
        assert 'gridhook_connections_full_total{what="made_way"}' in numbers


async def test_a_half_sent_webhook_at_a_stop_is_to_come_again(tmp_path: Path) -> None:
    async with serving(tmp_path, ACCOUNT, *INTAKE) as server, connected(server) as (reader, writer):
        body = pick(task_id(1))
        writer.write(head(len(body)) + body[:-1])
        while "gridhook_unread_bytes 0.0" in (await server.client.get("/metrics", headers=ADMIN)).text:
            pass
        stopping = asyncio.create_task(server.sigterm())
        answer = await reader.read()
        assert await stopping == 0
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nretry-after: " in answer
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "stopping"
