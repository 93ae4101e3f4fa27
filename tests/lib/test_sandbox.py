"""The sandbox: time, memory and output are bounded, nothing of ours is reached, and no error tells a value."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest

from receiver.errors import TemplateWrong
from receiver.lib.sandbox import LONGEST_SOURCE, TextTemplate, evaluate, is_filter, is_test, names_in


def filled(source: str, **names: object) -> str:
    return TextTemplate(source).fill(names)


def test_null_and_what_does_not_exist_print_as_nothing() -> None:
    assert filled("[{{ a }}{{ b }}{{ a.b.c }}]", a=None) == "[]"
    assert filled("[{{ a | upper }}{{ a | trim }}{{ b | truncate(3) }}]", a=None) == "[]"


def test_values_print_as_json_does() -> None:
    assert filled("{{ a }} {{ b }} {{ c }} {{ d }}", a=True, b=2.5, c=["x"], d="y") == 'true 2.5 ["x"] y'


def test_every_value_is_escaped_and_the_operators_own_words_are_not() -> None:
    template = TextTemplate("<b>{{ a }}{{ b }}{{ a | safe }}</b>", lambda text: text.replace("<", "&lt;"))
    assert template.fill({"a": "<i>", "b": ["<u>"]}) == '<b>&lt;i>["&lt;u>"]&lt;i></b>'


@pytest.mark.parametrize(
    ("length", "said"),
    [(80, "a garden at dawn"), (16, "a garden at dawn"), (12, "a garden at…"), (11, "a garden…"), (4, "a…"), (0, "")],
)
def test_truncate_takes_a_length_and_keeps_to_it(length: int, said: str) -> None:
    assert filled("{{ a | truncate(" + str(length) + ") }}", a="a garden at dawn") == said


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in range(10000) %}{% for j in range(10000) %}x{% endfor %}{% endfor %}",
        "{{ 'a' * 500000000 }}",
        "{{ 'a' | indent(1000000000) }}",
        "{{ '%1000000000d' | format(1) }}",
        "{% set n = namespace(x='a' * 99) %}{% for i in range(40) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
        "{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}",
        "{{ big | replace('a', big) }}",
    ],
)
def test_what_never_ends_or_grows_ends_soon(source: str) -> None:
    started = time.process_time()
    with pytest.raises(TemplateWrong):
        filled(source, big="a" * 20_000)
    assert time.process_time() - started < 5


def test_a_source_that_is_too_long_is_refused() -> None:
    for work in (TextTemplate, names_in):
        with pytest.raises(TemplateWrong, match="is longer than"):
            work("x" * (LONGEST_SOURCE + 1))
    with pytest.raises(TemplateWrong, match="is longer than"):
        evaluate("1" + "+1" * LONGEST_SOURCE, {})


@pytest.mark.parametrize("source", ["1" + "+1" * 3_900, "(" * 7_900, "-" * 7_900 + "1", "a" + "[0]" * 2_600])
def test_the_deepest_sources_are_taken_or_refused_but_never_end_the_program(source: str) -> None:
    with suppress(TemplateWrong):
        assert evaluate(source, {"a": []}) in (3_901, 1, -1, None)


@pytest.mark.parametrize(
    "source", ["{% include 'x' %}", "{% import 'x' as y %}", "{{ debug() }}", "{{ ''.__class__() }}"]
)
def test_nothing_outside_is_reached(source: str) -> None:
    with pytest.raises(TemplateWrong):
        filled(source)


def test_an_error_says_what_and_where_but_no_value() -> None:
    with pytest.raises(TemplateWrong) as caught:
        TextTemplate("é\n{{ a + 1 }}").fill({"a": "hush", "b": "hush"})
    wrong = caught.value
    assert (wrong.kind, wrong.at, wrong.piece) == ("InvalidOperation", 5, "a + 1")
    assert "hush" not in f"{wrong} {wrong!r}"


def test_what_does_not_exist_is_a_mistake_where_that_is_asked_for() -> None:
    with pytest.raises(TemplateWrong, match="undefined"):
        TextTemplate("{{ a.b }}", missing="mistake").fill({"a": {}})
    with pytest.raises(TemplateWrong, match="undefined"):
        evaluate("a.b == 1", {"a": {}}, "mistake")


def test_names_are_told_as_far_as_they_go() -> None:
    assert names_in("{{ a.b.c | upper }}{% for i in range(3) %}{{ i.x }}{{ loop.index }}{% endfor %}") == {"a.b.c"}


def test_filters_and_tests_are_known_by_name() -> None:
    assert [is_filter(name) for name in ("upper", "tojson", "truncate", "zork")] == [True, True, True, False]
    assert [is_test(name) for name in ("none", "in", "zork")] == [True, True, False]
