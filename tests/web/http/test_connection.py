"""A connection: what its requests are answered, alone, in pieces and one behind the other."""

from __future__ import annotations

import asyncio
import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from receiver.web.http.limits import HttpLimits
from support.face import ADMIN, TOKEN
from support.wire import BODY, DATE, LOOK, MAX_BODY, SECRET, a_peer, kept, post


def chunked(body: bytes, trailers: bytes = b"") -> bytes:
    """A body in two chunks."""
    pieces = (body[:100], body[100:])
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n%b\r\n" % trailers


def without_host(request: bytes) -> bytes:
    return request.replace(b"host: hooks.example.com\r\n", b"", 1)


OFFER = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__")
SOCKET = ("connection: upgrade", "upgrade: websocket", "sec-websocket-key: AAAA", "sec-websocket-version: 13")
CHUNKED = "transfer-encoding: chunked"
#: Requests, the status and code they are answered with, and whether the connection goes on.
ANSWERS: dict[str, tuple[bytes, int, str, bool]] = {
    "a webhook": (post(), 200, "", True),
    "a callback": (post("/in/journey/callback"), 200, "", True),
    "a slash at the end": (post("/in/journey/"), 200, "", True),
    "no secret": (post(secret=None), 401, "not_verified", False),
    "a wrong secret": (post(secret="wrong"), 401, "not_verified", False),
    "a wrong token": (post("/in/journey/0123456789"), 401, "not_verified", False),
    "a secret twice": (post("/in/journey", BODY, f"x-webhook-secret: {SECRET}"), 200, "", True),
    "two secrets": (post("/in/journey", BODY, "x-webhook-secret: other"), 401, "not_verified", False),
    "blanks around a secret": (post(secret=f" \t {SECRET}\t "), 200, "", True),
    "a source that is not there": (post("/in/nobody"), 404, "no_such_source", True),
    "a path too deep": (post("/in/journey/a/b"), 404, "no_such_source", True),
    "no source": (post("/in/"), 404, "no_such_source", True),
    "not JSON": (post(body=b"grid=1"), 400, "not_json", True),
    "an empty body": (post(body=b""), 400, "not_json", True),
    "no length and no body": (post(body=b"").replace(b"content-length", b"x-length"), 400, "not_json", True),
    "a body of the largest size": (post(body=b" " * (MAX_BODY - len(BODY)) + BODY), 200, "", True),
    "a header beyond ASCII": (post("/in/journey", BODY, "user-agent: b\xe4r"), 200, "", True),
    "the last request": (post("/in/journey", BODY, "connection: close"), 200, "", False),
    "a body too large": (post(body=b" " * MAX_BODY + BODY), 413, "too_large", False),
    "a body too large, and forged": (post(body=b" " * MAX_BODY + BODY, secret=""), 401, "not_verified", False),
    "a length beyond all bounds": (
        post("/in/journey", BODY, "content-length: 99999999999999"),
        413,
        "too_large",
        False,
    ),
    "a length no number holds": (post("/in/journey", BODY, f"content-length: {'9' * 99}"), 400, "bad_request", False),
    "a length that is none": (post("/in/journey", BODY, "content-length: 1_0"), 400, "bad_request", False),
    "two lengths": (post("/in/journey", BODY, "content-length: 9", "content-length: 8"), 400, "bad_request", False),
    "a length and chunks": (post("/in/journey", b"", CHUNKED, "content-length: 9"), 400, "bad_request", False),
    "chunks": (post("/in/journey", chunked(BODY), CHUNKED), 200, "", True),
    "chunks too large": (post("/in/journey", chunked(BODY * 9), CHUNKED), 413, "too_large", False),
    "chunks that are zipped": (post("/in/journey", b"", "transfer-encoding: gzip, chunked"), 400, "bad_request", False),
    "chunks of no size": (post("/in/journey", b"x\r\n", CHUNKED), 400, "bad_request", False),
    "a trailer": (post("/in/journey", chunked(BODY, b"x-webhook-secret: x\r\n"), CHUNKED), 200, "", True),
    "a secret in a trailer": (
        post("/in/journey", chunked(BODY, f"x-webhook-secret: {SECRET}\r\n".encode()), CHUNKED, secret=None),
        401,
        "not_verified",
        False,
    ),
    "a path beyond ASCII": (post("/in/journ\xe4y"), 400, "bad_request", False),
    "a GET": (b"GET /in/journey HTTP/1.1\r\nhost: a\r\n\r\n", 405, "method_not_allowed", True),
    "a PUT": (post().replace(b"POST", b"PUT", 1), 405, "method_not_allowed", True),
    "HTTP/1.0": (post().replace(b"HTTP/1.1", b"HTTP/1.0", 1), 200, "", False),
    "HTTP/1.0 without a host": (without_host(post().replace(b"HTTP/1.1", b"HTTP/1.0", 1)), 200, "", False),
    "HTTP/1.0 in chunks": (
        post("/in/journey", chunked(BODY), CHUNKED).replace(b"/1.1", b"/1.0", 1),
        400,
        "bad_request",
        False,
    ),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "bad_request", False),
    "HTTP/2 in the words of HTTP/1": (post().replace(b"/1.1", b"/2.0", 1), 400, "bad_request", False),
    "a query": (post("/in/journey?a=b"), 200, "", True),
    "an escaped path": (post("/in/jou%72ney"), 200, "", True),
    "an absolute address": (post("http://hooks.example.com/in/journey"), 200, "", True),
    "an address that is none": (post("http://:a/in/journey"), 400, "bad_request", False),
    "everything": (b"OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n", 404, "not_found", True),
    "no host": (without_host(post()), 400, "bad_host", False),
    "two hosts": (post("/in/journey", BODY, "host: hooks.example.com"), 400, "bad_host", False),
    "two hosts in one": (post().replace(b"hooks.example.com", b"a.example.com, b"), 400, "bad_host", False),
    "a host that is none": (post().replace(b"hooks.example.com", b"a/b"), 400, "bad_host", False),
    "a tunnel": (b"CONNECT a.example.com:443 HTTP/1.1\r\nhost: a.example.com:443\r\n\r\nab", 400, "bad_request", False),
    "headers too large": (
        post("/in/journey", BODY, *(f"x-{number}: {'y' * 4000}" for number in range(9))),
        431,
        "headers_too_large",
        False,
    ),
    "headers of the largest size": (
        post("/in/journey", BODY, *(f"x-{n}: {'y' * 3900}" for n in range(8))),
        200,
        "",
        True,
    ),
    "too many headers": (
        post("/in/journey", BODY, *(f"x-{n}: y" for n in range(130))),
        431,
        "headers_too_large",
        False,
    ),
    "an address too long": (post(f"/in/journey?{'a' * 33_000}"), 431, "headers_too_large", False),
    "folded headers": (post("/in/journey", BODY, "x-long: a\r\n b"), 400, "bad_request", False),
    "a blank before a colon": (post("/in/journey", BODY, "x-odd : a"), 400, "bad_request", False),
    "bare line feeds": (post().replace(b"\r\n", b"\n"), 400, "bad_request", False),
    "an offer": (post("/in/journey", BODY, *OFFER), 200, "", True),
    "an offer of sockets": (post("/in/journey", BODY, *SOCKET), 200, "", True),
    "an offer and the end": (post("/in/journey", BODY, "upgrade: h2c", "connection: Upgrade, close"), 200, "", False),
    "no webhook": (LOOK, 200, "", True),
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400, "bad_request", False),
}
SEVERAL = {
    "two webhooks": [post(), post(body=b"{}")],
    "a webhook and a look": [post(), LOOK],
    "a look and a webhook": [LOOK, post()],
    "a webhook and its repeats": [post(), post(), post()],
    "an unknown source between webhooks": [post(), post("/in/nobody"), post(body=b"[]")],
    "a webhook and nonsense": [post(), b"nonsense\r\n\r\n"],
    "a webhook and one too large": [post(), post(body=b" " * 9999)],
}


