"""Paths into foreign JSON."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.errors import InvalidParams
from receiver.providers.shared.expressions import LONGEST_MATCH
from receiver.providers.shared.paths import Path

VALUE: Any = {
    "a": {"b": 1},
    "list": [{"x": 1}, {"x": 2}, {}],
    "deep": [[1, 2], [3, 4]],
    "a-b c": "odd",
    "none": None,
    "text": '{"urls": ["u1", "u2"], "inner": "{\\"x\\": 7}", "0": {"y": 1}}',
    "array": '[{"x": 1}, {"x": 2}]',
    "content": "**a cat** - (31%) (fast, stealth)",
    "rows": [{"t": '{"x": 1}'}, {"t": "no JSON"}, {"t": '{"x": 2}'}],
    "number": 2048,
}


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("a.b", [1]),
        ("a.none", []),
        ("none", [None]),
        ("none.a", []),
        ("list[0].x", [1]),
        ("list[9].x", []),
        ("list[*].x", [1, 2]),
        ("list", [[{"x": 1}, {"x": 2}, {}]]),
        ("deep[*][1]", [2, 4]),
        ("a.b.c", []),
        ("a-b c", ["odd"]),
        ("text|json.urls[*]", ["u1", "u2"]),
        ("text|json.urls[1]", ["u2"]),
        ("text|json.0.y", [1]),
        ("text|json.inner|json.x", [7]),
        ("array|json[*].x", [1, 2]),
        ("array|json", [[{"x": 1}, {"x": 2}]]),
        ("a|json.b", [1]),
        ("content|json.b", []),
        ("number|json.b", []),
        ("rows[*].t|json.x", [1, 2]),
        (r"content|match(\(([0-9]+)%\))", ["31"]),
        ("content|match((a|b) cat)", ["a"]),
        ("content|match(a dog(.))", []),
        ("number|match(^(20))", ["20"]),
        ("list|match((.))", []),
    ],
)
def test_a_path_leads_to_what_stands_there(path: str, wanted: list[Any]) -> None:
    known = Path(path)
    assert known.found(VALUE) == wanted
    if known.is_plain:
        assert [known.at(VALUE)] == (wanted or [None])


def test_a_path_may_begin_in_a_list() -> None:
    assert Path("[1].id").found([{"id": 1}, {"id": 2}]) == [2]
    assert Path("[*].id").found([{"id": 1}, {"id": 2}]) == [1, 2]


def test_a_path_leads_to_no_more_than_64_values_unless_more_are_asked_for() -> None:
    assert len(Path("[*][*]").found([[0] * 100] * 100)) == 64
    assert len(Path("[*][*]").found([[0] * 100] * 100, 500)) == 500


def test_an_expression_is_tried_on_the_beginning_of_a_text_alone() -> None:
    assert Path("t|match((b))").found({"t": "a" * LONGEST_MATCH + "b"}) == []


@pytest.mark.parametrize("text", ["", ".", "a..b", "a|", "a|jso.b", "a|match(b)", "a|match((b", "a|json."])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(InvalidParams):
        Path(text)


@given(st.text(max_size=30))
def test_a_text_is_a_path_or_refused(text: str) -> None:
    try:
        path = Path(text)
    except InvalidParams:
        return
    path.found({"a": [1]})
