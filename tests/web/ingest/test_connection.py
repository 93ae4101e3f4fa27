"""Connections: whichever way a request goes, straight to the intake or through ASGI, its sender sees the same."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from receiver.config import ServerSettings
from receiver.contracts import Filters, KeptRequest
from receiver.web.ingest import bodies, connection
from receiver.web.ingest.connection import Connection
from receiver.web.ingest.endpoint import Ingest
from receiver.web.server import server_config
from support.face import GRID, Face, a_face

BODY = json.dumps(GRID).encode()
MAX_BODY = 2000
SECRET = "hook-secret"
DATE = (b"date", b"Sat, 21 Nov 2026 10:00:00 GMT")


class Wire(asyncio.Transport):
    """The other end of a connection: what was written to it, and whether it was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closing = False
        self.reading = True
        self.changed = asyncio.Event()
        #: How many whole answers were seen, and where the next one begins.
        self._counted = 0
        self._counted_to = 0

    def write(self, data: Any) -> None:
        self.written += bytes(data)
        self.changed.set()

    def close(self) -> None:
        self.closing = True
        self.changed.set()

    def is_closing(self) -> bool:
        return self.closing

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    async def until(self, is_so: Callable[[Wire], bool]) -> None:
        """Waits for what is to happen at the other end."""
        async with asyncio.timeout(10):
            while not is_so(self):
                self.changed.clear()
                await self.changed.wait()

    async def answers(self, number: int) -> None:
        """Waits for so many answers that are whole, or for the end."""
        await self.until(lambda wire: wire.closing or wire.count() >= number)

    def count(self) -> int:
        """How many answers are here as a whole."""
        while head := re.compile(rb"HTTP/1.1 (\d+) .*?\r\n\r\n", re.DOTALL).match(self.written, self._counted_to):
            length = re.search(rb"content-length: (\d+)", head[0])
            self._counted_to = head.end() + (int(length[1]) if length else 0)
            self._counted += head[1] != b"100"
        return self._counted


class Peer:
    """A connection to a face, of ours or as uvicorn has it."""

    def __init__(self, face: Face, kind: type[HttpToolsProtocol]) -> None:
        config = server_config(face.app, ServerSettings(max_body=MAX_BODY))
        config.load()
        self.face = face
        self.state = ServerState()
        self.state.default_headers = [DATE]
        self.protocol = kind(config=config, server_state=self.state, app_state={})
        self.wire = Wire()
        self.protocol.connection_made(self.wire)

    async def send(self, *pieces: bytes, answers: int = 1) -> bytes:
        """What comes back for bytes that arrive in these pieces."""
        for piece in pieces:
            if not self.wire.closing:
                self.protocol.data_received(piece)
                await asyncio.sleep(0)
        await self.wire.answers(answers)
        return self.wire.written

    async def end(self) -> None:
        """Hangs up, and lets what is at work end."""
        self.protocol.connection_lost(None)
        await asyncio.gather(*self.state.tasks)


async def kept(face: Face) -> list[KeptRequest]:
    """All requests, oldest first."""
    return [*await face.store.read(lambda tx: tx.requests(Filters(limit=500)))][::-1]


@asynccontextmanager
async def a_peer(folder: Path, kind: type[HttpToolsProtocol] = Connection) -> AsyncIterator[Peer]:
    """A connection to a face of its own."""
    async with a_face(folder, max_body=MAX_BODY) as face:
        peer = Peer(face, kind)
        yield peer
        await peer.end()


def subfolder(folder: Path, name: str) -> Path:
    """A new folder."""
    made = folder / name
    made.mkdir()
    return made


def post(path: str = "/in/journey", body: bytes = BODY, *more: str, secret: str | None = SECRET) -> bytes:
    """A webhook as it comes over the wire."""
    lines = [f"POST {path} HTTP/1.1", "host: hooks.example.com", *more]
    if secret is not None:
        lines.append(f"X-Webhook-Secret: {secret}")
    if not any(line.lower().startswith(("content-length", "transfer-encoding")) for line in more):
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def chunked(body: bytes) -> bytes:
    """A body in two chunks."""
    pieces = (body[:100], body[100:])
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def plain(written: bytes) -> bytes:
    """Answers without what is never the same twice."""
    return re.sub(rb"req_\w+", b"req_", written)