@pytest.mark.parametrize("case", ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize("step", [10**9, 1000])
async def test_a_request_is_answered(tmp_path: Path, case: tuple[bytes, int, str, bool], step: int) -> None:
    request, status, code, goes_on = case
    async with a_peer(tmp_path) as peer:
        written = await peer.send(*(request[at : at + step] for at in range(0, len(request), step)))
        head, _, body = written.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 %d " % status), written
        assert DATE[1] in head
        if code:
            said = json.loads(body)
            assert (said["status"], said["code"]) == (status, code)
            assert b"content-type: application/problem+json" in head
        assert (b"\r\nconnection: close" in head) is (not goes_on) is peer.wire.closing
        if goes_on:
            assert (await peer.send(LOOK, answers=2)).count(b"HTTP/1.1 200 ") == (2 if status == 200 else 1)
        genuine = (status == 200 and b"/in/" in request) or code == "not_json"
        assert len(await kept(peer.face)) == genuine


@pytest.mark.parametrize("path", ["/healthz", "/in/journey"])
async def test_the_answer_to_head_has_no_body(tmp_path: Path, path: str) -> None:
    async with a_peer(tmp_path) as peer:
        written = await peer.send(b"HEAD %b HTTP/1.1\r\nhost: a\r\n\r\n" % path.encode())
        assert re.search(rb"\r\ncontent-length: [1-9]\d*\r\n", written)
        assert written.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("requests", SEVERAL.values(), ids=SEVERAL)
async def test_requests_in_one_piece_are_answered_in_turn(tmp_path: Path, requests: list[bytes]) -> None:
    alone = []
    for number, request in enumerate(requests):
        (folder := tmp_path / str(number)).mkdir()
        async with a_peer(folder) as peer:
            alone.append((await peer.send(request))[:13])
    async with a_peer(tmp_path) as peer:
        written = await peer.send(b"".join(requests), answers=len(requests))
        assert re.findall(rb"HTTP/1\.1 \d{3} ", written) == alone


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


async def test_however_many_requests_come_at_once_each_is_answered(tmp_path: Path) -> None:
    async with a_peer(tmp_path) as peer:
        await peer.send(post("/in/nobody", b"", *OFFER) * 300 + LOOK * 300, answers=600)
        assert peer.wire.count() == 600


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(1, len(post()) * 2 - 1), max_size=6))
async def test_a_webhook_in_pieces_is_put_together(tmp_path_factory: pytest.TempPathFactory, cuts: list[int]) -> None:
    both = post() + post()
    marks = [0, *sorted(cuts), len(both)]
    async with a_peer(tmp_path_factory.mktemp("pieces")) as peer:
        await peer.send(*(both[a:b] for a, b in pairwise(marks) if a < b), answers=2)
        assert peer.wire.count() == 2
        assert [one.body for one in await kept(peer.face)] == [BODY, BODY]


