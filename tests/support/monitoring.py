"""What is shipped to watch gridhook with: the dashboard's and the alert rules' questions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import yaml  # type: ignore[import-untyped]

from support.prometheus_rules import families
from support.promql import asked

DEPLOY: Final = Path(__file__).parent.parent.parent / "deploy"
DASHBOARD: Final[dict[str, Any]] = json.loads((DEPLOY / "grafana/gridhook.json").read_text("utf-8"))
RULES: Final[dict[str, Any]] = yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text("utf-8"))
ALERTS: Final = [rule for group in RULES["groups"] for rule in group["rules"]]
PANELS: Final = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
#: What Prometheus itself adds.
OF_PROMETHEUS: Final = frozenset({"job", "instance"})


def expressions() -> list[str]:
    """Every expression of both."""
    of_panels = [target["expr"] for panel in PANELS for target in panel["targets"]]
    of_variables = [one["query"]["query"] for one in DASHBOARD["templating"]["list"] if one["type"] == "query"]
    return [*of_panels, *(rule["expr"] for rule in ALERTS), *(one.rpartition(",")[0] + ")" for one in of_variables)]


def unanswered(page: str) -> list[str]:
    """The expressions that ask for series of which there is none on this page of `/metrics`."""
    there = list(families(page).values())
    return [
        expression
        for expression in expressions()
        if not all(one.metric == "up" or one.is_answered(there, OF_PROMETHEUS) for one in asked(expression))
    ]
