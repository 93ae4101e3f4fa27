"""Which events go where."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.model.events import EventType, KeptEvent, OperatorData
from receiver.model.jobs import Cost, JobError, Then
from receiver.model.rules import Route, Rule, route
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


# --- if --------------------------------------------------------------------------------------------------------------


def under(condition: str, event: KeptEvent | None = None) -> Route:
    """Where a rule with this `if` and a follow-up sends the event."""
    return route(event or an_event(), [Rule(name="r", condition=condition, to=("team",), then=(HD,))])


@pytest.mark.parametrize(
    "condition",
    [
        'job.action == "pick"',
        'event.type == "job.completed" and event.id.startswith("evt_")',
        "job.params.index > 1",
        'job.tags.project == "poster"',
        "job.tags.nothing is undefined and not job.params.nothing.deeper",
        'event.data.id == job.id and event.subject == job.id and event.source == "gridhook/journey"',
    ],
)
def test_a_true_if_matches(condition: str) -> None:
    assert under(condition) == Route(sinks=("team",), follow_ups=(("r", HD),))


def test_amounts_are_numbers() -> None:
    dear = an_event(cost=Cost(amount=Decimal("10.5"), unit="credits", source="table"))
    assert under("job.cost.amount > 9", dear).sinks == ("team",)
    assert under("job.cost.amount > 9").sinks == ()


@pytest.mark.parametrize("condition", ['job.action == "imagine"', "job.error", "job.params.index > 2", "false"])
def test_a_false_if_does_not_match(condition: str) -> None:
    assert under(condition) == Route()


@pytest.mark.parametrize("condition", ['"cat" in job.progress', "1 / job.progress", "range(100000) | list", "job |"])
def test_an_if_that_fails_does_not_match_and_is_named(condition: str) -> None:
    found = under(condition, an_event(prompt="hush hush"))
    assert (found.sinks, found.follow_ups) == ((), ())
    ((rule, why),) = found.unjudged
    assert rule == "r"
    assert why.isprintable()
    assert "hush" not in why


def test_an_operator_event_has_no_job_but_can_be_judged() -> None:
    data = OperatorData(sink="team", reason="it is down")
    event = KeptEvent(number=1, job=0, type="sink.failing", key=1, at=0, data=data)
    assert under('event.type != "job.archived" or job.action != "imagine"', event).sinks == ("team",)
    assert under('event.data.reason == "it is down" and job is none', event).sinks == ("team",)
    assert under('job.action == "pick"', event) == Route()


def test_an_if_changes_nothing_of_the_event() -> None:
    event = an_event()
    before = msgspec.json.encode(event)
    assert under('job.update({"action": "imagine"}) is none', event).sinks == ("team",)
    assert msgspec.json.encode(event) == before