async def test_who_waits_to_be_told_to_go_on_is_told_so(tmp_path: Path) -> None:
    request = post("/in/journey", BODY, "expect: 100-continue")
    async with a_peer(tmp_path) as peer:
        peer.protocol.data_received(request[: -len(BODY)])
        assert peer.wire.written == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert b"HTTP/1.1 200 " in await peer.send(request[-len(BODY) :])


async def test_who_would_be_refused_anyway_is_not_told_to_go_on(tmp_path: Path) -> None:
    async with a_peer(tmp_path) as peer:
        for more, status in ({"secret": "wrong"}, 401), ({"body": b" " * 5000}, 413), ({"path": "/in/nobody"}, 404):
            wire, protocol = peer.another()
            request = post(**{"path": "/in/journey", "body": BODY, **more})  # type: ignore[arg-type]
            head = request.partition(b"\r\n\r\n")[0] + b"\r\nexpect: 100-continue\r\n\r\n"
            protocol.data_received(head)
            await wire.answers(1)
            assert wire.written.startswith(b"HTTP/1.1 %d " % status)
            protocol.connection_lost(None)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("POST /api/v1/jobs", 401),
        ("POST /api/v1/jobs?x=1", 401),
        ("POST /api/v1/%6aobs", 401),
        ("POST /api/v1/nothing", 401),
        ("GET /api/v1/costs", 401),
        (f"POST /api/v1/jobs|authorization: Bearer {TOKEN}x", 401),
        (f"POST /api/v1/jobs|authorization: Bearer {TOKEN}|authorization: Bearer x", 401),
        (f"POST /api/v1/jobs|Authorization: bearer  {TOKEN}", 100),
        ("POST /api/v1/openapi.json", 100),
        ("POST /healthz", 100),
    ],
)
@pytest.mark.parametrize("size", ["1999", "99999"])
async def test_the_api_asks_for_the_token_before_the_body(tmp_path: Path, head: str, status: int, size: str) -> None:
    first, *more = head.split("|")
    lines = [f"{first} HTTP/1.1", "host: a", *more, "expect: 100-continue", f"content-length: {size}", "", ""]
    async with a_peer(tmp_path) as peer:
        peer.protocol.data_received("\r\n".join(lines).encode())
        await peer.wire.until(lambda wire: bool(wire.written))
        wanted = status if size == "1999" or status == 401 else 413
        assert peer.wire.written.startswith(b"HTTP/1.1 %d " % wanted)
        if wanted == 401:
            assert b"www-authenticate: Bearer" in peer.wire.written
            await peer.wire.until(lambda wire: wire.closing)
        assert peer.face.app.load.unread <= 1000


