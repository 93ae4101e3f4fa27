"""The strict reader: every field on its own, every mistake with its path."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest

from receiver.config.findings import Findings
from receiver.config.reading import (
    Reader,
    Wrong,
    keys_of,
)
from receiver.contracts import LocalPath, MaybeSecret
from receiver.lib.signatures import Secret


class Inner(msgspec.Struct, frozen=True, kw_only=True):
    """A nested table."""

    depth: int = 1


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """One field of every kind."""

    name: str
    kind: Literal["big", "small"] = "big"
    wait: Annotated[float, msgspec.Meta(extra={"unit": "duration"}, gt=0, le=60)] = 1.0
    count: Annotated[int, msgspec.Meta(ge=1)] = 1
    share: float = 0.5
    on: bool = False
    price: Decimal | None = None
    key: Secret | None = None
    keys: tuple[Secret, ...] = ()
    words: list[str] = []
    headers: dict[str, Secret] = {}
    inner: Inner = Inner()
    either: int | str = 0
    dashed: int = msgspec.field(default=0, name="with-dash")


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """A struct with a check of its own."""

    low: int
    high: int

    def __post_init__(self) -> None:
        """Raises ValueError if the wrong way round."""
        if self.low > self.high:
            raise ValueError("low is above high")


def read(table: dict[str, Any], env: dict[str, str] | None = None) -> tuple[Spec | None, Findings]:
    findings = Findings()
    reader = Reader(findings, env or {}, Path("/"))
    reader.known(table, keys_of(Spec), "it", later=("soon",))
    return reader.struct(Spec, table, "it"), findings


def places(findings: Findings) -> list[str]:
    return [problem.where for problem in findings.problems]


def test_every_kind_of_field_is_read() -> None:
    table = {
        "name": "n",
        "kind": "small",
        "wait": "500ms",
        "count": 3,
        "share": 1,
        "on": True,
        "price": "0.10",
        "key": "env:A",
        "keys": ["env:A", "b"],
        "words": ["x", "y"],
        "headers": {"x-a": "env:A"},
        "inner": {"depth": 4},
        "either": "text",
        "with-dash": 7,
    }
    spec, findings = read(table, {"A": "secret-a"})
    assert findings.problems == []
    assert spec == Spec(
        name="n",
        kind="small",
        wait=0.5,
        count=3,
        share=1.0,
        on=True,
        price=Decimal("0.10"),
        key=Secret("secret-a"),
        keys=(Secret("secret-a"), Secret("b")),
        words=["x", "y"],
        headers={"x-a": Secret("secret-a")},
        inner=Inner(depth=4),
        either="text",
        dashed=7,
    )


def test_a_single_value_stands_for_a_list_of_one() -> None:
    spec, findings = read({"name": "n", "keys": "k", "words": "w"})
    assert findings.problems == []
    assert spec is not None
    assert (spec.keys, spec.words) == ((Secret("k"),), ["w"])


def test_each_wrong_field_is_told_with_its_path() -> None:
    table = {
        "name": 5,
        "kind": "medium",
        "wait": "2m",
        "count": 0,
        "share": "half",
        "on": 1,
        "price": 0.1,
        "key": "env:GONE",
        "keys": ["ok", "", 4],
        "words": ["ok", 5],
        "headers": {"a b": ""},
        "inner": {"depth": "deep", "depht": 1},
        "either": [],
    }
    spec, findings = read(table)
    assert spec is None
    assert places(findings) == [
        "it.name",
        "it.kind",
        "it.wait",
        "it.count",
        "it.share",
        "it.on",
        "it.price",
        "it.key",
        "it.keys[1]",
        "it.keys[2]",
        "it.words[1]",
        'it.headers."a b"',
        "it.inner.depht",
        "it.inner.depth",
        "it.either",
    ]


def test_a_wrong_optional_field_leaves_the_rest_usable() -> None:
    spec, findings = read({"name": "n", "count": 0, "wait": "5s"})
    assert places(findings) == ["it.count"]
    assert spec == Spec(name="n", wait=5.0)


def test_a_missing_required_field_says_what_to_write() -> None:
    spec, findings = read({})
    assert spec is None
    assert findings.problems == [("it.name", "is missing", "write text in quotes")]


def test_an_unknown_key_suggests_the_nearest() -> None:
    _, findings = read({"name": "n", "hedaers": {}, "zzz": 1})
    assert findings.problems[0] == ("it.hedaers", "unknown key", 'did you mean "headers"?')
    assert findings.problems[1].remedy.startswith("there are: count, either,")


def test_a_key_of_a_later_version_is_told_so() -> None:
    _, findings = read({"name": "n", "soon": 1})
    assert findings.problems == [("it.soon", "this key cannot be used yet", "not part of this version: take it out")]


def test_bounds_are_part_of_the_remedy() -> None:
    _, findings = read({"name": "n", "wait": "2m"})
    assert findings.problems[0].remedy.endswith("(above 0 and at most 60 seconds)")


def test_the_remedy_of_a_choice_names_the_choices() -> None:
    _, findings = read({"name": "n", "kind": "medium"})
    assert findings.problems[0] == ("it.kind", "'medium' cannot stand here", 'write one of "big", "small"')


def test_env_in_a_text_that_is_no_secret_is_refused() -> None:
    _, findings = read({"name": "env:NAME"}, {"NAME": "n"})
    assert places(findings) == ["it.name"]


def test_no_problem_shows_a_secret() -> None:
    _, findings = read({"name": "n", "keys": ["hunter2 "], "headers": "hunter2", "key": {"text": "hunter2"}})
    assert len(findings.problems) == 3
    assert "hunter2" not in str(findings.problems)


def test_a_long_wrong_value_is_cut() -> None:
    _, findings = read({"name": "n", "kind": "x" * 10_000})
    assert len(findings.problems[0].wrong) < 200


def test_what_a_struct_itself_refuses_becomes_a_problem() -> None:
    findings = Findings()
    assert Reader(findings, {}, Path("/")).struct(Checked, {"low": 2, "high": 1}, "it") is None
    assert findings.problems == [("it", "low is above high", "correct it")]


def test_what_should_be_a_table_and_is_none_is_refused() -> None:
    findings = Findings()
    with pytest.raises(Wrong):
        Reader(findings, {}, Path("/")).table("text", "sinks.team")
    assert findings.problems == [
        ("sinks.team", "is a single value, not a table", "write it as [sinks.team] or as { key = value }")
    ]


class Beside(msgspec.Struct, frozen=True, kw_only=True):
    """Text that may be a secret, and a path."""

    headers: dict[str, MaybeSecret] = {}
    path: LocalPath = ""


def test_text_that_may_be_a_secret_is_one_only_where_it_comes_from_elsewhere() -> None:
    findings = Findings()
    reader = Reader(findings, {"KEY": "hush-hush"}, Path("/folder"))
    made = reader.struct(Beside, {"headers": {"accept": "application/json", "x-key": "env:KEY"}}, "it")
    assert made is not None
    assert {name: value.reveal() for name, value in made.headers.items()} == {
        "accept": "application/json",
        "x-key": "hush-hush",
    }
    assert reader.secrets == [Secret("hush-hush")]
    assert (reader.has_literal_secret, findings.problems) == (False, [])


@pytest.mark.parametrize(("written", "read"), [("events.jsonl", "/folder/events.jsonl"), ("/var/x", "/var/x")])
def test_a_relative_path_begins_at_the_folder_of_the_file(written: str, read: str) -> None:
    made = Reader(Findings(), {}, Path("/folder")).struct(Beside, {"path": written}, "it")
    assert made is not None
    assert made.path == read
