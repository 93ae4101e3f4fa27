"""Foreign JSON."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.errors import NotJson
from receiver.lib.strict_json import read_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_all_json_is_read(value: object) -> None:
    assert read_json(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"NaN",
        b'{"a": NaN}',
        b"Infinity",
        b"-Infinity",
        b"\xef\xbb\xbf{}",
        b'"\xff"',
        b'{"a": 1,}',
        b"{'a': 1}",
        b"{} {}",
        b"01",
        b'"\x01"',
        b"\xff\xfe{\x00}\x00",
        b"[" * 101 + b"]" * 101,
        b"[" * 100_000,
        b'{"a":' * 101 + b"1" + b"}" * 101,
        b'["\\\\",' * 101 + b"1" + b"]" * 101,
        b'{"a":' * 50 + b"[" * 51 + b"]" * 51 + b"}" * 50,
    ],
)
def test_what_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(NotJson):
        read_json(body)


def test_a_hundred_levels_are_json() -> None:
    assert read_json(b"[" * 100 + b"]" * 100)
    assert read_json(b'{"a":' * 50 + b"[" * 50 + b"]" * 50 + b"}" * 50)


def test_many_brackets_side_by_side_or_in_text_are_no_depth() -> None:
    assert len(read_json(b"[" + b"[]," * 500 + b"[]]")) == 501
    assert read_json(b'["' + b"[" * 500 + b'\\"{"]') == ["[" * 500 + '"{']
    assert read_json(b'["\\\\",' + b"[], " * 500 + rb'"\n["]')[-1] == "\n["


def test_of_repeated_keys_the_last_counts() -> None:
    assert read_json(b'{"a": 1, "a": 2}') == {"a": 2}


def test_huge_numbers_are_json() -> None:
    assert read_json(b"123456789012345678901234567890") == 123456789012345678901234567890
    assert read_json(b"[1e999, -1e999, 1e-999]") == ["1e999", "-1e999", 0.0]
    assert read_json(b"1" * 6000) == "1" * 6000


def test_lone_surrogates_become_something_that_can_be_kept() -> None:
    value = read_json(b'{"\\ud800": ["a\\udfff", "\\ud83d\\ude00"]}')
    assert json.dumps(value).encode("utf-8")
    assert list(value.values()) == [["a?", "\U0001f600"]]


@given(st.binary(max_size=200))
def test_any_bytes_are_json_or_refused(body: bytes) -> None:
    try:
        value = read_json(body)
    except NotJson:
        return
    assert not isinstance(value, float) or math.isfinite(value)