async def test_who_hangs_up_in_the_middle_is_not_taken(tmp_path: Path) -> None:
    async with a_peer(tmp_path) as peer:
        peer.protocol.data_received(post()[:-10])
        await peer.end()
        assert await kept(peer.face) == []
        assert 'outcome="cut_short"' in (await peer.face.client.get("/metrics", headers=ADMIN)).text


async def test_who_hangs_up_before_the_answer_is_kept_all_the_same(tmp_path: Path) -> None:
    async with a_peer(tmp_path) as peer:
        peer.protocol.data_received(post() + post(body=b"{}"))
        await peer.end()
        assert [one.body for one in await kept(peer.face)] == [BODY, b"{}"]
        assert peer.wire.written == b""


async def test_who_says_that_it_sends_nothing_more_is_answered(tmp_path: Path) -> None:
    async with a_peer(tmp_path) as peer:
        peer.protocol.data_received(post() + post(body=b"{}") + LOOK)
        assert peer.protocol.eof_received()
        await peer.wire.until(lambda wire: wire.closing)
        assert peer.wire.written.count(b"HTTP/1.1 200 ") == 3


async def test_who_sends_nothing_more_in_the_middle_is_told_so(tmp_path: Path) -> None:
    async with a_peer(tmp_path) as peer:
        for cut in (-10, 30):
            wire, protocol = peer.another()
            protocol.data_received(post()[:cut])
            assert not protocol.eof_received() or not wire.closing
            await wire.answers(1)
            assert b'"cut_short"' in wire.written
            protocol.connection_lost(None)
        assert await kept(peer.face) == []


async def test_at_the_end_of_the_server_what_is_at_work_is_answered_first(tmp_path: Path) -> None:
    async with a_peer(tmp_path) as peer:
        peer.protocol.data_received(post())
        peer.protocol.shutdown()
        assert not peer.wire.closing
        await peer.wire.until(lambda wire: wire.closing)
        assert peer.wire.written.startswith(b"HTTP/1.1 200 ")
        assert b"\r\nconnection: close\r\n" in peer.wire.written


async def test_at_the_end_of_the_server_a_slow_webhook_has_a_little_time(tmp_path: Path) -> None:
    async with a_peer(tmp_path) as peer:
        peer.protocol.data_received(post()[:-10])
        peer.protocol.shutdown()
        assert (await peer.send(post()[-10:])).startswith(b"HTTP/1.1 200 ")
        assert peer.wire.closing


@pytest.mark.parametrize("sent", [post()[:-10], post()[:20]], ids=["half a body", "half a head"])
async def test_at_the_end_of_the_server_a_half_sent_webhook_is_to_come_again(tmp_path: Path, sent: bytes) -> None:
    async with a_peer(tmp_path, HttpLimits(stop_seconds=0.01, look_every=0.01)) as peer:
        peer.protocol.data_received(sent)
        peer.protocol.shutdown()
        await peer.wire.answers(1)
        head, _, body = peer.wire.written.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nretry-after: " in head
        assert json.loads(body)["code"] == "stopping"


async def test_what_is_cut_off_at_the_end_of_the_server_is_to_come_again(tmp_path: Path) -> None:
    async with a_peer(tmp_path) as peer:
        peer.protocol.data_received(post())
        await asyncio.sleep(0)
        for task in peer.state.tasks:
            task.cancel()
        await peer.wire.answers(1)
        assert peer.wire.written.startswith(b"HTTP/1.1 503 ")
        assert b'"stopping"' in peer.wire.written


async def test_who_does_not_read_answers_waits(tmp_path: Path) -> None:
    async with a_peer(tmp_path) as peer:
        peer.protocol.pause_writing()
        peer.protocol.data_received(post())
        await peer.face.store.write(lambda tx: None)
        assert peer.wire.written == b""
        peer.protocol.resume_writing()
        await peer.wire.answers(1)
        assert peer.wire.written.startswith(b"HTTP/1.1 200 ")
