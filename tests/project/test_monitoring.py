"""The dashboard and the alert rules in `deploy/` ask for nothing but what `/metrics` has."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml  # type: ignore[import-untyped]

from support.every_metric import everything
from support.prometheus_rules import families, label_names
from support.promql import asked

ROOT: Final = Path(__file__).parent.parent.parent
DASHBOARD: Final[dict[str, Any]] = json.loads((ROOT / "deploy/grafana/gridhook.json").read_text("utf-8"))
RULES: Final[dict[str, Any]] = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text("utf-8"))
ALERTS: Final = [rule for group in RULES["groups"] for rule in group["rules"]]
PANELS: Final = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
#: What Prometheus itself adds.
OF_PROMETHEUS: Final = {"job", "instance"}
KNOWN: Final = label_names(families(everything()).values()) | {"up": set()}


def expressions() -> list[str]:
    """Every expression of both."""
    of_panels = [target["expr"] for panel in PANELS for target in panel["targets"]]
    of_variables = [one["query"]["query"] for one in DASHBOARD["templating"]["list"] if one["type"] == "query"]
    return [*of_panels, *(rule["expr"] for rule in ALERTS), *(one.rpartition(",")[0] + ")" for one in of_variables)]


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
