"""Which events go where."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.model.events import EventType, KeptEvent
from receiver.model.jobs import JobError, Then
from receiver.model.rules import Rule, route
from support.records import a_job

HD = Then(action="upscale", params={"kind": "2x"})


def an_event(kind: EventType = "job.completed", **fields: object) -> KeptEvent:
    """An event about a pick of tile 2; `fields` are those of the job."""
    start: dict[str, Any] = {"action": "pick", "params": {"index": 2}, "tags": {"project": "poster"}, "rule": "r"}
    kept = a_job(status="completed", **{**start, **fields})
    return KeptEvent(number=1, job=kept.number, type=kind, key=1000, at=0, data=kept.job)


def matches(when: dict[str, Any], event: KeptEvent | None = None) -> bool:
    """Whether a rule with this `when` takes the event."""
    found = route(event or an_event(), [Rule(name="r", when=when, to=("team",))])
    return found.sinks == ("team",)


@pytest.mark.parametrize(
    "when",
    [
        {},
        {"type": "job.completed"},
        {"type": "job.*"},
        {"type": ["job.failed", "job.completed"]},
        {"type": ["job.failed", "job.comp*"]},
        {"source": "journey", "provider": "journeyapi", "action": "pick"},
        {"action": "p*k"},
        {"params": {"index": 2}},
        {"params": {"index": "2"}},
        {"params": {"index": [1, 2]}},
        {"tags": {"project": "poster"}},
        {"tags": {"project": "post*"}},
        {"progress": 0},
        {"status": "completed", "rule": "*"},
        {"error": "*"},
    ],
)
def test_a_condition_that_holds_matches(when: dict[str, Any]) -> None:
    assert matches(when)


@pytest.mark.parametrize(
    "when",
    [
        {"type": "job.failed"},
        {"type": []},
        {"type": "completed"},
        {"source": "studio"},
        {"action": "P*"},
        {"action": "pic?"},
        {"action": "[p]ick"},
        {"params": {"index": 3}},
        {"params": {"index": True}},
        {"params": {"kind": "2x"}},
        {"tags": {"project": "poster", "client": "x"}},
        {"tags": "poster"},
        {"error": {"code": "moderated"}},
        {"error": "x*"},
        {"type": "job.completed", "action": "imagine"},
    ],
)
def test_a_condition_that_does_not_hold_matches_not(when: dict[str, Any]) -> None:
    assert not matches(when)


def test_a_nested_table_looks_into_records() -> None:
    failed = an_event("job.failed", error=JobError(code="moderated", message="no"))
    assert matches({"error": {"code": ["moderated", "auth"]}}, failed)


def test_a_sink_named_by_several_rules_gets_an_event_once() -> None:
    rules = [Rule(name="a", to=("team", "backend")), Rule(name="b", to=("team",))]
    assert route(an_event(), rules).sinks == ("team", "backend")


def test_every_matching_rule_orders_its_follow_ups_under_its_own_name() -> None:
    rules = [
        Rule(name="a", then=(HD,)),
        Rule(name="b", when={"action": "imagine"}, then=(HD,)),
        Rule(name="c", then=(HD, HD)),
    ]
    assert route(an_event(), rules).follow_ups == (("a", HD), ("c", HD), ("c", HD))


@given(st.text(alphabet="ab*?[]!-", max_size=6), st.text(alphabet="ab*?[]!-", max_size=6))
def test_only_the_star_is_special(pattern: str, value: str) -> None:
    """Against a matcher of its own: the star matches any text, every other letter itself."""

    def fits(pattern: str, value: str) -> bool:
        if not pattern:
            return not value
        if pattern[0] == "*":
            return any(fits(pattern[1:], value[start:]) for start in range(len(value) + 1))
        return bool(value) and value[0] == pattern[0] and fits(pattern[1:], value[1:])

    assert matches({"tags": {"x": pattern}}, an_event(tags={"x": value})) is fits(pattern, value)
