"""What is struck out of headers and bodies, and what is not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Final
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.lib.redaction import Redaction
from receiver.lib.signatures import Secret

KEY: Final = "sk-live_0123456789"
ODD: Final = 'a"b\\c/d+e<f>&g=='
#: How programs write text into JSON: as little escaped as may be, with slashes (PHP), for HTML (Go, .NET), all of it.
WRITINGS: Final[dict[str, Callable[[str], str]]] = {
    "plain": json.dumps,
    "slashes": lambda text: json.dumps(text).replace("/", "\\/"),
    "html": lambda text: json.dumps(text).replace("<", "\\u003c").replace(">", "\\u003E").replace("&", "\\u0026"),
    "plus": lambda text: json.dumps(text).replace("+", "\\u002B").replace('\\"', "\\u0022"),
    "all": lambda text: '"' + "".join(f"\\u{ord(letter):04x}" for letter in text) + '"',
}


@pytest.mark.parametrize("secret", [KEY, ODD])
@pytest.mark.parametrize("writing", WRITINGS)
def test_a_secret_is_struck_out_however_it_is_written(secret: str, writing: str) -> None:
    written = WRITINGS[writing](secret)
    body = f'{{"key": {written}, "url": "https://x/?k={written[1:-1]}&n=1", {written}: [1.50, true]}}'.encode()
    kept = Redaction([Secret(secret)]).body(body)
    assert json.loads(kept) == {"key": "***", "url": "https://x/?k=***&n=1", "***": [1.5, True]}
    assert b"1.50" in kept


@pytest.mark.parametrize("secret", [KEY, ODD])
@pytest.mark.parametrize("outer", WRITINGS)
@pytest.mark.parametrize("inner", ["plain", "slashes"])
def test_a_secret_in_json_within_json_is_struck_out(secret: str, outer: str, inner: str) -> None:
    body = f'{{"data": {WRITINGS[outer](f"""{{"k": {WRITINGS[inner](secret)}, "a": 1}}""")}}}'.encode()
    kept = json.loads(Redaction([Secret(secret)]).body(body))
    assert json.loads(kept["data"]) == {"k": "***", "a": 1}


def test_in_an_address_and_in_what_is_no_json_too() -> None:
    redaction = Redaction([Secret(ODD), Secret(KEY)])
    assert redaction.body(b"k=" + KEY.encode() + b"&o=a%22b%5Cc%2Fd%2Be%3Cf%3E%26g%3D%3D") == b"k=***&o=***"
    assert redaction.body(b'{"broken": "' + KEY.encode()) == b'{"broken": "***'


QUOTINGS: Final[dict[str, Callable[[str], str]]] = {
    "address": lambda text: quote(text, safe=""),
    "path": quote,
    "form": quote_plus,
    "small letters": lambda text: re.sub("%..", lambda found: found[0].lower(), quote(text, safe="")),
    "a form in small letters": lambda text: re.sub("%..", lambda found: found[0].lower(), quote_plus(text)),
}


@pytest.mark.parametrize("secret", [KEY, ODD, "two words/+="])
@pytest.mark.parametrize("quoting", QUOTINGS)
def test_a_secret_in_an_address_or_a_form_is_struck_out(secret: str, quoting: str) -> None:
    quoted = QUOTINGS[quoting](secret)
    redaction = Redaction([Secret(secret)])
    assert redaction.body(f"a=1&key={quoted}&b=2".encode()) == b"a=1&key=***&b=2"
    assert json.loads(redaction.body(json.dumps({"url": f"https://x/{quoted}?n=1"}).encode())) == {
        "url": "https://x/***?n=1"
    }


def test_a_secret_of_digits_leaves_valid_json_and_other_numbers_alone() -> None:
    kept = Redaction([Secret("12345678")]).body(b'{"a":12345678,"b":123456789,"c":"x12345678"}')
    assert json.loads(kept) == {"a": "***", "b": 123456789, "c": "x***"}


def test_the_longer_of_two_goes_first() -> None:
    redaction = Redaction([Secret("password"), Secret("password-of-another")])
    assert redaction.body(b'["password-of-another"]') == b'["***"]'
    assert redaction.headers({"x-a": "password-of-another"}) == {"x-a": "***"}


def test_a_short_word_is_left_in_bodies_and_struck_out_of_headers() -> None:
    redaction = Redaction([Secret("key")])
    assert redaction.body(b'{"key": "key"}') == b'{"key": "key"}'
    assert redaction.headers({"x-a": "key", "x-b": "b"}) == {"x-a": "***", "x-b": "b"}


LEAVES: Final = st.none() | st.integers() | st.text() | st.just(KEY)


@given(st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_nothing_else_of_a_body_changes(value: object) -> None:
    body = json.dumps(value).encode()
    assert json.loads(Redaction([Secret(KEY)]).body(body)) == json.loads(body.replace(KEY.encode(), b"***"))


def test_without_secrets_nothing_is_struck_out() -> None:
    assert Redaction().body(b'{"a":"\\u0061"}') == b'{"a":"\\u0061"}'
    assert Redaction([Secret("")]).headers({"a": ""}) == {"a": ""}


def test_a_request_without_secrets_is_returned_as_it_is() -> None:
    headers, body = {"host": "hooks.example.com", "x-a": "b"}, b'{"a": "\\u00e9", "b": "\\/"}'
    redaction = Redaction([Secret("https://hooks.example.com/services/T01/B02/s3cr3tw0rd"), Secret(KEY), Secret("pin")])
    kept = redaction.request(headers, body)
    assert kept[0] is headers
    assert kept[1] is body


@pytest.mark.parametrize("secret", [KEY, ODD, "pin", "ünverstellbar", '"\\/"\\/"\\/'])
@pytest.mark.parametrize("writing", WRITINGS)
def test_of_a_request_headers_and_body_are_looked_through(secret: str, writing: str) -> None:
    redaction = Redaction([Secret("another-secret"), Secret(secret)])
    headers, body = {"x-a": f"k={secret}", "x-b": "b"}, b'{"a": %b}' % WRITINGS[writing](secret).encode()
    assert redaction.request(headers, body) == (redaction.headers(headers), redaction.body(body))
    assert redaction.request(headers, body)[0] == {"x-a": "***", "x-b": "b"}
    assert redaction.request({}, body) == ({}, redaction.body(body))


SECRETS: Final = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x17F), min_size=1, max_size=20)


@given(st.lists(SECRETS, max_size=3), st.data())
def test_the_quick_look_misses_nothing(secrets: list[str], data: st.DataObject) -> None:
    redaction = Redaction(map(Secret, secrets))
    texts = st.text(max_size=5) | (st.sampled_from(secrets) if secrets else st.nothing())
    writing = WRITINGS[data.draw(st.sampled_from(sorted(WRITINGS)))]
    text = "".join(data.draw(st.lists(texts, max_size=4)))
    headers, body = {"x-a": text}, b"[%b]" % writing(text).encode("utf-8", "replace")
    assert redaction.request(headers, body) == (redaction.headers(headers), redaction.body(body))
