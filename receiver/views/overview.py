"""What stands above every page: what waits for a person, and what is left of each budget."""

from __future__ import annotations

import msgspec

from receiver.contracts import Transaction
from receiver.contracts.setup import Setup
from receiver.views.costs import BudgetState, budget_states


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """How much waits for a person; each number is 100,000 at most."""

    held: int
    unsure: int
    #: Deliveries that were given up, and that nobody left.
    dead: int

    @property
    def all(self) -> int:
        """All of it."""
        return self.held + self.unsure + self.dead


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """How things stand now."""

    waiting: Waiting
    #: Jobs that their vendors work on, or are about to.
    running: int
    #: Of sources, the one with the least left first.
    budgets: tuple[BudgetState, ...]


def waiting(tx: Transaction) -> Waiting:
    """What waits for a person."""
    counts = tx.counts()
    return Waiting(
        held=sum(count for (_, status), count in counts.jobs.items() if status == "held"),
        unsure=sum(count for (_, status), count in counts.jobs.items() if status == "unsure"),
        dead=counts.deliveries["unseen"],
    )


def overview(tx: Transaction, setup: Setup, now: int) -> Overview:
    """How things stand at `now`, Unix ms."""
    open_jobs = tx.counts().jobs.items()
    budgets = [one for one in budget_states(tx, setup, now) if one.scope == "source"]
    return Overview(
        waiting=waiting(tx),
        running=sum(count for (_, status), count in open_jobs if status not in ("held", "unsure")),
        budgets=tuple(sorted(budgets, key=lambda one: one.left / one.amount if one.amount else 0)),
    )
