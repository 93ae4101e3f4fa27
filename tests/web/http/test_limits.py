"""What one sender, and all together, can make the server hold: bounded before it is held, on every path."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from receiver.web.http.limits import MAX_FRAMING, MAX_WAITING, HttpLimits
from support.face import ADMIN, TOKEN
from support.wire import BODY, LIMITS, LOOK, Peer, Wire, a_peer, kept, post

QUICK = msgspec.structs.replace(LIMITS, look_every=0.005)
API = f"POST /api/v1/jobs HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {TOKEN}\r\n"
#: Beginnings without an end, each with what may be sent of it for ever.
ENDLESS_HEADS = {
    "a header's value": (b"GET / HTTP/1.1\r\nhost: a\r\nx: ", b"y" * 1000),
    "a header's name": (b"GET / HTTP/1.1\r\nhost: a\r\n", b"y" * 1000),
    "headers": (b"GET / HTTP/1.1\r\nhost: a\r\n", b"x: y\r\n" * 200),
    "an address": (b"GET /", b"y" * 1000),
    "a webhook's address": (b"POST /in/journey?", b"y" * 1000),
}
CHUNKED = "transfer-encoding: chunked"
ENDLESS_BODIES = {
    "chunks": (b"", b"3e8\r\n" + b"y" * 1000 + b"\r\n"),
    "chunks of one byte": (b"", b"1\r\ny\r\n" * 200),
    "an extension": (b"5;", b"y" * 8000),
    "extensions": (b"", b'1;a="bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"\r\ny\r\n' * 100),
    "a trailer": (b"1\r\ny\r\n0\r\nx: ", b"y" * 8000),
    "trailers": (b"1\r\ny\r\n0\r\n", b"x: y\r\n" * 1000),
}


def problem(wire: Wire) -> tuple[int, str]:
    """Status and code of the last answer, which ends the connection."""
    head, _, body = wire.written.rpartition(b"\r\n\r\n")
    assert b"\r\nconnection: close" in head
    assert b"\r\ncontent-type: application/problem+json\r\n" in head
    said = json.loads(body)
    return said["status"], said["code"]


def flood(wire: Wire, peer: Peer, piece: bytes, most: int) -> int:
    """Sends a piece again and again until that is answered; how much was taken, bytes."""
    sent = 0
    while not wire.written and sent < most:
        peer.protocol.data_received(piece)
        sent += len(piece)
    return sent


@pytest.mark.parametrize(("start", "piece"), ENDLESS_HEADS.values(), ids=ENDLESS_HEADS)
async def test_an_endless_head_is_cut_off_at_32_kb(tmp_path: Path, start: bytes, piece: bytes) -> None:
    async with a_peer(tmp_path) as peer:
        peer.protocol.data_received(start)
        sent = flood(peer.wire, peer, piece, 1_000_000)
        assert problem(peer.wire) == (431, "headers_too_large")
        assert sent < 48 * 1024


@pytest.mark.parametrize(("start", "piece"), ENDLESS_BODIES.values(), ids=ENDLESS_BODIES)
@pytest.mark.parametrize(
    "to", [post("/in/journey", b"", CHUNKED), f"{API}{CHUNKED}\r\n\r\n".encode()], ids=["in", "api"]
)
async def test_an_endless_body_is_cut_off(tmp_path: Path, to: bytes, start: bytes, piece: bytes) -> None:
    async with a_peer(tmp_path) as peer:
        peer.protocol.data_received(to + start)
        sent = flood(peer.wire, peer, piece, 10_000_000)
        assert problem(peer.wire) in [(413, "too_large"), (400, "bad_chunks")]
        assert sent <= MAX_FRAMING + 16_384


@pytest.mark.parametrize("to", [post()[: -len(BODY)], API.encode() + b"content-length: 9\r\n\r\n"], ids=["in", "api"])
async def test_a_body_that_does_not_come_is_given_up(tmp_path: Path, to: bytes) -> None:
    async with a_peer(tmp_path, msgspec.structs.replace(QUICK, body_seconds=0.02)) as peer:
        await peer.send(to, b"{")
        assert problem(peer.wire) == (408, "too_slow")
        assert await kept(peer.face) == []


async def test_a_body_that_is_not_sent_after_all_is_given_up(tmp_path: Path) -> None:
    async with a_peer(tmp_path, msgspec.structs.replace(QUICK, body_seconds=0.02)) as peer:
        peer.protocol.data_received(post("/in/journey", BODY, "expect: 100-continue")[: -len(BODY)])
        await peer.wire.until(lambda wire: wire.closing)
        assert problem(peer.wire) == (408, "too_slow")


@pytest.mark.parametrize("before", [b"", LOOK], ids=["first", "later"])
async def test_half_a_head_is_given_up(tmp_path: Path, before: bytes) -> None:
    async with a_peer(tmp_path, msgspec.structs.replace(QUICK, head_seconds=0.05)) as peer:
        if before:
            await peer.send(before)
        peer.protocol.data_received(b"GET /healthz HTT")
        await peer.wire.until(lambda wire: wire.closing)
        assert problem(peer.wire) == (408, "head_too_slow")


async def test_who_drips_has_no_more_time(tmp_path: Path) -> None:
    async with a_peer(tmp_path, msgspec.structs.replace(QUICK, head_seconds=0.05)) as peer:
        peer.protocol.data_received(b"GET / HTTP/1.1\r\nx: ")
        while not peer.wire.closing:
            peer.protocol.data_received(b"y")
            await asyncio.sleep(0.001)
        assert problem(peer.wire) == (408, "head_too_slow")


async def test_who_says_nothing_is_left(tmp_path: Path) -> None:
    limits = msgspec.structs.replace(QUICK, head_seconds=0.01, keep_alive=0.02)
    async with a_peer(tmp_path, limits) as peer:
        await peer.wire.until(lambda wire: wire.closing)
        assert peer.wire.written == b""
        wire, protocol = peer.another()
        protocol.data_received(LOOK)
        await wire.until(lambda wire: wire.closing)
        assert wire.count() == 1
        protocol.connection_lost(None)


async def test_who_says_nothing_for_a_while_is_kept(tmp_path: Path) -> None:
    async with a_peer(tmp_path, msgspec.structs.replace(QUICK, head_seconds=0.01)) as peer:
        await peer.send(LOOK)
        for _ in range(5):  # looks at what takes too long
            await asyncio.sleep(QUICK.look_every)
        assert (await peer.send(post(), answers=2)).count(b"HTTP/1.1 200 ") == 2


@pytest.mark.parametrize("path", ["/healthz", "/in/nobody", "/api/v1/openapi.json"])
async def test_who_does_not_read_answers_is_given_up(tmp_path: Path, path: str) -> None:
    async with a_peer(tmp_path, msgspec.structs.replace(QUICK, reader_seconds=0.02)) as peer:
        peer.protocol.pause_writing()
        peer.protocol.data_received(f"GET {path} HTTP/1.1\r\nhost: a\r\n\r\n".encode() * 3)
        await peer.wire.until(lambda wire: wire.closing)
        assert peer.wire.written == b""


async def test_a_stream_that_nobody_reads_is_given_up(tmp_path: Path) -> None:
    async with a_peer(tmp_path, msgspec.structs.replace(QUICK, reader_seconds=0.02)) as peer:
        token = "authorization: Bearer an-admin-token-of-some-length"
        peer.protocol.data_received(f"GET /api/v1/stream HTTP/1.1\r\nhost: a\r\n{token}\r\n\r\n".encode())
        await peer.wire.until(lambda wire: b"event-stream" in wire.written)
        peer.protocol.pause_writing()
        await peer.wire.until(lambda wire: wire.closing)


@pytest.mark.parametrize("request_", [LOOK, post("/in/nobody", b""), post()], ids=["look", "nobody", "webhook"])
async def test_requests_that_wait_are_bounded_and_answered_all_the_same(tmp_path: Path, request_: bytes) -> None:
    async with a_peer(tmp_path, msgspec.structs.replace(LIMITS, max_body=100_000)) as peer:
        peer.protocol.data_received(request_ * 2000)
        assert not peer.wire.reading
        assert len(peer.protocol._waiting) <= MAX_WAITING + 8192 // len(request_) + 1
        assert peer.face.app.load.unread >= len(request_) * 1000
        if request_ is not LOOK:
            return  # to answer them all would only take long
        await peer.wire.answers(2000)
        assert peer.wire.count() == 2000
        assert peer.wire.reading


async def test_connections_are_bounded_and_those_without_a_request_make_way(tmp_path: Path) -> None:
    async with a_peer(tmp_path, msgspec.structs.replace(LIMITS, max_connections=3)) as peer:
        await peer.send(LOOK)
        silent, half = peer.another(), peer.another()
        half[1].data_received(b"GET / HTT")
        working = [peer.another() for _ in range(3)]  # each of them makes another one go
        assert [wire.closing for wire in (peer.wire, silent[0], half[0])] == [True] * 3
        for _, protocol in working:
            protocol.data_received(post()[:-1])
        with capture_logs() as lines:
            wire, protocol = peer.another()
        assert problem(wire) == (503, "too_many_connections")
        assert b"\r\nretry-after: " in wire.written
        assert [line["event"] for line in lines] in ([], ["server.full"])
        for one, sent in working:
            sent.data_received(BODY[-1:])
            await one.answers(1)
            assert one.written.startswith(b"HTTP/1.1 200 ")
        for _, sent in [silent, half, *working, (wire, protocol)]:
            sent.connection_lost(None)
        numbers = (await peer.face.client.get("/metrics", headers=ADMIN)).text
        assert 'gridhook_connections_full_total{what="refused"} 1.0' in numbers
        assert 'gridhook_connections_full_total{what="made_way"} 3.0' in numbers


async def test_that_there_is_no_room_is_told(tmp_path: Path) -> None:
    async with a_peer(tmp_path, msgspec.structs.replace(LIMITS, max_connections=1)) as peer:
        with capture_logs() as lines:
            others = [peer.another() for _ in range(5)]
        assert [(line["event"], line["log_level"]) for line in lines] == [("server.full", "warning")]
        for _, protocol in others:
            protocol.connection_lost(None)


@pytest.mark.parametrize("path", ["/in/journey", "/api/v1/jobs"])
async def test_unfinished_bodies_are_bounded_together(tmp_path: Path, path: str) -> None:
    limits = HttpLimits(max_body=1_000_000, max_unread=1_000_000, look_every=0.01)
    async with a_peer(tmp_path, limits) as peer:
        peers = [peer.another() for _ in range(8)]
        for _, protocol in peers:
            protocol.data_received(post(path, b"y" * 200_000, f"authorization: Bearer {TOKEN}")[:-1])
        load = peer.face.app.load
        assert load.unread <= limits.max_unread
        refused = [wire for wire, _ in peers if wire.written]
        assert [problem(wire) for wire in refused] == [(503, "busy")] * 3
        # What is small, and what is here as a whole, gets through all the same.
        peer.protocol.data_received(post()[:-1])
        assert (await peer.send(BODY[-1:])).startswith(b"HTTP/1.1 200 ")
        assert b'what="busy"} 4.0' in (await peer.face.client.get("/metrics", headers=ADMIN)).content
        for _, protocol in peers:
            protocol.connection_lost(None)
        assert load.unread == 0


async def test_small_pieces_push_out_the_largest(tmp_path: Path) -> None:
    limits = HttpLimits(max_body=1_000_000, max_unread=300_000, look_every=0.01)
    async with a_peer(tmp_path, limits) as peer:
        large, small = peer.another(), [peer.another() for _ in range(20)]
        large[1].data_received(post("/in/journey", b"y" * 900_000)[:280_000])
        for _, protocol in small:
            protocol.data_received(post("/in/journey", b"y" * 9000)[:-1])
        assert problem(large[0]) == (503, "busy")
        assert [wire.written for wire, _ in small] == [b""] * 20
        for _, protocol in [large, *small]:
            protocol.connection_lost(None)


async def test_what_comes_after_the_last_answer_is_dropped_up_to_a_bound(tmp_path: Path) -> None:
    limits = msgspec.structs.replace(QUICK, drain_bytes=100_000, quiet_seconds=0.02)
    async with a_peer(tmp_path, limits) as peer:
        for _ in range(2):
            wire, protocol = peer.another()
            protocol.data_received(post("/in/journey", b"", "content-length: 1000000"))
            assert problem(wire) == (413, "too_large")
            assert wire.half_closed
            assert not wire.aborted
            protocol.data_received(b"y" * 90_000)
            assert not wire.aborted
            if _:
                protocol.data_received(b"y" * 20_000)
            await wire.until(lambda wire: wire.aborted)  # too much, or silent for long enough
            protocol.connection_lost(None)


@pytest.mark.parametrize("trailer", [b"authorization: Bearer an-admin-token-of-some-length\r\n", b"host: b\r\n"])
async def test_a_trailer_opens_nothing(tmp_path: Path, trailer: bytes) -> None:
    async with a_peer(tmp_path) as peer:
        request = (
            f"GET /api/v1/jobs HTTP/1.1\r\nhost: a\r\n{CHUNKED}\r\n\r\n1\r\nx\r\n0\r\n".encode() + trailer + b"\r\n"
        )
        assert (await peer.send(request)).startswith(b"HTTP/1.1 401 ")
