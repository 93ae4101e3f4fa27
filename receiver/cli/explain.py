"""Says what a configuration means: how a source is registered and verified, where events go, what rules cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from receiver.cli.local_times import local
from receiver.cli.screen import (
    clean,
    fields,
    say,
)
from receiver.cli.values import shown_params
from receiver.config import Config
from receiver.contracts import Budget, Sink, Source, listens_as, press_path
from receiver.lib.durations import duration_text
from receiver.model.jobs import Cost, Then
from receiver.model.questions import Question
from receiver.model.rules import Rule, fits
from receiver.views.costs import BudgetState, StoppedSource
from receiver.views.registration import masked, registration, tells_url

#: The span of a budget in words.
WITHIN: Final[dict[str, str]] = {"day": "a day", "week": "a week", "month": "a month", "total": "in all"}


class SourceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody who registers webhooks at the vendor must know."""

    name: str
    provider: str
    base_url: str
    #: What to register for jobs that are started elsewhere; None = nothing can be registered.
    webhook_url: str | None
    #: The header that must carry the secret; None if it carries none: a signature is made with it.
    header: str | None
    #: What stands before the secret in that header.
    prefix: str = ""
    #: What the secret is where no header carries it: "signing secret", or a "public key" of the vendor's.
    label: str = "signing secret"
    #: What to do with the secret at the vendor; None where a header carries it.
    secret_note: str | None = None
    #: Masked, unless it was asked for in full.
    secret: str | None
    verified_by: str
    #: Whether jobs can be ordered there.
    orders: bool
    orders_note: str
    #: What may be spent there, in words.
    budget: str | None = None
    #: What of it is used; None if there is no budget, or the database cannot tell.
    budget_state: BudgetState | None = None
    #: Set if the account refuses orders, so that none are sent there.
    stopped: StoppedSource | None = None


class SinkFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What `check` shows of a sink."""

    name: str
    handler: str
    sentence: str


class RuleFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule does."""

    name: str
    sentence: str
    #: What of its budget is used; None if it has none, or the database cannot tell.
    budget_state: BudgetState | None = None


class MoneyState(msgspec.Struct, frozen=True, kw_only=True):
    """What the database tells of budgets and of accounts that refuse orders."""

    budgets: tuple[BudgetState, ...] = ()
    stopped: tuple[StoppedSource, ...] = ()

    def budget(self, scope: str, name: str) -> BudgetState | None:
        """The budget of a source or a rule."""
        return next((one for one in self.budgets if (one.scope, one.name) == (scope, name)), None)

    def stop(self, source: str) -> StoppedSource | None:
        """Why a source takes no orders."""
        return next((one for one in self.stopped if one.source == source), None)


# --- sources ---------------------------------------------------------------------------------------------------------


def source_facts(source: Source, config: Config, show_secrets: bool, money: MoneyState) -> SourceFacts:
    """What to register at a source's vendor, and what its requests must prove."""
    told = registration(source, config.public_url)
    return SourceFacts(
        name=source.name,
        provider=source.provider.name,
        base_url=source.base_url,
        webhook_url=told.url(show_secrets),
        header=told.header,
        prefix=told.prefix,
        label=told.label,
        secret_note=told.secret_note,
        secret=None if told.secret is None else masked(told.secret, show_secrets),
        verified_by=told.verified_by,
        orders=source.api_key is not None,
        orders_note=_orders(source),
        budget=_budget(config.budgets.get(source.name)),
        budget_state=money.budget("source", source.name),
        stopped=money.stop(source.name),
    )


def show_source(source: SourceFacts) -> None:
    """A source's facts for reading."""
    place = f" at {clean(source.base_url)}" if source.base_url else ""
    say(f"source {clean(source.name)} ({clean(source.provider)}{place})")
    pairs = [
        ("webhook URL", source.webhook_url or "none to register"),
        ("header", f"{source.header}: {source.prefix}{source.secret}" if source.header else None),
        (source.label, f"{source.secret}: {source.secret_note}" if source.secret_note else None),
        ("verified by", source.verified_by),
        ("orders", source.orders_note),
        ("stopped", stopped_text(source.stopped) if source.stopped is not None else None),
        ("budget", source.budget),
        ("", budget_text(source.budget_state) if source.budget_state is not None else None),
    ]
    fields(pairs, indent="  ")


def budget_text(budget: BudgetState) -> str:
    """What is used of a budget, in words."""
    unknown = f" and {budget.unknown} of unknown cost" if budget.unknown else ""
    until = f" until {local(budget.until)}" if budget.until else ""
    held = f"; {budget.held} {'job waits' if budget.held == 1 else 'jobs wait'} for it" if budget.held else ""
    return f"{budget.used:f} used{unknown}, {budget.left:f} left{until}{held}"


