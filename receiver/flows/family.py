"""Jobs and those above them: parents, ancestors, and the job that took another's place."""

from __future__ import annotations

from receiver.contracts import Parent, Transaction
from receiver.lib import ids
from receiver.model.jobs import KeptJob


def as_parent(parent: KeptJob | None) -> Parent | None:
    """A job as its providers are asked about it."""
    if parent is None:
        return None
    return Parent(action=parent.job.action, provider=parent.job.provider, kept=parent)


def ancestors(tx: Transaction, kept: KeptJob) -> tuple[KeptJob, ...]:
    """Parent, grandparent ... up to the root."""
    chain: list[KeptJob] = []
    parent_id = kept.job.parent_id
    while parent_id is not None:
        number = ids.read("job", parent_id)
        kept_parent = tx.job(number) if number is not None else None
        if kept_parent is None:
            break
        parent = successor(tx, kept_parent)
        chain.append(parent)
        parent_id = parent.job.parent_id
    return tuple(chain)


def successor(tx: Transaction, kept: KeptJob) -> KeptJob:
    """Returns the job that took this one's place (see `KeptJob.replaced_by`); the job itself where none did."""
    number = ids.read("job", kept.replaced_by) if kept.replaced_by is not None else None
    return (tx.job(number) if number is not None else None) or kept
