"""The dashboard and the alert rules in `deploy/` ask for nothing but what `/metrics` has."""

from __future__ import annotations

import re
from typing import Final

import pytest

from receiver.web.metrics.families import stored
from support.every_metric import FOUND, everything
from support.monitoring import ALERTS, DASHBOARD, OF_PROMETHEUS, PANELS, expressions, unanswered
from support.prometheus_rules import families, label_names
from support.promql import asked
from support.records import NOW

KNOWN: Final = label_names(families(everything()).values()) | {"up": set()}
#: What is read from the database, which every replica tells alike.
OF_DATABASE: Final = {family.name for family in stored(FOUND, NOW)} - {"gridhook_store_up"}


@pytest.mark.parametrize("expression", expressions())
def test_every_expression_asks_for_metrics_and_labels_that_there_are(expression: str) -> None:
    for one in asked(expression):
        assert one.metric in KNOWN, f"there is no {one.metric}"
        # Labels of a comparison may be those of its other side.
        there = {label for other in asked(expression) for label in KNOWN[other.metric]}
        assert one.labels <= there | OF_PROMETHEUS, expression


@pytest.mark.parametrize(
    "wrong", ["sum(rate(x[5m])", "rate(gridhook_events_total[5])", "1", "rate gridhook_connections"]
)
def test_an_expression_that_is_none_would_be_seen(wrong: str) -> None:
    with pytest.raises(ValueError, match=re.escape(wrong)):
        asked(wrong)


@pytest.mark.parametrize("expression", expressions())
def test_what_every_replica_tells_alike_is_not_added_up(expression: str) -> None:
    for one in asked(expression):
        if one.metric in OF_DATABASE and "label_values" not in expression:
            largest = rf"max(?: by \([a-z, ]+\) )?\((?:delta\()?{one.metric}\b"
            assert len(re.findall(largest, expression)) == len(re.findall(rf"{one.metric}\b", expression)), expression


def test_a_question_without_an_answer_would_be_seen() -> None:
    page = everything()
    assert unanswered(page) == []
    gone = "\n".join(line for line in page.splitlines() if 'status="dead"' not in line) + "\n"
    assert unanswered(gone) == [one for one in expressions() if 'status="dead"' in one] != []


def test_every_metric_of_ours_is_on_the_dashboard() -> None:
    shown = {one.metric for panel in PANELS for target in panel["targets"] for one in asked(target["expr"])}
    parts = {name: name.removesuffix("_bucket").removesuffix("_count").removesuffix("_sum") for name in KNOWN}
    shown = {parts[name] for name in shown}
    assert {part for part in parts.values() if part.startswith("gridhook_")} - shown == set()


def test_alerts_say_what_to_do_and_name_labels_that_they_have() -> None:
    names = [rule["alert"] for rule in ALERTS]
    assert len(set(names)) == len(names) > 10
    for rule in ALERTS:
        assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert re.fullmatch(r"\d+[smh]", rule.get("for", "1m"))
        there = {label for one in asked(rule["expr"]) for label in KNOWN[one.metric]} | OF_PROMETHEUS
        for text in (rule["annotations"]["summary"], rule["annotations"]["description"]):
            assert set(re.findall(r"\$labels\.(\w+)", text)) <= there, rule["alert"]


def test_panels_have_a_place_of_their_own() -> None:
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    taken = [
        (x, y)
        for place in (panel["gridPos"] for panel in DASHBOARD["panels"])
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) == 23
