"""What an event would lead to: the real flow, and nothing sent or kept."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from receiver.contracts import (
    Breaker,
    Filters,
    NoOptions,
    Transaction,
)
from receiver.contracts.setup import Limits, Setup
from receiver.errors import (
    NotFound,
    NotJson,
    Unmapped,
)
from receiver.flows import commands
from receiver.lib.signatures import Secret
from receiver.model.jobs import Then
from receiver.model.rules import Rule
from receiver.providers.apimart import APIMart
from receiver.providers.journeyapi import JourneyAPI
from receiver.providers.vtrix import Vtrix, VtrixOptions
from receiver.views.dry_run import (
    DryRun,
    PlannedCost,
    PlannedOrder,
    dry_run,
)
from support.money import a_day
from support.questions import asking, picks
from support.records import NOW, a_source
from support.taking import take
from support.world import AUTO_HD, PICKED, TELL, memory_transaction

GRID = {
    "task_id": "grid-1",
    "task_type": "imagine",
    "status": "finished",
    "original_image_url": "https://cdn.example.com/grid.png",
    "image_urls": [f"https://cdn.example.com/{index}.png" for index in range(4)],
}
#: Picks a tile of each grid; auto-HD goes on from there.
POSTER = Rule(
    name="poster", when={"type": "job.completed", "action": "imagine"}, then=(Then(action="pick", params={"index": 2}),)
)
RULES = (POSTER, AUTO_HD, TELL)


def a_setup(*, limits: Limits | None = None, rules: tuple[Rule, ...] = RULES, **sources: Any) -> Setup:
    """A JourneyAPI account, and what else is given."""
    return Setup(sources={"journey": a_source()} | sources, rules=rules, limits=limits or Limits())


def posted(
    body: object, setup: Setup | None = None, real: Transaction | None = None, source: str | None = "journey"
) -> DryRun:
    """The dry run of a webhook's body."""
    return dry_run(setup or a_setup(), msgspec.json.encode(body), source, real, NOW)


def steps(orders: tuple[PlannedOrder, ...]) -> list[Any]:
    """Action, outcome and what follows, for each order."""
    return [(order.action, order.outcome, *([steps(order.then)] if order.then else [])) for order in orders]


def costs(sums: tuple[PlannedCost, ...]) -> list[str]:
    """The sums in words."""
    return [f"{one.amount} {one.unit} of {one.source}" for one in sums]


class Dollars(JourneyAPI):
    """A vendor that counts in dollars."""

    unit = "USD"


def test_unlike_credits_are_not_added_up_and_dollars_are() -> None:
    names = ("journey", "other", "cash", "more")
    then = tuple(Then(action="upscale", source=name, params={"kind": "2x", "index": 2}) for name in names)
    rule = Rule(name="all", when={"type": "job.completed", "action": "imagine"}, then=then)
    priced: dict[str, Any] = {"provider": Dollars(NoOptions()), "prices": {"upscale": Decimal("0.5")}}
    found = posted(
        GRID,
        a_setup(
            rules=(rule,),
            other=a_source("other", prices={"upscale": Decimal(3)}),
            cash=a_source("cash", **priced),
            more=a_source("more", **priced),
        ),
    )
    assert costs(found.cost) == ["1.0 USD of None", "2 credits of journey", "3 credits of other"]


def an_event(tx: Transaction, kind: str = "job.completed") -> bytes:
    """The newest event of a type, as `gridhook events --json` prints it."""
    return tx.events(Filters(type=kind, limit=1))[0]


def test_a_webhook_leads_to_its_orders_and_to_those_that_follow_them() -> None:
    found = posted(GRID)
    assert steps(found.orders) == [("pick", "ordered", [("upscale", "ordered")])]
    assert [(event.type, event.action, event.sinks) for event in found.events] == [
        ("job.completed", "imagine", ("team",))
    ]
    assert (found.orders[0].rule, found.orders[0].then[0].rule) == ("poster", "auto-hd")
    assert (costs(found.cost), found.held, found.unknown) == (["4 credits of journey"], (), 0)


def test_an_event_of_ours_leads_to_the_same_as_its_webhook_did() -> None:
    real = memory_transaction()
    take(real, GRID, a_setup())
    told = dry_run(a_setup(), an_event(real), None, None, NOW)
    assert steps(told.orders) == steps(posted(GRID).orders)
    assert told.cost == posted(GRID).cost


def test_nothing_is_written_into_the_real_database() -> None:
    real = memory_transaction()
    take(real, GRID, a_setup())
    before = everything(real)
    dry_run(a_setup(limits=a_day("1")), an_event(real), None, real, NOW)
    posted({**GRID, "task_id": "grid-2"}, real=real)
    posted(GRID, real=real)
    assert everything(real) == before


