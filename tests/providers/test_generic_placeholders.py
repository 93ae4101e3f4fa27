"""Templates with placeholders: whatever a value holds, it breaks out of no place."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.http.requests import write
from receiver.errors import InvalidParams
from receiver.providers.generic.calls import CallTemplate
from receiver.providers.generic.placeholders import PARAMS, fill_json, fill_text, mistakes_in

KNOWN = frozenset({PARAMS, "prompt", "key"})
TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30) | st.sampled_from(
    ['"}', "\r\nx: y", "../..", "a/b?c#d", "&n=1", "{key}", "{params.n}", "%2e%2e", "\0", "\u2028", '{"a": 1}']
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


def template(body: str = "", url: str = "https://api.example.com/a/{prompt}/b?n={params.n}&v=2") -> CallTemplate:
    found: list[Any] = []
    made = CallTemplate("orders.imagine", "POST", url, {"x-tag": "<{prompt}>", "x-key": "{key}"}, body, KNOWN, found)
    assert not found
    return made


@given(prompt=TEXT, n=TEXT)
def test_no_value_breaks_out_of_address_or_header(prompt: str, n: str) -> None:
    values = {"prompt": prompt, "params.n": n, "key": "the-key"}
    if prompt in (".", ".."):
        with pytest.raises(InvalidParams, match="prompt cannot be a part of an address"):
            template().call(values, "")
        return
    call = template().call(values, "")
    parts = urlsplit(call.url)
    assert (parts.scheme, parts.netloc, parts.fragment) == ("https", "api.example.com", "")
    assert [unquote(segment) for segment in parts.path.split("/")] == ["", "a", prompt, "b"]
    assert parse_qsl(parts.query, keep_blank_values=True) == [("n", n), ("v", "2")]
    head = write(call).as_bytes().partition(b"\r\n\r\n")[0].split(b"\r\n")
    names = [line.partition(b": ")[0] for line in head[1:]]
    assert names == [b"host", b"user-agent", b"accept-encoding", b"x-tag", b"x-key", b"content-length"]
    assert head[4].startswith(b"x-tag: <")
    assert head[4].endswith(b">")
    assert head[5] == b"x-key: the-key"


@given(prompt=TEXT, n=JSON)
def test_no_value_breaks_out_of_json(prompt: str, n: Any) -> None:
    body = {"whole": "{params.n}", "text": "say {prompt}!", "held": '{"a": ["{prompt}", "{params.n}"], "b": 1}', "c": 2}
    call = template(json.dumps(body)).call({"prompt": prompt, "params.n": n, "key": "the-key"}, "http://127.0.0.1:1")
    sent = json.loads(call.body or b"")
    assert sent == {"whole": n, "text": f"say {prompt}!", "held": sent["held"], "c": 2}
    assert json.loads(sent["held"]) == {"a": [prompt, n], "b": 1}


@pytest.mark.parametrize("value", ["{key}", "{prompt}", "{params.n}"])
def test_a_value_that_looks_like_a_placeholder_is_not_filled_in(value: str) -> None:
    values = {"prompt": value, "params.n": value, "key": "the-key"}
    call = template('{"a": "{prompt}", "b": "x{prompt}", "c": "[\\"{prompt}\\"]"}').call(values, "")
    assert "the-key" not in f"{call.url} {call.headers['x-tag']} {(call.body or b'').decode()}"
    assert json.loads(call.body or b"")["b"] == f"x{value}"


@pytest.mark.parametrize(
    ("value", "text"), [("a", "a"), (7, "7"), (1.5, "1.5"), (True, "true"), ([1, "a"], '[1,"a"]'), ({}, "{}")]
)
def test_within_a_longer_text_a_value_is_text_and_alone_it_is_json(value: Any, text: str) -> None:
    assert fill_text("<{params.n}>", {"params.n": value}) == f"<{text}>"
    assert fill_json({"n": "{params.n}"}, {"params.n": value}) == {"n": value}


def test_what_is_not_given_leaves_its_place_out() -> None:
    given_in = {"a": "{params.a}", "b": ["{params.a}", "{params.b}"], "c": {"d": "{params.a}"}, "e": "x{params.a}"}
    assert fill_json(given_in, {"params.b": 1}) == {"b": [1], "c": {}, "e": "x"}
    call = template(url="https://api.example.com/a?n={params.n}").call({"key": "the-key"}, "")
    assert call.url == "https://api.example.com/a"
    assert "x-tag" not in call.headers


def test_an_address_needs_all_that_stands_in_its_path() -> None:
    with pytest.raises(InvalidParams, match="the address needs prompt"):
        template().call({"params.n": "1"}, "")


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("promt", 'did you mean "prompt"?'),
        ("param.seed", 'did you mean "params.seed"?'),
        ("seed", "a parameter is {params.seed}; besides there are: key, params.seed, prompt"),
    ],
)
def test_a_placeholder_that_does_not_exist_is_told_with_what_was_meant(name: str, remedy: str) -> None:
    assert [one.remedy for one in mistakes_in("body", f"{{{name}}}", KNOWN)] == [remedy]
    assert [one.remedy for one in mistakes_in("url", "{idd}", frozenset({"id", "key"}))] == ['did you mean "id"?']