def stopped_text(stopped: StoppedSource) -> str:
    """Why a source takes no orders, in words."""
    waits = f"; {stopped.held} {'job waits' if stopped.held == 1 else 'jobs wait'}" if stopped.held else ""
    since, probe = local(stopped.since), local(stopped.probe_at)
    return f"no orders since {since}: {stopped.note} ({stopped.code}); next probe {probe}{waits}"


def _orders(source: Source) -> str:
    if source.api_key is None:
        return "not possible: it has no api_key"
    if tells_url(source):
        return "possible; each order tells the vendor a webhook URL of its own"
    return "possible; without webhooks"


# --- sinks and rules -------------------------------------------------------------------------------------------------


def sink_facts(sink: Sink, public_url: str) -> SinkFacts:
    """How a sink is served, and where presses of its buttons come in. Its address may hold a key and is not shown."""
    rate = f", at most {sink.rate:g} a second" if sink.rate is not None else ""
    tries = f"{len(sink.retry)} further tries" if sink.retry else "no further try"
    sentence = f"{sink.handler_name}, {sink.concurrency} at a time{rate}, {sink.timeout:g} s each, {tries}"
    path = press_path(sink.handler)
    if path is not None:
        sentence += f"; register {public_url}{path} for its buttons"
    if listens_as(sink.handler) is not None:
        sentence += "; presses of its buttons are heard by a connection of its own, without a public address"
    return SinkFacts(name=sink.name, handler=sink.handler_name, sentence=sentence)


def rule_facts(rule: Rule, config: Config, money: MoneyState) -> RuleFacts:
    """A rule as a sentence, with the price of each follow-up."""
    sources = [source for source in config.sources.values() if _may_match(source, rule.when)]
    deeds = [f"tell {' and '.join(rule.to)}"] if rule.to else []
    deeds += [_order(then, sources, config) for then in rule.then]
    named = [_condition(name, wanted) for name, wanted in rule.when.items()]
    conditions = " and ".join([*named, *([f"({rule.condition})"] if rule.condition is not None else [])])
    budget = _budget(config.rule_budgets.get(rule.name))
    when = f"when {conditions}" if conditions else "always"
    limit = f", for at most {budget}" if budget else ""
    sentence = f"{when}: {', and '.join(deeds)}{limit}"
    return RuleFacts(name=rule.name, sentence=sentence, budget_state=money.budget("rule", rule.name))


def _budget(budget: Budget | None) -> str | None:
    return None if budget is None else f"{budget.amount:f} {budget.unit} {WITHIN[budget.per]}"


def _may_match(source: Source, when: Mapping[str, Any]) -> bool:
    wanted = {name: value for name, value in when.items() if name in ("source", "provider")}
    return fits({"source": source.name, "provider": source.provider.name}, wanted)


def _condition(name: str, wanted: Any) -> str:
    if isinstance(wanted, Mapping):
        return " and ".join(_condition(f"{name}.{key}", value) for key, value in wanted.items())
    if isinstance(wanted, list | tuple) and any(isinstance(one, Mapping) for one in wanted):
        return " or ".join(_condition(name, one) for one in wanted)
    if isinstance(wanted, list | tuple):
        return f"{name} is {' or '.join(str(one) for one in wanted)}"
    return f"{name} is {'there' if wanted == '*' else wanted}"


def _order(then: Then, sources: Sequence[Source], config: Config) -> str:
    places = [config.sources[then.source]] if then.source else list(sources)
    shown = [shown_params(params) for params in (then.params, then.extra) if params]
    what = " ".join([then.action, *shown, *([f"({_asking(then.ask)})"] if then.ask is not None else [])])
    after = "".join(f", and of its result {_order(one, places, config)}" for one in then.then)
    return f"order {what} {_prices(then, places)}{after}"


def _asking(question: Question) -> str:
    """Whom a question asks, how long, and what happens if nobody answers."""
    return f"{question.note}, for {duration_text(question.within_s)}"


def _prices(then: Then, places: Sequence[Source]) -> str:
    params = then.sample_params
    if len(places) == 1:
        return f"at {places[0].name} ({price(places[0].price(then.action, params))})"
    each = "; ".join(f"{place.name}: {price(place.price(then.action, params))}" for place in places)
    return f"where the job was done ({each})"


def price(cost: Cost | None) -> str:
    """A cost in words."""
    if cost is None:
        return "price not known"
    return f"{cost.amount:f} {cost.unit}" if cost.amount else "free"
