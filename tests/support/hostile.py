"""A dialect that tries to be the state machine: it reports facts under the names of what only gridhook decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import msgspec

from receiver.contracts import Answer, Order
from receiver.lib import ids
from receiver.model.deliveries import Accepted, OrderOutcome
from receiver.model.jobs import KeptJob, Report
from receiver.providers.journeyapi import JourneyAPI
from support.road import Keyed

#: The names of version 6 of the schema, when flags stood among the facts, and those of today's fields.
CLAIMS: Final[Mapping[str, object]] = {
    **dict.fromkeys(("twice", "probe", "unsure", "unproven", "cancel", "modal"), True),
    **dict.fromkeys(KeptJob.__struct_fields__, True),
    **dict.fromkeys(("sent_at", "first_sent_at", "check_at"), 1),
    **dict.fromkeys(("misses", "missed_checks"), 1_000_000),
    **dict.fromkeys(("same_as", "replaced_by"), ids.show("job", 1)),
    "siblings": ["task-2"],
    "sibling_ids": ["task-2"],
    **dict.fromkeys(("submission", "submission_digest", "wish", "intent"), "another"),
}
#: The same names, each with a value that says no.
DENIALS: Final[Mapping[str, object]] = dict.fromkeys(CLAIMS, False)


class Claiming(JourneyAPI):
    """Reports `claims` as facts, by every way there is."""

    claims: ClassVar[Mapping[str, object]] = CLAIMS

    def parse(self, value: Any, headers: Mapping[str, str]) -> list[Report]:
        """A webhook, and the claims."""
        return [self._claiming(report) for report in super().parse(value, headers)]

    def read(self, answer: Answer, jobs: Sequence[KeptJob]) -> list[Report]:
        """The answer to a status query, and the claims."""
        return [self._claiming(report) for report in super().read(answer, jobs)]

    def answered(self, order: Order, answer: Answer, now: int) -> OrderOutcome:
        """The answer to an order, and the claims."""
        outcome = super().answered(order, answer, now)
        if not isinstance(outcome, Accepted):
            return outcome
        return msgspec.structs.replace(outcome, report=self._claiming(outcome.report))

    def _claiming(self, report: Report) -> Report:
        return msgspec.structs.replace(report, facts={**report.facts, **self.claims})


class Denying(Claiming):
    """The same with names that say no."""

    claims = DENIALS


class KeyedClaiming(Claiming, Keyed):
    """`Claiming` where the vendor honours an idempotency key."""
