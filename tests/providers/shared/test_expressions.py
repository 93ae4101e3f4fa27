"""Expressions of descriptions, whatever texts they are tried on."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.errors import InvalidParams
from receiver.providers.shared.expressions import LONGEST_MATCH, expression_of
from receiver.providers.shared.paths import Path

#: Seconds of this thread: far more than the slowest takes, far less than a text could do.
LONG = 5.0
PIECE = st.sampled_from(
    ["a", "[a-c]", "a?", "a*", "a+", "a+?", "a{2}", "a{0,9}", "(a)", "(a|b)", "(?:a|a)", "(a)?", "."]
)


@pytest.mark.parametrize(
    "expression",
    [
        "^(a+)+$",
        "^((?:a|a)*)$",
        "(a*)*b",
        "^(a?){40}$",
        "((a|a){2}){30}c",
        "^(?P<x>[a-c]+){2,}$",
        "(?:(?:(a)+)){9}b",
        "a?" * 30 + "(a)",
        "(a*)a*a*a*a*b",
        "(a)" + "(?:a|a)" * 20,
    ],
)
def test_what_a_text_could_keep_busy_for_ever_is_a_mistake(expression: str) -> None:
    with pytest.raises(InvalidParams, match="choice"):
        Path(f"text|match({expression})")


@pytest.mark.parametrize(
    ("expression", "text", "wanted"),
    [
        (r"^U([1-4])$", "U3", "3"),
        (r"([0-9]+) *%", "done 31 %", "31"),
        (r"^(.*) --ar .*$", "a cat --ar 16:9", "a cat"),
        (r"(?:seed|SEED): *([0-9]{1,10})", "seed: 77", "77"),
        (r"([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})", "id 550e8400-e29b-41d4-a716-446655440000", None),
        (r"[]|*]([a-z]+)[)+]", "]abc)", "abc"),
        (r"\(([0-9]+)\+?\)", "(12)", "12"),
        (r"(?i)(jpe?g|png)$", "a.JPG", "JPG"),
    ],
)
def test_the_usual_ones_stay(expression: str, text: str, wanted: str | None) -> None:
    found = Path(f"text|match({expression})").found({"text": text})
    assert found == [wanted or "550e8400-e29b-41d4-a716-446655440000"]


def test_the_fewer_the_choices_the_longer_the_text() -> None:
    lengths = [expression_of(f"({'a*' * repeats}b)", "").longest for repeats in range(4)]
    assert lengths == [LONGEST_MATCH, LONGEST_MATCH, 271, 66]


@settings(max_examples=60, deadline=None)
@given(st.lists(PIECE, min_size=1, max_size=8), st.sampled_from(["", "*", "+", "{9}", "?"]), st.booleans())
def test_whatever_is_taken_is_quick(pieces: list[str], again: str, anchored: bool) -> None:
    inner = "".join(pieces)
    try:
        path = Path(f"text|match({'^' if anchored else ''}({inner}){again}!)")
    except InvalidParams:
        return
    began = time.thread_time()
    path.found({"text": "a" * 2000})
    assert time.thread_time() - began < LONG
