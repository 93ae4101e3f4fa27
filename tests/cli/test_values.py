"""What is typed: parameters, tags, moments, ids."""

from __future__ import annotations

from typing import Any

import pytest
import typer

from receiver.cli import values
from receiver.lib.times import unstamp

NOW = unstamp("2026-11-21T10:00:00Z")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("index=2", 2),
        ("factor=1.5", 1.5),
        ("raw=true", True),
        ('mask={"a": [1]}', {"a": [1]}),
        ('image_urls=["x"]', ["x"]),
        ("version=niji 6", "niji 6"),
        ('text="7"', '"7"'),
        ("text=null", "null"),
        ("text=NaN", "NaN"),
        ("text=", ""),
        ("text=a=b", "a=b"),
        ("text=007", "007"),
    ],
)
def test_a_parameter_is_json_where_it_can_be_and_text_elsewhere(typed: str, meant: Any) -> None:
    name = typed.partition("=")[0]
    assert values.params([typed]) == {name: meant}


@pytest.mark.parametrize("typed", ["index", "=2", ""])
def test_a_parameter_without_a_name_is_a_usage_error(typed: str) -> None:
    with pytest.raises(typer.BadParameter, match="name=value"):
        values.params([typed])


@pytest.mark.parametrize("typed", ["a\x1b=1", "a\x00=1", "tag", "=1"])
def test_a_tag_that_has_no_proper_name_is_a_usage_error(typed: str) -> None:
    with pytest.raises(typer.BadParameter):
        values.tags([typed])


def test_tags_stay_text() -> None:
    assert values.tags(["a=1", "b=x=y"]) == {"a": "1", "b": "x=y"}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2h", "2026-11-21T08:00:00Z"),
        ("90s", "2026-11-21T09:58:30Z"),
        ("2026-11-20", "2026-11-20T00:00:00Z"),
        ("2026-11-20T01:00:00+01:00", "2026-11-20T00:00:00Z"),
    ],
)
def test_a_moment_is_a_time_or_a_span_before_now(typed: str, meant: str) -> None:
    assert values.moment(typed, "--since", NOW) == unstamp(meant)


@pytest.mark.parametrize(("typed", "bound"), [("0001-01-01", 0), ("999999999999999d", 0), ("9999-12-31", values.LAST)])
def test_moments_beyond_all_ids_are_brought_within(typed: str, bound: int) -> None:
    assert values.moment(typed, "--since", NOW) == bound


@pytest.mark.parametrize("typed", ["2x", "yesterday", ""])
def test_what_is_no_moment_is_a_usage_error(typed: str) -> None:
    with pytest.raises(typer.BadParameter, match="--since"):
        values.moment(typed, "--since", NOW)


@pytest.mark.parametrize("typed", ["[1", "7", '"pick"', "NaN"])
def test_then_must_be_an_object_or_a_list(typed: str) -> None:
    with pytest.raises(typer.BadParameter, match="--then"):
        values.then(typed)


def test_parameters_are_shown_as_they_would_be_typed() -> None:
    assert values.shown_params({"index": 2, "kind": "2x", "raw": True}) == "index=2 kind=2x raw=true"
