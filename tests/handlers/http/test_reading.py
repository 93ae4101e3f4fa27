"""Answers as they come off a connection: what is one, what is none, and what is too much."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.http.bodies import Unreadable
from handlers.http.reading import MAX_HEAD, AnswerReader
from receiver.contracts import Answer

OK = b"HTTP/1.1 200 OK\r\n"
LIMIT = 100_000


def gzipped(body: bytes) -> bytes:
    """The same bytes at whatever time."""
    return gzip.compress(body, mtime=0)


def read(data: bytes, *, at_once: int = 1 << 30, ends: bool = False) -> AnswerReader:
    """A reader that was fed this in pieces of so many bytes, as far as the answer goes."""
    reader = AnswerReader(LIMIT)
    for start in range(0, len(data), at_once):
        reader.feed(data[start : start + at_once])
    if ends:
        reader.end()
    return reader


def answered(data: bytes, *, at_once: int = 1 << 30, ends: bool = False) -> Answer:
    reader = read(data, at_once=at_once, ends=ends)
    assert reader.complete
    return reader.answer()


def chunked(*pieces: bytes) -> bytes:
    whole = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (*pieces, b""))
    return OK + b"transfer-encoding: chunked\r\n\r\n" + whole


def encoded(body: bytes, encoding: str) -> bytes:
    return OK + b"content-encoding: %s\r\ncontent-length: %d\r\n\r\n" % (encoding.encode(), len(body)) + body


# --- what is an answer


@pytest.mark.parametrize("at_once", [1, 7, 1 << 30])
@pytest.mark.parametrize(
    ("said", "status", "body", "reusable"),
    [
        (OK + b"content-length: 2\r\n\r\nok", 200, b"ok", True),
        (OK + b"Content-Length: 0\r\n\r\n", 200, b"", True),
        (OK + b"content-length: 2\r\nconnection: close\r\n\r\nok", 200, b"ok", False),
        (b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok", 200, b"ok", False),
        (b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nok", 200, b"ok", True),
        (chunked(b"o", b"k"), 200, b"ok", True),
        (chunked()[:-2] + b"x-trailer: 1\r\n\r\n", 200, b"", True),
        (b"HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n", 204, b"", True),
        (b"HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n", 304, b"", True),
        (b"HTTP/1.1 503\r\ncontent-length: 0\r\n\r\n", 503, b"", True),
        (b"\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", 200, b"", True),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 3 + OK + b"content-length: 2\r\n\r\nok", 200, b"ok", True),
        (b"HTTP/1.1 103 Early\r\ncontent-length: 9\r\n\r\n" + OK + b"content-length: 2\r\n\r\nok", 200, b"ok", True),
    ],
)
def test_an_answer_is_the_same_in_whatever_pieces_it_comes(
    said: bytes, status: int, body: bytes, reusable: bool, at_once: int
) -> None:
    reader = read(said, at_once=at_once)
    assert reader.complete
    answer = reader.answer()
    assert (answer.status, answer.body, reader.reusable) == (status, body, reusable)


def test_what_an_answer_before_the_answer_says_is_no_part_of_it() -> None:
    said = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + OK + b"x: 1\r\nX: 2\r\ncontent-length: 0\r\n\r\n"
    assert answered(said).headers == {"x": "1, 2", "content-length": "0"}


def test_an_answer_without_a_length_ends_with_its_connection_and_is_the_last_one() -> None:
    said = OK + b"x: 1\r\n\r\nall there is"
    reader = read(said)
    assert not reader.complete
    reader.end()
    assert (reader.answer().body, reader.reusable) == (b"all there is", False)


def test_one_answer_follows_another() -> None:
    reader = AnswerReader(LIMIT)
    for body in (b"one", b"two"):
        reader.expect()
        assert reader.silent
        reader.feed(OK + b"content-length: 3\r\n\r\n" + body)
        assert (reader.complete, reader.silent, reader.answer().body) == (True, False, body)


@pytest.mark.parametrize("more", [OK + b"content-length: 6\r\n\r\nforged", b"rubbish", OK, b"H"])
def test_what_comes_behind_an_answer_is_none_of_it_and_ends_the_connection(more: bytes) -> None:
    reader = read(OK + b"content-length: 2\r\n\r\nok" + more)
    answer = reader.answer()
    assert (answer.status, answer.body, answer.headers) == (200, b"ok", {"content-length": "2"})
    assert not reader.reusable


# --- what is none


@pytest.mark.parametrize(
    "said",
    [
        b"220 mail.example.com ESMTP\r\n",
        b"ICY 200 OK\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/0.9 200 OK\r\n\r\nx",
        b"HTTP/1.1 99 Odd\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 1000 Odd\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        OK + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        OK + b"transfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n0\r\n\r\n",
        OK + b"content-length: 2\r\ncontent-length: 3\r\n\r\nok",
        OK + b"content-length: 2\r\ncontent-length: 2\r\n\r\nok",
        OK + b"content-length: 2, 2\r\n\r\nok",
        OK + b"content-length: -2\r\n\r\nok",
        OK + b"content-length: +2\r\n\r\nok",
        OK + b"content-length: 0x2\r\n\r\nok",
        OK + b"content-length:\r\n\r\n",
        OK + b"content-length : 2\r\n\r\nok",
        OK + b"content-length: 99999999999999999999999\r\n\r\nok",
        OK + b"transfer-encoding: gzip\r\n\r\nok",
        OK + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        OK + b"transfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
        OK + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        OK + b"transfer-encoding: chunked\r\n\r\nzz\r\n",
        OK + b"transfer-encoding: chunked\r\n\r\n2\r\nokX0\r\n\r\n",
        OK + b"transfer-encoding: chunked\r\n\r\n2\nok\n0\n\n",
        OK + b"transfer-encoding: chunked\r\n\r\n-1\r\nok\r\n0\r\n\r\n",
        OK + b"transfer-encoding: chunked\r\n\r\nfffffffffffffffffffff\r\nok\r\n",
        OK + b"x: one\r\n two\r\ncontent-length: 0\r\n\r\n",
        OK + b"x: one\ny: two\r\ncontent-length: 0\r\n\r\n",
        OK + b"x: one\rcontent-length: 2\r\n\r\nok",
        OK + b"x: nul\0\r\ncontent-length: 0\r\n\r\n",
        OK + b"no name\r\ncontent-length: 0\r\n\r\n",
        OK + b": no name\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\ncontent-length: 0\n\n",
    ],
)
@pytest.mark.parametrize("at_once", [1, 1 << 30])
def test_what_two_programs_may_read_in_two_ways_is_no_answer(said: bytes, at_once: int) -> None:
    with pytest.raises(Unreadable):
        read(said, at_once=at_once, ends=True)


@given(st.binary(max_size=400), st.integers(1, 50))
def test_no_bytes_break_it(noise: bytes, at_once: int) -> None:
    for said in (noise, OK + noise, OK + b"transfer-encoding: chunked\r\n\r\n" + noise):
        try:
            reader = read(said, at_once=at_once, ends=True)
        except Unreadable:
            continue
        assert reader.complete
        assert 200 <= reader.answer().status <= 999


# --- what is too much


ENDLESS = {
    "a header": (OK + b"x: ", b"y"),
    "headers": (OK, b"x: y\r\n"),
    "a header's name": (OK, b"y"),
    "a status": (b"HTTP/1.1 200 ", b"y"),
    "blank lines": (b"", b"\r\n"),
    "informational answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "early hints": (b"", b"HTTP/1.1 103 Early\r\nlink: </a>\r\n\r\n"),
    "marks of a chunk": (OK + b"transfer-encoding: chunked\r\n\r\n1;", b"y"),
    "zeros of a chunk": (OK + b"transfer-encoding: chunked\r\n\r\n", b"0"),
    "trailers": (chunked(b"ok")[:-2], b"x: y\r\n"),
    "a trailer": (chunked(b"ok")[:-2] + b"x: ", b"y"),
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_what_never_ends_is_not_held(kind: str) -> None:
    begun, more = ENDLESS[kind]
    piece = more * (1000 // len(more))
    reader = AnswerReader(LIMIT)
    reader.feed(begun)
    came = 0
    with pytest.raises(Unreadable):  # noqa: PT012 - that it comes to an end is what is tested
        while came < 10 * MAX_HEAD:
            reader.feed(piece)
            came += len(piece)
    assert came <= MAX_HEAD + 2000


@pytest.mark.parametrize("head", [b"x: " + b"y" * MAX_HEAD, b"x: y\r\n" * MAX_HEAD])
def test_a_head_that_is_too_long_is_so_in_one_piece_too(head: bytes) -> None:
    with pytest.raises(Unreadable, match="head is longer"):
        read(OK + head.rstrip() + b"\r\ncontent-length: 0\r\n\r\n")


@pytest.mark.parametrize("said", [OK + b"x: 1\r\n\r\n", OK + b"transfer-encoding: chunked\r\n\r\n"])
def test_a_body_that_never_ends_is_not_held(said: bytes) -> None:
    reader = AnswerReader(LIMIT)
    reader.feed(said)
    piece = b"3e8\r\n" + b"x" * 1000 + b"\r\n" if b"chunked" in said else b"x" * 1000
    for _ in range(LIMIT // 1000):
        reader.feed(piece)
    with pytest.raises(Unreadable, match="longer than 100000 bytes"):
        reader.feed(piece)


def test_a_length_beyond_the_limit_is_enough_to_see_it() -> None:
    with pytest.raises(Unreadable, match="longer than 100000 bytes"):
        read(OK + b"content-length: 100001\r\n\r\n")
    assert len(answered(OK + b"content-length: 100000\r\n\r\n" + b"x" * LIMIT).body) == LIMIT


def test_chunks_of_a_single_byte_are_an_answer_like_any_other() -> None:
    assert len(answered(chunked(*[b"x"] * 50_000), at_once=4096).body) == 50_000


# --- what nobody asked to be encoded


@pytest.mark.parametrize("at_once", [1, 1 << 30])
@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzipped(b"hello")),
        ("X-GZIP", gzipped(b"hello")),
        ("deflate", zlib.compress(b"hello")),
        ("deflate", zlib.compress(b"hello", wbits=-15)),
        ("identity", b"hello"),
        ("", b"hello"),
    ],
)
def test_an_encoding_that_nobody_asked_for_is_undone(encoding: str, body: bytes, at_once: int) -> None:
    assert answered(encoded(body, encoding), at_once=at_once).body == b"hello"


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "nonsense"])
def test_another_one_is_handed_on_as_it_comes(encoding: str) -> None:
    body = gzipped(gzipped(b"hello"))
    assert answered(encoded(body, encoding)).body == body


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", b"not gzip at all"),
        ("deflate", b"not deflate at all"),
        ("gzip", gzipped(b"hello")[:-1]),
        ("deflate", zlib.compress(b"hello")[:-1]),
        ("gzip", gzipped(b"hello") + b"more"),
        ("gzip", gzipped(b"hello") * 2),
        ("gzip", gzipped(b"hello")[:-8] + b"12345678"),
    ],
)
def test_what_cannot_be_undone_is_no_answer(encoding: str, body: bytes) -> None:
    with pytest.raises(Unreadable, match="cannot be undone"):
        read(encoded(body, encoding))


def test_an_encoded_body_of_no_bytes_is_empty() -> None:
    assert answered(encoded(b"", "gzip")).body == b""


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_bomb_does_not_go_off(encoding: str) -> None:
    bomb = gzipped(bytes(100_000_000)) if encoding == "gzip" else zlib.compress(bytes(100_000_000))
    said = OK + b"content-encoding: %s\r\nx: 1\r\n\r\n" % encoding.encode() + bomb
    reader = AnswerReader(LIMIT)
    tracemalloc.start()
    try:
        with pytest.raises(Unreadable, match="longer than 100000 bytes"):
            reader.feed(said)
        assert tracemalloc.get_traced_memory()[1] < 5 * LIMIT
    finally:
        tracemalloc.stop()


def test_the_limit_is_for_what_is_decoded_to_the_byte() -> None:
    assert len(answered(encoded(gzipped(bytes(LIMIT)), "gzip")).body) == LIMIT
    with pytest.raises(Unreadable, match="longer"):
        read(encoded(gzipped(bytes(LIMIT + 1)), "gzip"))
