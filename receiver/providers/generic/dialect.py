"""The dialect itself: reads what the vendor sends, asks and orders, all by the description."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec

from receiver.contracts import Answer, Call, Order, Parent, Request, Seal, Source
from receiver.contracts.bodies import BodyRules
from receiver.errors import OptionError, raise_option_errors
from receiver.lib.nearest import nearest
from receiver.model.actions import CANONICAL, Params
from receiver.model.deliveries import OrderOutcome
from receiver.model.jobs import Cost, KeptJob, NextAction, Report
from receiver.providers.generic import options as keys
from receiver.providers.generic.next_steps import NextSteps
from receiver.providers.generic.orders import orders_of
from receiver.providers.generic.queries import StatusQuery
from receiver.providers.generic.reports import ReportReader, read_paths
from receiver.providers.generic.seals import SealReader
from receiver.providers.shared.dialect import Dialect
from receiver.providers.shared.ordering import refuse_impossible


class Generic(Dialect):
    """A vendor described in TOML: what it sends is read; with `query` it can be asked, with `orders` ordered from."""

    Options: ClassVar[type[msgspec.Struct]] = keys.Options

    name: str = "generic"

    def __init__(self, options: keys.Options) -> None:
        """Raises OptionError, or a group of them, where the description cannot be meant."""
        found: list[OptionError] = []
        #: What it was made with, for those who show or play a vendor.
        self.description = options
        self.unit = options.cost_unit
        self.paces = options.paces
        self.retention = options.expires_after
        self.bodies = BodyRules(form=options.form, challenge=options.challenge, redact=options.redact)
        self._seals = SealReader(options.verify, found)
        self.seals = self._seals.seals
        self.secret_header = self._seals.header
        self.keys_url = options.verify.keys_url
        self._reader = ReportReader(options, options.paths, found)
        found += _mistakes(options)
        self._query = None if options.query is None else StatusQuery(options.query, options, found)
        self.query_batch = 0 if self._query is None else 1
        self._orders = orders_of(options, self._reader, found)
        self._next = NextSteps(self._orders.values())
        self.webhooks = any("webhook_url" in order.names for order in self._orders.values())
        self.idempotent = frozenset(action for action, order in self._orders.items() if order.idempotency_header)
        raise_option_errors(found)

    # --- in ----------------------------------------------------------------------------------------------------------

    def seal(self, request: Request, source: Source) -> Seal:
        """The configured header: an echoed secret, or a signature under one of the secrets."""
        return self._seals.seal(request, source)

    def parse(self, value: Any, headers: Mapping[str, str]) -> list[Report]:
        """A report for each job, by the configured paths and words. Raises Unmapped."""
        return self._reader.reports(value)

    # --- out ---------------------------------------------------------------------------------------------------------

    def parameters(self, action: str) -> frozenset[str]:
        """The canonical ones, and those in the action's templates."""
        order = self._orders.get(action)
        return super().parameters(action) if order is None else order.parameters

    def refusal(self, action: str, params: Params, parent: Parent | None) -> str | None:
        """By `orders`: whether there is one of this action, and whether it may follow the parent."""
        if not self._orders:
            return super().refusal(action, params, parent)
        order = self._orders.get(action)
        if order is None:
            return f"the source describes no order of {action}; {nearest(action, sorted(self._orders))}"
        return order.refusal(params, parent)

    def order(self, order: Order, source: Source, prepared: Answer | None) -> Call:
        """The described call, with its values. Raises Unsupported or InvalidParams."""
        refuse_impossible(order, self.refusal)
        return self._orders[order.action].call(order, source)

    def answered(self, order: Order, answer: Answer, now: int) -> OrderOutcome:
        """By the action's `id` and `refused`; what is not understood is Unclear."""
        described = self._orders.get(order.action)
        return super().answered(order, answer, now) if described is None else described.answered(answer, now)

    def query(self, jobs: Sequence[KeptJob], source: Source) -> Call:
        """The described question about one job. Raises Unsupported."""
        return super().query(jobs, source) if self._query is None else self._query.call(jobs[0], source)

    def read(self, answer: Answer, jobs: Sequence[KeptJob]) -> list[Report]:
        """The job by the same paths as a webhook, or by `query.paths`. Raises Unmapped."""
        return super().read(answer, jobs) if self._query is None else self._query.read(answer, jobs[0])

    def next_actions(self, kept: KeptJob) -> Sequence[NextAction]:
        """The orders whose `parents` name the job's action."""
        return self._next.after(kept)

    def price(self, action: str, params: Params) -> Cost | None:
        """The action's `price`."""
        order = self._orders.get(action)
        return None if order is None else order.price


def _mistakes(options: keys.Options) -> list[OptionError]:
    """What cannot be meant of the keys that belong to no part of their own."""
    found: list[OptionError] = []
    read_paths("challenge", options.challenge or (), found)
    read_paths("redact", options.redact, found)
    if any("|" in path for path in options.redact):
        found.append(OptionError("redact", "cannot go on inside a text", "strike out the whole text"))
    if options.action and options.action not in CANONICAL:
        remedy = nearest(options.action, sorted(CANONICAL))
        found.append(OptionError("action", f"{options.action!r} is none", remedy))
    return found
