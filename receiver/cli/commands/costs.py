"""`costs`: what was ordered, what it costs, and what is left of the budgets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import typer

from receiver.cli import filters
from receiver.cli.explain import WITHIN, stopped_text
from receiver.cli.local_times import local
from receiver.cli.screen import (
    clean,
    emit,
    say,
    table,
)
from receiver.cli.session import (
    DEFAULT_FILE,
    AsJson,
    ConfigFile,
    with_service,
)
from receiver.cli.values import moment
from receiver.composition import Runtime
from receiver.views.costs import (
    BudgetState,
    CostLine,
    CostSummary,
    summary,
)

LINE: Final = ("UNIT", "SPENT", "RESERVED", "RELEASED", "UNKNOWN", "JOBS")
BUDGETS: Final = ("BUDGET", "AMOUNT", "USED", "LEFT", "UNKNOWN", "UNTIL", "HELD")


def costs(
    ctx: typer.Context,
    since: filters.SinceOption = None,
    until: filters.UntilOption = None,
    config: ConfigFile = DEFAULT_FILE,
    json: AsJson = False,
) -> None:
    """Show what orders cost, by source, rule and day.

    Since the month began, if no --since is given. Credits of different sources are never added up. Unknown counts jobs
    whose cost is in none of the amounts.
    """

    async def work(service: Runtime) -> CostSummary:
        now = service.clock()
        start, end = moment(since, "--since", now), moment(until, "--until", now)
        return await service.store.read(lambda tx: summary(tx, service.setup, start, end, now))

    found = with_service(ctx, config, work, secrets="optional")
    if json:
        emit(found)
    else:
        _show(found)


def _show(found: CostSummary) -> None:
    say(f"ordered since {local(found.since)}{f', before {local(found.until)}' if found.until else ''}")
    if not found.total:
        say("nothing")
    for title, lines, nameless in (
        ("SOURCE", found.by_source, "-"),
        ("RULE", found.by_rule, "(by a person)"),
        ("DAY", found.by_day, "-"),
        ("TOTAL", found.total, ""),
    ):
        if lines:
            say()
            table((title, *LINE), [_cells(line, nameless) for line in lines])
    if found.budgets:
        say()
        table(BUDGETS, [_budget_cells(budget) for budget in found.budgets])
    for stopped in found.stopped:
        say()
        say(clean(f"{stopped.source}: {stopped_text(stopped)}"))


def _cells(line: CostLine, nameless: str) -> Sequence[object]:
    amounts = [f"{amount:f}" for amount in (line.spent, line.reserved, line.released)]
    unit = line.unit if line.source in (None, line.name) else f"{line.unit} of {line.source}"
    return [nameless if line.name is None else line.name, unit, *amounts, line.unknown, line.jobs]


def _budget_cells(budget: BudgetState) -> Sequence[object]:
    amount = f"{budget.amount:f} {budget.unit} {WITHIN[budget.per]}"
    used, left = f"{budget.used:f}", f"{budget.left:f}"
    return [f"{budget.scope} {budget.name}", amount, used, left, budget.unknown, local(budget.until), budget.held]
