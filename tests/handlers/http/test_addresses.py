"""Addresses that can be called, and those that cannot."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.http.addresses import parse_address, usable_url
from receiver.errors import OptionError
from receiver.lib.signatures import Secret


def test_an_address_that_can_be_called_is_taken_as_it_is() -> None:
    assert usable_url("url", Secret("https://a.example/b?c")) == "https://a.example/b?c"


@pytest.mark.parametrize("url", ["", "hooks.example.com/hush", "ftp://a/hush", "https:///hush", "http://a:0x1/hush"])
def test_another_address_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(OptionError, match="url is not an http") as caught:
        usable_url("url", Secret(url))
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "place", "target"),
    [
        ("http://A.Example", "http://a.example", "/"),
        ("https://a.example:443/b", "https://a.example", "/b"),
        ("https://a.example:8443/b#c", "https://a.example:8443", "/b"),
        ("http://[::1]:80/", "http://[::1]", "/"),
        ("http://[fe80::1%25lo]:8080/", "http://[fe80::1]:8080", "/"),
        ("http://10.0.0.1?x=1", "http://10.0.0.1", "/?x=1"),
        ("http://my_sink/a b/ü?q=ö é", "http://my_sink", "/a%20b/%C3%BC?q=%C3%B6%20%C3%A9"),
        ("http://a.example/%20%zz?a=%26", "http://a.example", "/%20%zz?a=%26"),
        ("http://bücher.example/", "http://xn--bcher-kva.example", "/"),
        ('http://a.example/{x}"<>', "http://a.example", "/%7Bx%7D%22%3C%3E"),
    ],
)
def test_an_address_is_taken_apart(url: str, place: str, target: str) -> None:
    address = parse_address(url)
    assert address is not None
    assert (str(address.origin), address.target) == (place, target)


def test_user_and_password_are_undone_once() -> None:
    address = parse_address("http://ann%40home:se%3Asame@a.example/")
    assert address is not None
    assert (address.user, address.password) == ("ann@home", "se:same")


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example\n/",
        " http://a.example/",
        "http://a.example/\x7f",
        "http://a b/",
        "http://a.example:0/",
        "http://a.example:65536/",
        "http://a.example:+80/",
        "http://[::g]/",
        "http://a%2eb/",
        "http://\ud800/",
        "http://a.example/\ud800",
        "http://" + "a" * 300,
        "javascript:alert(1)",
        "//a.example/",
    ],
)
def test_what_no_server_could_be_meant_by_is_none(url: str) -> None:
    assert parse_address(url) is None


@given(st.text(max_size=60))
def test_no_text_breaks_it_and_what_goes_out_is_one_line_of_ascii(text: str) -> None:
    for url in (text, f"http://{text}", f"http://a.example/{text}", f"http://a.example/?{text}"):
        address = parse_address(url)
        if address is not None:
            line = f"{address.target}{address.origin}{address.credentials}"
            assert line.isascii()
            assert line.isprintable()
            assert " " not in line
