"""What is old and over: how it is found, and how it goes."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, NamedTuple

from receiver.contracts.upkeep.pruning import (
    OldRows,
    Pruned,
)
from receiver.lib import ids
from receiver.model.jobs import TERMINAL, KeptJob
from receiver.store.sql.conditions import PROMPT
from receiver.store.sql.keys import job_key
from receiver.store.tables.table import Table

ONE_OF: Final = "(SELECT value FROM json_each(?))"
MEMBERS: Final = f"""
    SELECT number, number, status, source, provider_job_id, intent FROM jobs WHERE number IN {ONE_OF}
    UNION ALL
    SELECT number, root, status, source, provider_job_id, intent FROM jobs WHERE root IN {ONE_OF} AND parent IS NOT NULL
"""
# `+` keeps a condition from being looked up on an index of its own: by their jobs these are few.
YOUNG: Final = f"SELECT DISTINCT job FROM events WHERE job IN {ONE_OF} AND +number >= ?"
WAITING: Final = f"""
    SELECT DISTINCT job FROM deliveries WHERE job IN {ONE_OF} AND NOT (+state IN ('done', 'dead') AND due_at < ?)
"""
#: Jobs planned because of the vendor's jobs of these names (see `receiver.flows.advance.intent_of`).
PLANNED_FOR: Final = """
    SELECT wanted.value, jobs.root FROM json_each(?) AS wanted
    JOIN jobs ON jobs.intent >= wanted.value || '|' AND jobs.intent < wanted.value || '}'
"""
#: Those that nobody has yet to be told of: job 0 stands for none.
OLD_OPERATOR_EVENTS: Final = """
    SELECT number FROM events WHERE job = 0 AND key < ? AND NOT EXISTS (
        SELECT 1 FROM deliveries
        WHERE deliveries.job = 0 AND deliveries.event = events.number AND +state IN ('pending', 'running')
    ) ORDER BY key LIMIT ?
"""
COUNTS: Final = f"""
    SELECT (SELECT count(*) FROM events WHERE job IN {ONE_OF}),
        (SELECT count(*) FROM deliveries WHERE job IN {ONE_OF}),
        (SELECT count(*) FROM attempts WHERE delivery IN (SELECT number FROM deliveries WHERE job IN {ONE_OF}))
"""
REMEMBER: Final = "INSERT OR IGNORE INTO forgotten SELECT value FROM json_each(?)"
REMEMBER_UP_TO: Final = """
    INSERT INTO {} AS known VALUES ('pruned_before', ?)
    ON CONFLICT (name) DO UPDATE
    SET value = CASE WHEN known.value > excluded.value THEN known.value ELSE excluded.value END
"""
#: The jobs that a request told of, by their events: those made at once, and those made later (reparse).
TOLD: Final = f"""
    SELECT job FROM events WHERE number > ?1 AND number <= ?1 + {PROMPT} AND request = ?1
    UNION ALL SELECT job FROM events INDEXED BY events_late
    WHERE request = ?1 AND number - request > {PROMPT}
