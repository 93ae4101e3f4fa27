"""The load generator: what it sends, how it reads answers, and what it counts, against small servers on loopback."""

from __future__ import annotations

import array
import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from bench.load.driving import Answers, Load
from bench.load.far_ends import far_end
from bench.load.http1 import read_answer, read_request
from bench.load.own import Driver, run
from bench.load.payload import (
    SECRET,
    SIZE,
    body,
    number_in,
    request_parts,
    task_id,
)
from bench.machine.servers import free_port
from receiver.providers.journeyapi.tasks import report_of

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


class Far(asyncio.Protocol):
    """Answers whole requests with what `answer` returns; None closes the connection."""

    def __init__(self, answer: Callable[[bytes], bytes | None]) -> None:
        self._answer = answer
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._data += data
        whole = read_request(self._data)
        if whole is None:
            return
        self._data = b""
        answer = self._answer(whole[1])
        if answer is None:
            self._transport.close()
        else:
            self._transport.write(answer)


@asynccontextmanager
async def far(answer: Callable[[bytes], bytes | None]) -> AsyncIterator[int]:
    server = await asyncio.get_running_loop().create_server(lambda: Far(answer), "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def a_load(port: int, **changes: object) -> Load:
    load = Load(port=port, path="/in/journey", prefix="00c0ffee", connections=3, seconds=5.0, limit=20)
    return msgspec.structs.replace(load, **changes)


# --- what is sent


def test_the_body_is_one_completed_task_of_the_size_that_is_promised() -> None:
    assert len(body()) == SIZE
    grid = report_of(msgspec.json.decode(body()))
    assert (grid.status, grid.action, len(grid.images)) == ("completed", "imagine", 4)
    pick = report_of(msgspec.json.decode(body(picks=True)))
    assert (pick.status, pick.action, len(pick.images)) == ("completed", "pick", 1)
    assert len(body(picks=True)) == SIZE


def test_a_request_is_whole_around_its_number() -> None:
    before, after = request_parts("/in/journey", {"x-webhook-secret": SECRET}, "00c0ffee")
    read = read_request(before + b"%012x" % 77 + after)
    assert read is not None
    headers, content = read
    assert headers["x-webhook-secret"] == SECRET
    assert int(headers["content-length"]) == len(content) == SIZE
    assert msgspec.json.decode(content)["task_id"] == task_id("00c0ffee", 77)
    assert number_in(content, b"00c0ffee") == 77
    assert number_in(content, b"00000000") is None


# --- what is read


@pytest.mark.parametrize("whole", [OK, b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX: y\r\n\r\nabc"])
def test_an_answer_is_whole_only_with_its_last_byte(whole: bytes) -> None:
    assert read_answer(whole) == 200
    assert all(read_answer(whole[:cut]) is None for cut in range(len(whole)))


def test_an_answer_in_chunks_ends_with_the_empty_one() -> None:
    chunked = b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"
    assert read_answer(chunked) is None
    assert read_answer(chunked + b"0\r\n\r\n") == 201


def test_an_answer_without_a_body_ends_with_its_head() -> None:
    assert read_answer(NO_CONTENT) == 204


def test_what_is_no_http_is_refused() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        read_answer(b"SSH-2.0-OpenSSH\r\n\r\n")


# --- what is counted


async def test_each_request_has_a_task_id_of_its_own(tmp_path: Path) -> None:
    seen: list[int | None] = []

    def answer(content: bytes) -> bytes:
        seen.append(number_in(content, b"00c0ffee"))
        return OK

    file = tmp_path / "numbers"
    async with far(answer) as port:
        answers = await Driver(a_load(port, acknowledged=str(file))).run()
    assert sorted(number for number in seen if number is not None) == list(range(20))
    assert (answers.sent, answers.acknowledged, answers.errors) == (20, 20, 0)
    numbers = array.array("q")
    numbers.frombytes(file.read_bytes())
    assert sorted(numbers) == list(range(20))
    assert answers.histogram().total == 20
    assert answers.rate > 0


async def test_refusals_are_counted_by_status_and_never_as_acknowledged() -> None:
    def answer(content: bytes) -> bytes:
        number = number_in(content, b"00c0ffee") or 0
        return OK if number % 2 else b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n"

    async with far(answer) as port:
        answers = await Driver(a_load(port)).run()
    assert (answers.acknowledged, answers.refused, answers.lost) == (10, {503: 10}, 0)


async def test_a_broken_connection_loses_its_request_and_is_opened_again() -> None:
    async with far(lambda content: None if number_in(content, b"00c0ffee") == 7 else OK) as port:
        answers = await Driver(a_load(port, connections=1)).run()
    assert (answers.sent, answers.acknowledged, answers.lost) == (20, 19, 1)


async def test_a_server_that_only_breaks_connections_ends_the_run() -> None:
    async with far(lambda _: None) as port:
        answers = await Driver(a_load(port, limit=1_000_000)).run()
    assert answers.acknowledged == 0
    assert answers.lost == answers.sent > 0


async def test_a_server_that_is_not_there_ends_the_run() -> None:
    answers = await Driver(a_load(free_port())).run()
    assert (answers.sent, answers.acknowledged) == (0, 0)


async def test_with_a_rate_every_request_of_the_schedule_is_sent() -> None:
    async with far(lambda _: NO_CONTENT) as port:
        answers = await Driver(a_load(port, rate=400.0, seconds=0.1, limit=1_000_000)).run()
    assert (answers.sent, answers.acknowledged) == (40, 40)


async def test_with_a_rate_the_time_counts_from_when_a_request_was_due() -> None:
    # One connection, and 20 requests due within 2 ms, of which each is answered after the one before it: the later
    # ones wait for the connection, and that is part of their latency.
    async with far(lambda _: OK) as port:
        answers = await Driver(a_load(port, connections=1, rate=10_000.0, seconds=0.002, limit=1_000_000)).run()
    assert answers.acknowledged == 20
    assert answers.largest >= answers.seconds * 1e6 - 2000


async def test_messages_are_timed_and_their_signatures_looked_at() -> None:
    def answer(content: bytes) -> bytes:
        posts.append(asyncio.create_task(post(sink.port, content)))
        return OK

    posts: list[asyncio.Task[None]] = []
    with far_end("00c0ffee", None) as sink:
        async with far(answer) as port:
            answers: Answers = await run(a_load(port, limit=5, rate=500.0, timed=True))
        arrived = await asyncio.to_thread(sink.arrived, 5)
    assert (len(arrived.moments), arrived.repeats, arrived.signed) == (5, 0, 0)
    assert all(moment > answers.sent_at[number] for number, moment in arrived.moments.items())


async def post(port: int, content: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST / HTTP/1.1\r\ncontent-length: %d\r\nwebhook-signature: v1,no\r\n\r\n" % len(content) + content)
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    writer.close()
