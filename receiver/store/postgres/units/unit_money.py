"""Costs, budgets and breakers of a unit of work."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from receiver.contracts import Breaker, CostRow, CostSum, Scope
from receiver.store.postgres.transaction import PostgresTransaction
from receiver.store.postgres.units import flush
from receiver.store.postgres.units.loaded import Small, SumSpan
from receiver.store.postgres.units.noted import UnitStatements
from receiver.store.postgres.units.unit import Missing, UnitOfWork
from receiver.store.sql.exact import exact_sum
from receiver.store.tables.jobs import EVERY, WOKEN
from receiver.store.tables.money import SIZES, sum_key


class UnitMoney(PostgresTransaction):
    """What jobs cost, and which sources refuse orders, in memory."""

    _unit: UnitOfWork
    _statements: UnitStatements

    def put_cost(self, row: CostRow) -> None:
        """Writes what a job costs."""
        before = self.cost(row.job)
        if before is not None:
            self._count_in(before, -1)
        self._count_in(row, 1)
        self._unit.put(self._unit.loaded.costs, row.job, row)
        amount = None if row.amount is None else str(row.amount)
        values = (row.job, row.source, row.rule, row.at, row.state, row.unit, amount)
        self._statements.note(flush.COSTS, row.job, values)

    def cost(self, job: int) -> CostRow | None:
        """What a job costs."""
        loaded = self._unit.loaded
        if job in loaded.costs:
            return loaded.costs[job]
        return None if self._unit.is_new(job) else self._unit.miss(loaded.wanted.costs, job, None)

    def _count_in(self, row: CostRow, times: int) -> None:
        """Adds a cost to its sums (`times` 1), or takes it out of them (-1)."""
        known = Decimal(0) if row.amount is None else row.amount
        amount = known if times == 1 else known.copy_negate()
        unknown = times * (row.amount is None)
        changes, pending = self._unit.cost_changes, self._unit.pending.of(flush.SUMS)
        change = CostSum(
            source=row.source,
            rule=row.rule,
            at=row.at,
            state=row.state,
            unit=row.unit,
            amount=amount,
            unknown=unknown,
            jobs=times,
        )
        self._unit.put(changes, len(changes), change)
        for size in SIZES:
            key = sum_key(row, size)
            *_, so_far, unknowns, jobs = pending.get(key) or ("0", 0, 0)
            total = str(exact_sum((Decimal(so_far), amount)))
            self._statements.note(flush.SUMS, key, (*key, total, unknowns + unknown, jobs + times))

    def cost_sums(
        self, since: int, until: int | None = None, *, of: Scope | None = None, by_quarters: bool = False
    ) -> list[CostSum]:
        """The costs reserved from `since` on and before `until`; nobody else spends of that scope until the commit."""
        loaded, span = self._unit.loaded, SumSpan(since, until, of, by_quarters)
        found = loaded.sums.get(span)
        if found is None:
            return self._unit.miss(loaded.wanted.sums, span, [])
        changes = self._unit.cost_changes
        ours = (changes[place] for place in range(found.changes, len(changes)))
        return found.sums + [
            change
            for change in ours
            if since <= change.at
            and (until is None or change.at < until)
            and (of is None or getattr(change, of[0]) == of[1])
        ]

    def breaker(self, source: str) -> Breaker | None:
        """The open breaker of a source; nobody closes it until the commit."""
        loaded = self._unit.loaded
        if source in loaded.breakers:
            return loaded.breakers[source]
        hint = self.small().breakers.get(source)
        return None if hint is None else self._unit.miss(loaded.wanted.breakers, source, hint)

    def put_breaker(self, breaker: Breaker) -> None:
        """Opens a breaker, or changes it."""
        source = breaker.source
        if self._owned(source) is not None:
            self._statements.note(flush.CLOSED_BREAKERS, source, (source,))
        self._statements.note(flush.BREAKERS, source, msgspec.structs.astuple(breaker))
        self._unit.put(self._unit.loaded.breakers, source, breaker)

    def close_breaker(self, source: str) -> None:
        """Orders may go out again."""
        if self._owned(source) is not None:
            self._statements.note(flush.CLOSED_BREAKERS, source, (source,))
        self._statements.note(flush.BREAKERS, source, None)
        self._unit.put(self._unit.loaded.breakers, source, None)

    def _owned(self, source: str) -> Breaker | None:
        """The breaker of a source, which nobody else reads or changes until the commit."""
        loaded = self._unit.loaded
        if source not in loaded.own_breakers:
            return self._unit.miss(loaded.wanted.own_breakers, source, None)
        return loaded.breakers.get(source)

    def check_held_now(self, now: int, *, every: bool = False) -> None:
        """Lets the held jobs that have waited longest, or all, be looked at now; no question."""
        self._statements.note(flush.HELD_CHECKS, now, (now, EVERY if every else WOKEN))

    def set_back_at(self) -> int | None:
        """What the clock was set to when it was last set back; None if it never was."""
        return self.small().numbers.get("set_back_at")

    def small(self) -> Small:
        """The small tables, as they were when the commit began. Raises Missing."""
        if self._unit.loaded.small is None:
            raise Missing
        return self._unit.loaded.small
