"""A rule that asks a person which tile, and grids to ask about."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from receiver.contracts import Filters, Transaction
from receiver.contracts.setup import Setup
from receiver.flows.asking.questions import open_questions
from receiver.model.jobs import KeptJob, Then
from receiver.model.questions import Question
from receiver.model.rules import Rule
from support.records import a_source
from support.taking import take

HD: Final = Then(action="upscale", params={"kind": "2x"})


def grid_body(task: str = "grid") -> dict[str, Any]:
    """JourneyAPI's webhook about a finished grid that another tool ordered."""
    return {
        "task_id": task,
        "task_type": "imagine",
        "status": "finished",
        "original_image_url": f"https://cdn.example.com/{task}.png",
        "image_urls": [f"https://cdn.example.com/{task}_{tile}.png" for tile in range(4)],
    }


def asking(name: str = "poster", *, default: int | None = None, within_s: float = 3600, then: Any = (HD,)) -> Rule:
    """A rule that asks sink `team` about every grid."""
    question = Question(sinks=("team",), within_s=within_s, default=default)
    ask = Then(action="pick", ask=question, then=then)
    return Rule(name=name, when={"type": "job.completed", "action": "imagine"}, then=(ask,))


def setup_asking(*rules: Rule, **fields: Any) -> Setup:
    """A configuration with these rules, a JourneyAPI account, and the sink `team`, which has buttons."""
    team = frozenset({"team"})
    setup = Setup(sources={"journey": a_source()}, rules=rules or (asking(),), sinks=team, button_sinks=team)
    return msgspec.structs.replace(setup, **fields)


def ask_about(tx: Transaction, setup: Setup, task: str = "grid") -> tuple[KeptJob, KeptJob]:
    """The finished grid, and the question about it that was asked first."""
    take(tx, grid_body(task), setup)
    grid = tx.job_at("journey", task)
    assert grid is not None
    return grid, open_questions(tx, grid)[0]


def picks(tx: Transaction) -> list[KeptJob]:
    """Every pick, questions too, oldest first."""
    return list(reversed(tx.jobs(Filters(action="pick", limit=500))))
