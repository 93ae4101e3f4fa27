"""Notices that a vendor's webhooks do not arrive: jobs complete by asking, and no webhook of their source came."""

from __future__ import annotations

from typing import Final

from receiver.contracts import Filters, MissingWebhooks, Source, Transaction
from receiver.contracts.setup import Setup
from receiver.flows.operator.operator_events import tell_operator
from receiver.lib.times import stamp, unstamp
from receiver.model.events import OperatorData
from receiver.model.jobs import KeptJob

#: One webhook may get lost; so many in a row do not come.
TOLD_AFTER: Final = 3


def note_completed_by_asking(tx: Transaction, setup: Setup, source: Source, kept: KeptJob, now: int) -> None:
    """Counts a job of ours that a status query completed; tells the operator after three without any webhook."""
    if not (source.webhooks and source.provider.webhooks and kept.ordered_by_us):
        return
    missing = tx.missing_webhooks(source.name)
    since = missing.since if missing is not None else unstamp(kept.job.created_at)
    if tx.requests(Filters(source=source.name, since=since, limit=1)):
        missing, since = None, unstamp(kept.job.created_at)
        if tx.requests(Filters(source=source.name, since=since, limit=1)):
            tx.clear_missing_webhooks(source.name)
            return
    jobs = missing.jobs + 1 if missing is not None else 1
    tx.put_missing_webhooks(MissingWebhooks(source=source.name, since=since, jobs=jobs))
    if jobs == TOLD_AFTER:
        reason = f"{jobs} jobs completed by asking while no webhook came: can the vendor reach public_url?"
        data = OperatorData(source=source.name, reason=reason, since=stamp(since))
        tell_operator(tx, setup, "source.webhooks_missing", data, now)
