"""`costs`, and what `check` tells of budgets and stopped sources."""

from __future__ import annotations

from pathlib import Path

import msgspec

from cli.parts import configured, done, on, run, values, webhook
from receiver.cli import Runtime
from receiver.contracts import Breaker
from receiver.views.costs import CostSummary
from support.world import PICKED

BUDGET = 'budget = { credits = 3, per = "total" }\n'


def budgeted(folder: Path) -> None:
    """Two HD orders planned because of picks, of which the budget allows one."""
    file = configured(folder)
    file.write_text(file.read_text().replace("secrets ", f"{BUDGET}secrets "))
    for number in range(2):
        webhook(folder, {**PICKED, "task_id": f"task-{number}"})


def stopped(folder: Path) -> None:
    """JourneyAPI has refused an order for want of credits."""

    async def work(parts: Runtime) -> None:
        note = "journey refuses orders: no credits left"
        breaker = Breaker(
            source="journey", code="insufficient_credits", note=note, since=0, probe_at=300_000, failures=1
        )
        await parts.store.write(lambda tx: tx.put_breaker(breaker))

    on(folder, work)


def test_costs_are_shown_by_source_rule_and_day(tmp_path: Path) -> None:
    budgeted(tmp_path)
    blocks = done(run(tmp_path, "costs")).split("\n\n")
    assert blocks[0].startswith("ordered since 20")
    source, rule, day, total, budget = ([line.split() for line in block.splitlines()] for block in blocks[1:])
    assert source == [
        ["SOURCE", "UNIT", "SPENT", "RESERVED", "RELEASED", "UNKNOWN", "JOBS"],
        ["journey", "credits", "0", "2", "0", "0", "1"],
    ]
    assert rule[1] == ["auto-hd", "credits", "of", "journey", "0", "2", "0", "0", "1"]
    assert day[1][1:] == total[1] == ["credits", "of", "journey", "0", "2", "0", "0", "1"]
    assert budget[1] == ["source", "journey", "3", "credits", "in", "all", "2", "1", "0", "-", "1"]


def test_costs_as_json_are_the_published_shape(tmp_path: Path) -> None:
    budgeted(tmp_path)
    [found] = values(run(tmp_path, "costs", "--json"))
    read = msgspec.convert(found, CostSummary)
    assert (read.by_rule[0].name, found["by_rule"][0]["reserved"], found["budgets"][0]["left"]) == ("auto-hd", "2", "1")


def test_a_span_can_be_asked_for(tmp_path: Path) -> None:
    budgeted(tmp_path)
    assert done(run(tmp_path, "costs", "--since", "1h", "--until", "2026-01-01")).splitlines()[1] == "nothing"
    result = run(tmp_path, "costs", "--since", "yesterday")
    assert result.exit_code == 2
    assert "--since is a moment" in result.stderr


def test_without_orders_it_says_so(tmp_path: Path) -> None:
    configured(tmp_path)
    assert done(run(tmp_path, "costs")).splitlines()[1:] == ["nothing"]


def test_a_stopped_source_is_told_by_costs_and_by_check(tmp_path: Path) -> None:
    budgeted(tmp_path)
    stopped(tmp_path)
    told = (
        "no orders since 1970-01-01T00:00:00.000Z: journey refuses orders: no credits left (insufficient_credits); "
        "next probe 1970-01-01T00:05:00.000Z\n"
    )
    assert f"\njourney: {told}" in done(run(tmp_path, "costs"))
    assert f"  stopped      {told}" in done(run(tmp_path, "check"))
    [found] = values(run(tmp_path, "check", "--json"))
    assert found["sources"][0]["stopped"]["code"] == "insufficient_credits"


def test_check_tells_what_is_used_of_a_budget(tmp_path: Path) -> None:
    budgeted(tmp_path)
    shown = done(run(tmp_path, "check"))
    assert "  budget       3 credits in all\n               2 used, 1 left; 1 job waits for it\n" in shown
    [found] = values(run(tmp_path, "check", "--json"))
    assert found["sources"][0]["budget_state"]["used"] == "2"


def test_check_tells_what_is_used_of_a_rules_budget(tmp_path: Path) -> None:
    file = configured(tmp_path)
    file.write_text(file.read_text().replace('name = "auto-hd"\n', f'name = "auto-hd"\n{BUDGET}'))
    webhook(tmp_path, PICKED)
    assert "for at most 3 credits in all\n  of its budget 2 used, 1 left\n" in done(run(tmp_path, "check"))