def everything(tx: Transaction) -> tuple[object, ...]:
    """All that is kept."""
    every = Filters(limit=1000)
    return tx.jobs(every), tx.events(every), tx.deliveries(every), tx.requests(every), tx.costs(0), tx.breakers()


def test_what_was_planned_for_the_very_event_before_is_named() -> None:
    real = memory_transaction()
    take(real, GRID, a_setup())
    (pick,) = real.jobs(Filters(action="pick"))
    ended = msgspec.structs.replace(pick.job, status="completed", provider_job_id="pick-1")
    real.put_job(msgspec.structs.replace(pick, job=ended))
    for found in (dry_run(a_setup(), an_event(real), None, real, NOW), posted(GRID, real=real)):
        assert steps(found.orders) == [("pick", "ordered", [("upscale", "ordered")])]
        assert found.orders[0].known == pick.job.id
    assert posted({**GRID, "task_id": "other"}, real=real).orders[0].known is None


def test_a_job_of_ours_brings_its_own_chain_and_its_ancestors() -> None:
    real = memory_transaction()
    chain = Then(action="pick", params={"index": 2}, then=(Then(action="upscale", params={"kind": "subtle"}),))
    setup = a_setup(rules=(msgspec.structs.replace(POSTER, then=(chain,)),), limits=Limits(depth=1))
    take(real, GRID, setup)
    (pick,) = real.jobs(Filters(action="pick"))
    sent = msgspec.structs.replace(pick.job, status="queued", provider_job_id="pick-1")
    real.put_job(msgspec.structs.replace(pick, job=sent))
    done = {
        "task_id": "pick-1",
        "task_type": "upscale-1x",
        "status": "finished",
        "image_url": "https://c.example.com/3",
    }
    (upscale,) = posted(done, setup, real).orders
    assert (upscale.outcome, upscale.hold and upscale.hold.note) == ("held", "it would be follow-up number 2 in a row")
    assert posted(done, setup).orders == ()


def test_budgets_are_judged_by_what_is_really_spent() -> None:
    real = memory_transaction()
    setup = a_setup(limits=a_day("5"))
    take(real, PICKED, setup)
    new = {**GRID, "task_id": "new"}
    assert steps(posted(new, setup).orders) == [("pick", "ordered", [("upscale", "ordered")])]
    found = posted(new, setup, real)
    assert steps(found.orders) == [("pick", "ordered", [("upscale", "held")])]
    hold = found.orders[0].then[0].hold
    assert hold is not None
    assert (hold.reason, hold.until, hold.note) == (
        "budget",
        "2026-11-19T00:00:00.000Z",
        "2 more would exceed source journey's 5 credits (4 used)",
    )
    assert (costs(found.cost), costs(found.held)) == (["2 credits of journey"], ["2 credits of journey"])


def test_what_follows_a_held_order_counts_as_held_too() -> None:
    cheap = a_source(prices={"upscale": Decimal("0.5")})
    found = posted(GRID, a_setup(limits=a_day("2"), journey=cheap), spent("1"))
    assert steps(found.orders) == [("pick", "held", [("upscale", "ordered")])]
    assert (costs(found.held), found.cost) == (["2.5 credits of journey"], ())


def spent(amount: str) -> Transaction:
    """A database in which so much is spent already."""
    tx = memory_transaction()
    take(tx, PICKED, Setup(sources={"journey": a_source()}, rules=(AUTO_HD,)))
    (row,) = tx.costs(0)
    tx.put_cost(msgspec.structs.replace(row, amount=Decimal(amount)))
    return tx


def test_an_open_breaker_holds_what_would_be_ordered() -> None:
    real = memory_transaction()
    real.put_breaker(Breaker(source="journey", code="auth", note="no", since=NOW, probe_at=NOW + 1, failures=1))
    (order,) = posted(PICKED, real=real).orders
    assert (order.outcome, order.hold and order.hold.reason) == ("held", "breaker")


def test_an_unknown_price_is_counted_as_unknown() -> None:
    mart = msgspec.structs.replace(a_source("mart"), provider=APIMart(APIMart.Options()), token=Secret("t" * 20))
    rule = Rule(name="again", when={"type": "job.completed", "action": "imagine"}, then=(Then(action="reroll"),))
    event = msgspec.json.decode(an_event(reported()))
    event["source"], event["data"]["source"], event["data"]["provider"] = "gridhook/mart", "mart", "apimart"
    found = posted(event, a_setup(rules=(rule,), mart=mart), source=None)
    assert [(order.action, order.source, order.cost) for order in found.orders] == [("reroll", "mart", None)]
    assert (found.cost, found.unknown) == ((), 1)


def reported() -> Transaction:
    """A database in which a grid was reported, and nothing followed."""
    tx = memory_transaction()
    take(tx, GRID, a_setup(rules=()))
    return tx


