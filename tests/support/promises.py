"""What is promised about money and results, checked against the vendor's own book."""

from __future__ import annotations

from collections import Counter

from receiver.contracts import Budget
from receiver.flows import budgets
from receiver.model.jobs import TERMINAL, KeptJob
from support.road import EVERYTHING, Road


class Promises:
    """What must be so of a road, at any moment and in the end."""

    def __init__(self, road: Road, budget: Budget | None) -> None:
        self._road = road
        self._budget = budget
        self._before: dict[int, KeptJob] = {}

    def hold(self, *, forced: bool) -> None:
        """What must be so at any moment. `forced`: a person has overridden the budget."""
        jobs = self._road.jobs()
        self._nothing_is_paid_twice(jobs)
        self._nothing_paid_is_forgotten(jobs)
        self._nothing_is_stuck(jobs)
        self._what_is_over_stays_over(jobs)
        self._the_budget_is_kept(forced)

    def _nothing_is_paid_twice(self, jobs: list[KeptJob]) -> None:
        bills = Counter(self._road.ordered_by(task) for task in self._road.vendor.bills)
        assert all(count <= 1 + self._road.sends[number] for number, count in bills.items()), "an intent was paid twice"
        wishes = Counter(task.wish for task in self._road.vendor.bills)
        allowed = Counter(
            {task.wish: self._road.sends[self._road.ordered_by(task)] for task in self._road.vendor.bills}
        )
        assert all(count <= 1 + allowed[wish] for wish, count in wishes.items()), "a wish was paid twice"
        intents = Counter(kept.intent for kept in jobs if kept.ordered_by_us)
        assert not intents or max(intents.values()) == 1
        assert self._road.vendor.malformed == []

    def _nothing_paid_is_forgotten(self, jobs: list[KeptJob]) -> None:
        by_number = {kept.number: kept for kept in jobs}
        for task in self._road.vendor.bills:
            kept = by_number[self._road.ordered_by(task)]
            if kept.job.status == "failed":
                assert kept.gave_up or self._one_failed(kept.number), "a paid job is failed for good"
            elif kept.job.status in ("planned", "held"):
                assert self._road.sends[kept.number], "a paid job looks as if nothing had been sent"
            else:
                assert kept.job.status != "canceled", "a paid job is canceled"

    def _one_failed(self, number: int) -> bool:
        return any(task.state == "failed" and self._road.ordered_by(task) == number for task in self._road.vendor.bills)

    def _nothing_is_stuck(self, jobs: list[KeptJob]) -> None:
        orders = {one.job: one for one in self._road.view(lambda tx: tx.deliveries(EVERYTHING)) if one.is_order}
        for kept in jobs:
            status = kept.job.status
            if status == "submitting":
                assert orders[kept.number].state == "running", "nobody knows any more that this was being sent"
            elif status == "planned":
                assert orders[kept.number].state in ("pending", "running"), "a planned job is never ordered"
            elif status in ("queued", "running") and kept.ordered_by_us:
                assert kept.check_at is not None, "a job at the vendor is never looked at"

    def _what_is_over_stays_over(self, jobs: list[KeptJob]) -> None:
        for kept in jobs:
            before = self._before.get(kept.number)
            if before is not None:
                assert kept.job.progress >= before.job.progress
            if before is not None and before.job.status in TERMINAL:
                late = before.job.status == "failed" and kept.job.status == "completed"
                assert kept.job.status == before.job.status or late
        self._before = {kept.number: kept for kept in jobs}

    def _the_budget_is_kept(self, forced: bool) -> None:
        if self._budget is None or forced:
            return
        since = budgets.period_start(self._budget, self._road.clock(), "UTC")
        used = budgets.used(self._road.view(lambda tx: tx.costs(since, source="journey")), self._budget.unit)
        assert used <= self._budget.amount

    # --- in the end

    def hold_at_rest(self) -> None:
        """What must be so once the vendor has told everything and nothing is due any more."""
        jobs = self._road.jobs()
        by_id = {kept.job.provider_job_id: kept for kept in jobs}
        for task in self._road.vendor.bills:
            assert task.id in by_id, f"{task.id} was paid and is not known"
            assert by_id[task.id].job.status == task.state, f"{task.id} is {task.state} and we do not know it"
        for kept in jobs:
            self._is_at_rest(kept)
        _each_pick_has_its_hd(jobs)

    def _is_at_rest(self, kept: KeptJob) -> None:
        if kept.job.status == "unsure":
            told = any(self._road.ordered_by(task) == kept.number for task in self._road.told_on_ref)
            assert not told, "the vendor told of it, and it is unsure all the same"
        elif kept.job.status == "held":
            assert kept.job.hold is not None
            assert kept.job.hold.reason == "budget"
            assert not self._fits(kept), "it is held for a budget that it fits into"
        elif kept.ordered_by_us:
            assert kept.job.status in TERMINAL

    def _fits(self, kept: KeptJob) -> bool:
        if self._budget is None or kept.job.cost is None:
            return True
        since = budgets.period_start(self._budget, self._road.clock(), "UTC")
        rows = self._road.view(lambda tx: tx.costs(since, source="journey"))
        used = budgets.used((row for row in rows if row.job != kept.number), self._budget.unit)
        return used + kept.job.cost.amount <= self._budget.amount


def _each_pick_has_its_hd(jobs: list[KeptJob]) -> None:
    picks = {kept.job.id for kept in jobs if kept.job.action == "pick" and kept.job.status == "completed"}
    followed = Counter(str(kept.job.parent_id) for kept in jobs if kept.job.rule == "auto-hd")
    twins = {kept.job.id: kept.replaced_by for kept in jobs if kept.replaced_by is not None}
    together = Counter({twins.get(pick, pick): 0 for pick in picks})
    for parent, count in followed.items():
        together[twins.get(parent, parent)] += count
    assert all(count == 1 for count in together.values()), f"a pick has not exactly one HD job: {together}"
