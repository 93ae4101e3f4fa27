"""Who sent a request, behind proxies that are trusted and others that are not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.web.http.senders import Senders, scheme_of
from support.wire import a_peer, post

PROXIES = ("10.0.0.0/8", "192.0.2.1", "fd00::/8")


def forwarded(*values: str) -> list[tuple[bytes, bytes]]:
    """Headers of a request that proxies passed on."""
    return [(b"x-forwarded-for", value.encode("latin-1")) for value in values]


@pytest.mark.parametrize(
    ("values", "sender"),
    [
        ((), "10.0.0.1"),
        (("203.0.113.9",), "203.0.113.9"),
        (("203.0.113.9, 10.1.1.1, 192.0.2.1",), "203.0.113.9"),
        (("198.51.100.1, 203.0.113.9",), "203.0.113.9"),
        (("198.51.100.1", "203.0.113.9, 10.2.2.2"), "203.0.113.9"),
        (("203.0.113.9:4711",), "203.0.113.9"),
        (("[2001:db8::1]:4711",), "2001:db8::1"),
        (("2001:db8::1, fd00::1",), "2001:db8::1"),
        (("::ffff:203.0.113.9",), "203.0.113.9"),
        (("203.0.113.9, unknown, 10.1.1.1",), "10.1.1.1"),
        (("10.3.3.3, 10.1.1.1",), "10.3.3.3"),
        (("",), "10.0.0.1"),
    ],
)
def test_the_sender_is_the_nearest_that_is_no_trusted_proxy(values: tuple[str, ...], sender: str) -> None:
    assert Senders(PROXIES).sender("10.0.0.1", forwarded(*values)) == sender


@given(st.lists(st.text(alphabet=st.characters(max_codepoint=255), max_size=30), max_size=3))
def test_whatever_is_forwarded_breaks_nothing(values: list[str]) -> None:
    assert Senders(PROXIES).sender("10.0.0.1", forwarded(*values))


def test_only_configured_networks_are_trusted() -> None:
    senders = Senders(PROXIES)
    assert [senders.trusts(one) for one in ("10.9.9.9", "::ffff:10.9.9.9", "192.0.2.1", "fd00::5")] == [True] * 4
    assert [senders.trusts(one) for one in ("192.0.2.2", "", "unix", "::1")] == [False] * 4
    assert not Senders(()).trusts("127.0.0.1")


def test_the_scheme_is_what_the_nearest_proxy_says() -> None:
    assert scheme_of([(b"x-forwarded-proto", b"http, HTTPS")], "http") == "https"
    assert scheme_of([(b"x-forwarded-proto", b"gopher")], "http") == "http"
    assert scheme_of([], "http") == "http"


@pytest.mark.parametrize(("proxies", "sender"), [(("192.0.2.0/24",), "203.0.113.9"), ((), "192.0.2.1")])
async def test_the_operator_is_told_the_real_sender(tmp_path: Path, proxies: tuple[str, ...], sender: str) -> None:
    async with a_peer(tmp_path, proxies=proxies) as peer:
        await peer.send(post("/in/journey", b"{}", "x-forwarded-for: 203.0.113.9", secret="wrong"))
        (refused,) = (await peer.face.get("/refused"))["items"]
        assert refused["sender"] == sender
        wire, protocol = peer.another()
        protocol.data_received(post("/in/journey", b"{}", "x-forwarded-for: 203.0.113.9"))
        await wire.answers(1)
        protocol.connection_lost(None)
        (kept,) = (await peer.face.get("/requests"))["items"]
        assert kept["sender"] == sender
        assert "wrong" not in json.dumps(refused)