def test_an_action_without_a_call_is_done_at_once_and_costs_nothing() -> None:
    vtrix = msgspec.structs.replace(a_source("vtrix"), provider=Vtrix(VtrixOptions()))
    event = msgspec.json.decode(an_event(reported()))
    event["source"], event["data"]["source"], event["data"]["provider"] = "gridhook/vtrix", "vtrix", "vtrix"
    found = posted(event, a_setup(vtrix=vtrix), source=None)
    assert steps(found.orders) == [("pick", "done", [("upscale", "ordered")])]
    assert found.orders[0].cost is None
    assert found.unknown == 1


def test_what_a_parent_does_not_allow_is_refused() -> None:
    rule = Rule(name="wrong", when={"type": "job.completed"}, then=(Then(action="pan", params={"direction": "up"}),))
    (order,) = posted(GRID, a_setup(rules=(rule,))).orders
    assert order.outcome == "refused"
    assert order.error is not None
    assert "pick" in order.error.message


@pytest.mark.parametrize(
    "kind", ["job.progress", "job.submitted", "job.held", "job.unsure", "job.failed", "job.canceled"]
)
def test_events_that_are_no_results_lead_to_messages_only(kind: str) -> None:
    status = {"job.progress": "running", "job.submitted": "queued"}.get(kind, kind.removeprefix("job."))
    event = msgspec.json.decode(an_event(reported()))
    event["type"], event["data"]["status"], event["data"]["progress"] = kind, status, 40
    everything_told = Rule(name="all", to=("team",))
    found = posted(event, a_setup(rules=(everything_told, *RULES)), source=None)
    assert [(one.type, one.sinks) for one in found.events] == [(kind, ("team",))]
    assert found.orders == ()


def test_rules_that_go_round_are_played_only_so_far() -> None:
    rule = Rule(name="round", when={"type": "job.completed"}, then=(Then(action="vary", params={"index": 1}),))
    (first,) = posted(GRID, a_setup(rules=(rule,), limits=Limits(depth=1000, jobs=1000))).orders
    depth = 0
    order: PlannedOrder | None = first
    while order is not None:
        depth, order = depth + 1, order.then[0] if order.then else None
    assert depth == 10


def test_what_goes_too_far_is_held_and_not_played_on() -> None:
    rule = Rule(name="round", when={"type": "job.completed"}, then=(Then(action="vary", params={"index": 1}),))
    found = posted(GRID, a_setup(rules=(rule,), limits=Limits(depth=2)))
    assert steps(found.orders) == [("vary", "ordered", [("vary", "ordered", [("vary", "held")])])]


WRONG: list[tuple[bytes, str | None, type[Exception], str]] = [
    (b"{", None, NotJson, "Expecting"),
    (b"[]", None, Unmapped, "Expected `object`"),
    (b"{}", None, Unmapped, "missing required field"),
    (b"{", "journey", Unmapped, "it tells nothing as a webhook of journey"),
    (b'{"hello": 1}', "journey", Unmapped, "it tells nothing as a webhook of journey"),
    (b"{}", "nobody", NotFound, "there is no source 'nobody'"),
]


@pytest.mark.parametrize(("body", "source", "kind", "told"), WRONG)
def test_what_is_no_event_is_told(body: bytes, source: str | None, kind: type[Exception], told: str) -> None:
    with pytest.raises(kind, match=told):
        dry_run(a_setup(), body, source, None, NOW)


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("id", "x", "has no id, or no root_id, of ours"),
        ("root_id", "evt_0000000000000", "has no id, or no root_id, of ours"),
        ("deadline", "soon", "it is no event"),
        ("hold", {"reason": "budget", "since": "x", "until": "x"}, "it is no event"),
        ("status", "running", "its type is job.completed, but its job is running"),
    ],
)
def test_an_event_that_contradicts_itself_is_told(field: str, value: object, told: str) -> None:
    event = msgspec.json.decode(an_event(reported()))
    event["data"][field] = value
    with pytest.raises(Unmapped, match=told):
        posted(event, source=None)


def test_a_question_waits_for_its_pick_at_the_price_of_a_tile_and_is_played_on() -> None:
    setup = a_setup(rules=(asking(default=2, then=()), AUTO_HD))
    ran = posted(GRID, setup)
    assert steps(ran.orders) == [("pick", "held", [("upscale", "ordered")])]
    (order,) = ran.orders
    assert order.hold is not None
    assert (order.hold.reason, order.hold.default, order.params) == ("pick", 2, {})
    assert (costs(ran.cost), costs(ran.held), ran.unknown) == ([], ["4 credits of journey"], 0)


def test_a_question_that_was_asked_or_answered_before_is_named() -> None:
    setup = a_setup(rules=(asking(then=()), AUTO_HD))
    real = memory_transaction()
    take(real, GRID, setup)
    (question,) = picks(real)
    for _ in range(2):
        (order,) = posted(GRID, setup, real).orders
        assert order.known == question.job.id
        commands.pick(real, setup, question.job.id, 3, "api", NOW)