OFFER = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__")
SOCKET = ("connection: upgrade", "upgrade: websocket", "sec-websocket-key: AAAA", "sec-websocket-version: 13")
USUAL = {
    "a webhook": post(),
    "a callback": post("/in/journey/callback"),
    "a slash at the end": post("/in/journey/"),
    "no secret": post(secret=None),
    "a wrong secret": post(secret="wrong"),
    "a wrong token": post("/in/journey/0123456789"),
    "a source that is not there": post("/in/nobody"),
    "a path too deep": post("/in/journey/a/b"),
    "no source": post("/in/"),
    "not JSON": post(body=b"grid=1"),
    "an empty body": post(body=b""),
    "no length and no body": post(body=b"").replace(b"content-length", b"x-length"),
    "a body of the largest size": post(body=b" " * (MAX_BODY - len(BODY)) + BODY),
    "a header twice": post("/in/journey", BODY, "x-webhook-secret: other"),
    "a header beyond ASCII": post("/in/journey", BODY, "user-agent: b\xe4r"),
    "headers too large": post("/in/journey", BODY, *(f"x-{number}: {'y' * 4000}" for number in range(9))),
    "the last request": post("/in/journey", BODY, "connection: close"),
}
UNUSUAL = {
    "a body too large": post(body=b" " * MAX_BODY + BODY),
    "a length beyond all bounds": post("/in/journey", BODY, "content-length: 99999999999999999"),
    "a path beyond ASCII": post("/in/journ\xe4y"),
    "a length that is none": post("/in/journey", BODY, "content-length: 1_0"),
    "chunks": post("/in/journey", chunked(BODY), "transfer-encoding: chunked"),
    "chunks too large": post("/in/journey", chunked(BODY * 9), "transfer-encoding: chunked"),
    "a GET": b"GET /in/journey HTTP/1.1\r\nhost: a\r\n\r\n",
    "a PUT": post().replace(b"POST", b"PUT", 1),
    "HTTP/1.0": post().replace(b"HTTP/1.1", b"HTTP/1.0", 1),
    "HTTP/1.0 that would stay": post("/in/journey", BODY, "connection: keep-alive").replace(b"/1.1", b"/1.0", 1),
    "a query": post("/in/journey?a=b"),
    "an escaped path": post("/in/jou%72ney"),
    "an absolute address": post("http://hooks.example.com/in/journey"),
    "who waits to be told to go on": post("/in/journey", BODY, "expect: 100-continue"),
    "no webhook": b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n",
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
}
SEVERAL = {
    "two webhooks": [post(), post(body=b"{}")],
    "a webhook and a look": [post(), b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n"],
    "a look and a webhook": [b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n", post()],
    "a webhook and its repeats": [post(), post(), post()],
    "a forgery between webhooks": [post(), post(secret="wrong"), post(body=b"[]")],
}


@pytest.mark.parametrize("request_", [*USUAL.values(), *UNUSUAL.values()], ids=[*USUAL, *UNUSUAL])
async def test_a_request_is_answered_as_through_asgi(tmp_path: Path, request_: bytes) -> None:
    seen = []
    for kind in (Connection, HttpToolsProtocol):
        async with a_peer(subfolder(tmp_path, kind.__name__), kind) as peer:
            written = await peer.send(request_)
            assert written
            requests = [(one.headers, one.body, one.state, one.proof) for one in await kept(peer.face)]
            seen.append((plain(written), peer.wire.closing, requests))
    assert seen[0] == seen[1]


@pytest.mark.parametrize("requests", SEVERAL.values(), ids=SEVERAL)
async def test_requests_in_one_piece_are_answered_in_turn_as_through_asgi(
    tmp_path: Path, requests: list[bytes]
) -> None:
    seen = []
    for kind in (Connection, HttpToolsProtocol):
        async with a_peer(subfolder(tmp_path, kind.__name__), kind) as peer:
            written = await peer.send(b"".join(requests), answers=len(requests))
            assert peer.wire.count() == len(requests)
            seen.append((plain(written), peer.wire.closing, [one.body for one in await kept(peer.face)]))
    assert seen[0] == seen[1]


async def called_through_asgi(*_: Any) -> None:
    raise AssertionError("a webhook that is here goes straight to the intake")


@pytest.mark.parametrize("request_", USUAL.values(), ids=USUAL)
async def test_a_webhook_that_is_here_goes_straight_to_the_intake(
    tmp_path: Path, request_: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_peer(tmp_path) as peer:
        monkeypatch.setattr(Ingest, "__call__", called_through_asgi)
        for number in (1, 2) if b"connection: close" not in request_ else (1,):
            await peer.send(request_, answers=number)
            assert peer.state.total_requests == number
        assert b"HTTP/1.1 500 " not in peer.wire.written


@pytest.mark.parametrize("offer", [OFFER, SOCKET], ids=["HTTP/2", "websocket"])
@pytest.mark.parametrize("step", [1, 7, 1000])
async def test_an_offer_of_another_protocol_loses_nothing(tmp_path: Path, offer: tuple[str, ...], step: int) -> None:
    look = "\r\n".join(["GET /healthz HTTP/1.1", "host: a", *offer, "", ""]).encode()
    sent = post("/in/journey", BODY, *offer) + look + post(body=b"{}")
    async with a_peer(tmp_path) as peer:
        await peer.send(*(sent[at : at + step] for at in range(0, len(sent), step)), answers=3)
        assert peer.wire.count() == 3
        assert peer.wire.written.count(b"HTTP/1.1 200 ") == 3
        assert [one.body for one in await kept(peer.face)] == [BODY, b"{}"]


async def test_however_many_offers_come_at_once_each_is_answered(tmp_path: Path) -> None:
    async with a_peer(tmp_path) as peer:
        await peer.send(post("/in/nobody", b"", *OFFER) * 2000, answers=2000)
        assert peer.wire.count() == 2000


async def test_nobody_is_connected_to_elsewhere(tmp_path: Path) -> None:
    async with a_peer(tmp_path) as peer:
        written = await peer.send(b"CONNECT example.com:443 HTTP/1.1\r\nhost: example.com:443\r\n\r\nabc")
        assert written.startswith(b"HTTP/1.1 400 ")
        assert peer.wire.closing


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(1, len(post()) * 2 - 1), max_size=6))
async def test_a_webhook_in_pieces_is_put_together(tmp_path_factory: pytest.TempPathFactory, cuts: list[int]) -> None:
    both = post() + post()
    marks = [0, *sorted(cuts), len(both)]
    async with a_peer(tmp_path_factory.mktemp("pieces")) as peer:
        await peer.send(*(both[a:b] for a, b in pairwise(marks) if a < b), answers=2)
        assert peer.wire.count() == 2
        assert [one.body for one in await kept(peer.face)] == [BODY, BODY]


async def test_a_body_that_does_not_come_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PATIENCE", 0.01)
    async with a_peer(tmp_path) as peer:
        peer.face.app.ingest._bodies = bodies.Bodies(MAX_BODY, 0.01)  # type: ignore[attr-defined]
        written = await peer.send(post()[:-10])
        await peer.wire.until(lambda wire: wire.closing)
        assert written.startswith(b"HTTP/1.1 408 ")
        assert await kept(peer.face) == []


async def test_a_body_that_takes_its_time_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PATIENCE", 0)
    async with a_peer(tmp_path) as peer:
        peer.protocol.data_received(post()[:-10])
        await asyncio.sleep(0.001)
        assert peer.state.tasks  # it goes the ASGI way now
        assert (await peer.send(post()[-10:])).startswith(b"HTTP/1.1 200 ")
        assert [one.body for one in await kept(peer.face)] == [BODY]


async def test_patience_is_for_one_body_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PATIENCE", 0.01)
    async with a_peer(tmp_path) as peer:
        await peer.send(post()[:-10], post()[-10:-5], post()[-5:])
        await asyncio.sleep(0.02)
        assert not peer.state.tasks
        assert peer.wire.count() == 1
        peer.protocol.data_received(post()[:-10])
        await asyncio.sleep(0.02)
        assert peer.state.tasks


async def test_who_hangs_up_in_the_middle_is_not_taken(tmp_path: Path) -> None:
    async with a_peer(tmp_path) as peer:
        peer.protocol.data_received(post()[:-10])
        await peer.end()
        assert await kept(peer.face) == []
        assert 'outcome="cut_short"' in (await peer.face.client.get("/metrics")).text


async def test_who_hangs_up_before_the_answer_is_kept_all_the_same(tmp_path: Path) -> None:
    async with a_peer(tmp_path) as peer:
        peer.protocol.data_received(post())
        peer.wire.close()
        await peer.end()
        await peer.face.store.write(lambda tx: None)
        assert [one.body for one in await kept(peer.face)] == [BODY]
        assert peer.wire.written == b""


async def test_at_the_end_of_the_server_what_is_at_work_is_answered_first(tmp_path: Path) -> None:
    async with a_peer(tmp_path) as peer:
        peer.protocol.data_received(post())
        peer.protocol.shutdown()
        assert not peer.wire.closing
        await peer.wire.until(lambda wire: wire.closing)
        assert peer.wire.written.startswith(b"HTTP/1.1 200 ")
        assert b"\r\nconnection: close\r\n" in peer.wire.written


async def test_at_the_end_of_the_server_a_slow_webhook_is_answered_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "PATIENCE", 0)
    async with a_peer(tmp_path) as peer:
        peer.protocol.data_received(post()[:-10])
        peer.protocol.shutdown()
        await asyncio.sleep(0.001)
        assert peer.state.tasks
        assert (await peer.send(post()[-10:])).startswith(b"HTTP/1.1 200 ")
        await peer.wire.until(lambda wire: wire.closing)


async def test_who_does_not_read_answers_waits(tmp_path: Path) -> None:
    async with a_peer(tmp_path) as peer:
        peer.protocol.pause_writing()
        peer.protocol.data_received(post())
        await peer.face.store.write(lambda tx: None)
        assert peer.wire.written == b""
        peer.protocol.resume_writing()
        await peer.wire.answers(1)
        assert peer.wire.written.startswith(b"HTTP/1.1 200 ")