"""


class FamilyMember(NamedTuple):
    """A job of a family, as far as it matters here."""

    number: int
    root: int
    status: str
    source: str
    provider_job_id: str | None
    intent: str | None


class PruningTables(Table):
    """Takes away whole families of jobs with all that hangs on them, and requests; nothing that waits or is young."""

    #: Whether any job was forgotten; None = not looked up yet. Asked once for all that share a commit.
    _some_forgotten: bool | None = None

    def job(self, number: int) -> KeptJob | None:
        """A job by its number; see `Jobs`."""
        raise NotImplementedError

    # --- what was pruned

    def forgotten(self, source: str, provider_job_id: str) -> bool:
        """Whether the vendor's job was pruned."""
        if self._some_forgotten is None:
            self._some_forgotten = self._one("SELECT 1 FROM forgotten LIMIT 1", ()) is not None
        if not self._some_forgotten:
            return False
        return self._one("SELECT 1 FROM forgotten WHERE key = ?", (job_key(source, provider_job_id),)) is not None

    def pruned(self, number: int) -> bool:
        """Whether a job that there certainly was is not here because it was pruned."""
        row = self._one(f"SELECT value FROM {self.numbers_table} WHERE name = 'pruned_before'", ())
        return row is not None and number < row[0] and self._is_gone(number)

    def _is_gone(self, number: int) -> bool:
        return self._one("SELECT 1 FROM jobs WHERE number = ?", (number,)) is None

    # --- families

    def old_families(self, after: int, before: int, limit: int) -> OldRows:
        """Looks at the next `limit` jobs after the number `after`: roots whose whole families are older than `before`.

        All jobs of such a family are over, none was made or heard of since, none has a delivery that waits.
        """
        rows = self._db.execute(
            "SELECT number, parent FROM jobs WHERE number > ? AND number < ? ORDER BY number LIMIT ?",
            (after, before, limit),
        ).fetchall()
        going = self._going([number for number, parent in rows if parent is None], before)
        return OldRows(numbers=list(going), last=rows[-1][0] if len(rows) == limit else None)

    def prune_families(self, roots: Sequence[int], before: int) -> Pruned:
        """Takes away the families of these roots, as far as they (still) may go."""
        members = [one for family in self._going(roots, before).values() for one in family]
        if not members:
            return Pruned()
        keys = {job_key(one.source, one.provider_job_id) for one in members if one.provider_job_id is not None}
        self._some_forgotten = None
        self._db.execute(REMEMBER, (array(keys),))
        self._db.execute(REMEMBER_UP_TO.format(self.numbers_table), (before,))
        jobs = array({one.number for one in members})
        of_deliveries = f"(SELECT number FROM deliveries WHERE job IN {ONE_OF})"
        self._delete(f"inline_pictures WHERE job IN {ONE_OF}", jobs)
        return Pruned(
            attempts=self._delete(f"attempts WHERE delivery IN {of_deliveries}", jobs),
            deliveries=self._delete(f"deliveries WHERE job IN {ONE_OF}", jobs),
            events=self._delete(f"events WHERE job IN {ONE_OF}", jobs),
            jobs=self._delete(f"jobs WHERE number IN {ONE_OF}", jobs),
        )

    def prunable_rows(self, roots: Sequence[int], before: int) -> tuple[Pruned, list[int]]:
        """What `prune_families` would take away, and the numbers of those jobs."""
        numbers = {one.number for family in self._going(roots, before).values() for one in family}
        jobs = array(numbers)
        events, deliveries, attempts = self._db.execute(COUNTS, (jobs, jobs, jobs)).fetchone()
        return Pruned(jobs=len(numbers), events=events, deliveries=deliveries, attempts=attempts), list(numbers)

    def _going(self, roots: Sequence[int], before: int) -> dict[int, list[FamilyMember]]:
        """The families that may go, by root: with each goes any other that holds intents of the same vendor's job."""
        families = self._families(roots)
        bound = self._bound(families)
        others = {root for some in bound.values() for root in some} - families.keys()
        families |= self._families(list(others))
        stay = self._staying(families, before)
        going = {}
        for root in roots:
            together = {root, *bound.get(root, ())}
            if root in families and not together & stay and not self._gave_its_id_up(families[root]):
                going[root] = [member for one in together for member in families[one]]
        return going

    def _families(self, roots: Sequence[int]) -> dict[int, list[FamilyMember]]:
        wanted = array(roots)
        families: dict[int, list[FamilyMember]] = {}
        for row in self._db.execute(MEMBERS, (wanted, wanted)).fetchall():
            member = FamilyMember(*row)
            families.setdefault(member.root, []).append(member)
        return families

    def _staying(self, families: dict[int, list[FamilyMember]], before: int) -> set[int]:
        """The roots of families that something waits in, or that are too young."""
        members = [one for family in families.values() for one in family]
        jobs = array([one.number for one in members])
        fresh = {row[0] for row in self._db.execute(YOUNG, (jobs, before))}
        fresh |= {row[0] for row in self._db.execute(WAITING, (jobs, ids.made_at(before)))}
        return {
            one.root for one in members if one.status not in TERMINAL or one.number >= before or one.number in fresh
        }

    def _bound(self, families: dict[int, list[FamilyMember]]) -> dict[int, set[int]]:
        """By root: other families in which follow-ups of the same vendor's jobs were planned.

        A webhook without a ref can name a job before the answer to its order does: then rules follow up on a job that
        has to give its id up to the ordered one. As long as either may be followed up on, the intents of both count.
        """
        names = {
            f"{one.source}/{one.provider_job_id}": one.root
            for family in families.values()
            for one in family
            if one.intent is not None and one.provider_job_id is not None
        }
        bound: dict[int, set[int]] = {}
        for name, other in self._db.execute(PLANNED_FOR, (array(names),)) if names else ():
            if other != names[name]:
                bound.setdefault(names[name], set()).add(other)
        return bound

    def _gave_its_id_up(self, family: Iterable[FamilyMember]) -> bool:
        """Whether a family has a job that gave its vendor's id up to another that is still here: it goes with that."""
        for one in family:
            if one.intent is None and one.provider_job_id is None:
                kept = self.job(one.number)
                heir = kept.replaced_by if kept is not None else None
                other = ids.read("job", heir) if heir is not None else None
                if other is not None and not self._is_gone(other):
                    return True
        return False

    # --- operator events

    def prune_operator_events(self, before: int, limit: int) -> Pruned:
        """Takes away at most `limit` operator events older than the id `before`, with deliveries that are over."""
        rows = self._db.execute(OLD_OPERATOR_EVENTS, (before, limit)).fetchall()
        events = array(row[0] for row in rows)
        of_deliveries = f"(SELECT number FROM deliveries WHERE job = 0 AND event IN {ONE_OF})"
        return Pruned(
            attempts=self._delete(f"attempts WHERE delivery IN {of_deliveries}", events),
            deliveries=self._delete(f"deliveries WHERE job = 0 AND event IN {ONE_OF}", events),
            events=self._delete(f"events WHERE number IN {ONE_OF}", events),
        )

    # --- requests

    def old_requests(self, after: int, before: int, limit: int, going: Collection[int] = ()) -> OldRows:
        """Looks at the next `limit` requests after this number: those that told of no job that is still here.

        `going` are jobs that count as gone.
        """
        rows = self._db.execute(
            "SELECT number, ref_job FROM requests WHERE number > ? AND number < ? ORDER BY number LIMIT ?",
            (after, before, limit),
        ).fetchall()
        numbers = [row[0] for row in rows if not self._told_of_one_here(row[0], row[1], going)]
        return OldRows(numbers=numbers, last=rows[-1][0] if len(rows) == limit else None)

    def _told_of_one_here(self, number: int, ref_job: int | None, going: Collection[int]) -> bool:
        if ref_job is not None and ref_job not in going and not self._is_gone(ref_job):
            return True
        return any(row[0] not in going for row in self._db.execute(TOLD, (number,)))

    def prune_requests(self, numbers: Sequence[int]) -> Pruned:
        """Takes these requests away."""
        return Pruned(requests=self._delete(f"requests WHERE number IN {ONE_OF}", array(numbers)))

    def _delete(self, what: str, *numbers: str) -> int:
        return self._db.execute(f"DELETE FROM {what}", numbers).rowcount


def array(values: Iterable[Any]) -> str:
    """Values as JSON, to be bound where `ONE_OF` stands."""
    return json.dumps(list(values))
