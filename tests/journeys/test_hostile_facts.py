"""What a provider reports as facts changes nothing but the facts, whatever the names are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, Final

import msgspec
import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from receiver.contracts import Budget, Filters, NoOptions
from receiver.contracts.setup import Limits, Setup
from receiver.errors import GridhookError, NotPossible
from receiver.flows import commands
from receiver.lib.signatures import Secret, ref_of
from receiver.model import submissions
from receiver.model.jobs import KeptJob
from receiver.providers.journeyapi import JourneyAPI
from receiver.workers.reconciler import take_answers
from support.hostile import CLAIMS, DENIALS, Claiming, Denying, KeyedClaiming
from support.pretend import FATES, Fate
from support.records import NOW, a_job, a_source
from support.road import EVERYTHING, TO_THE_END, Keyed, Road
from support.taking import take
from support.world import PICKED, memory_transaction

#: Something that happens; returns why it was refused, if it was.
Step = Callable[[Road], str | None]
WHICH: Final = st.integers(0, 5)
LIMITS: Final = Limits(budgets={"journey": Budget(amount=Decimal(9), unit="credits", per="day")})
AN_ID: Final = re.compile(r"\b(?:job|evt|dlv|req)_[0-9a-z]{13}\b")


# --- what may happen on a road


def picked_elsewhere(number: int) -> Step:
    def step(road: Road) -> str | None:
        road.vendor.finished_elsewhere(f"pick-{number}", "upscale-1x")
        road.webhook(*road.vendor.posts.pop(), on_ref=False)
        return None

    return step


def submitted(key: str, prompt: str) -> Step:
    """Of a key with two prompts the second is refused, whatever was reported in between."""
    wanted = submissions.Submission(source="journey", action="imagine", params={"prompt": prompt})

    def step(road: Road) -> str | None:
        try:
            road.store.commit(lambda tx: commands.submit(tx, road.setup, wanted, road.clock(), key))
        except GridhookError as refused:
            return str(refused)
        return None

    return step


def works(which: int, how: Any) -> Step:
    def step(road: Road) -> str | None:
        if bills := road.vendor.bills:
            road.vendor.work(bills[which % len(bills)], how, 10)
        return None

    return step


def told(which: int, on_ref: bool) -> Step:
    def step(road: Road) -> str | None:
        if posts := road.vendor.posts:
            road.webhook(*posts[which % len(posts)], on_ref=on_ref)
        return None

    return step


def ordered(fate: Fate) -> Step:
    def step(road: Road) -> str | None:
        for attempt in road.claim():
            road.go_on(attempt, TO_THE_END, fate)
        return None

    return step


def looked(answered: bool) -> Step:
    return lambda road: road.look(answered=answered)


def waited(seconds: int) -> Step:
    return lambda road: road.clock.pass_by(seconds)


def decided(which: int, decision: submissions.Decision) -> Step:
    def step(road: Road) -> str | None:
        ours = [kept for kept in road.jobs() if kept.ordered_by_us]
        waiting = [kept for kept in ours if kept.job.status in ("unsure", "held")] or ours
        try:
            if waiting:
                road.resolve(waiting[which % len(waiting)], decision)
        except GridhookError as refused:
            return str(refused)
        return None

    return step


STEPS: Final = st.one_of(
    st.builds(picked_elsewhere, st.integers(0, 2)),
    st.builds(submitted, st.sampled_from(["a", "b"]), st.sampled_from(["a cat", "a cat", "a dog"])),
    st.builds(works, WHICH, st.sampled_from(["running", "completed", "failed"])),
    st.builds(told, WHICH, st.booleans()),
    st.builds(ordered, st.sampled_from([*FATES, "taken", "taken"])),
    st.builds(looked, st.booleans()),
    st.builds(waited, st.sampled_from([3, 61, 1801, 20_000, 90_000])),
    st.builds(decided, WHICH, st.sampled_from(["check", "send", "give-up"])),
)


def what_came_of(provider: JourneyAPI, steps: list[Step]) -> str:
    """All that is kept after these steps but the facts, and what the vendor billed; ids by the order they appear in."""
    road = Road(provider, LIMITS)
    refusals = [step(road) for step in steps]
    jobs = [msgspec.structs.replace(kept, number=0, facts={}) for kept in road.jobs()]
    deliveries = road.view(lambda tx: tx.deliveries(EVERYTHING))
    costs = road.view(lambda tx: tx.costs(0, source="journey"))
    kept = [
        jobs,
        [msgspec.Raw(body) for body in road.view(lambda tx: tx.events(EVERYTHING))],
        [(one.lane, one.state, one.due_at, one.attempt) for one in deliveries],
        [(one.state, one.unit, one.amount, one.at) for one in costs],
        [(task.id, task.wish, task.state) for task in road.vendor.bills],
        road.vendor.malformed,
        refusals,
    ]
    road.store.close()
    text = msgspec.json.encode(kept).decode()
    places: dict[str, str] = {}
    return AN_ID.sub(lambda found: places.setdefault(found.group(), f"<{len(places)}>"), text)


@pytest.fixture(autouse=True, scope="module")
def _quiet() -> Iterator[None]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("critical"))
    yield
    structlog.reset_defaults()


@pytest.mark.parametrize(("honest", "hostile"), [(JourneyAPI, Claiming), (JourneyAPI, Denying), (Keyed, KeyedClaiming)])
@settings(max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEPS, min_size=5, max_size=30))
def test_the_same_happens_whatever_facts_are_reported(
    honest: type[JourneyAPI], hostile: type[JourneyAPI], steps: list[Step]
) -> None:
    assert what_came_of(hostile(NoOptions()), steps) == what_came_of(honest(NoOptions()), steps)


# --- one by one


def own(kept: KeptJob | None) -> KeptJob:
    """A job without what its vendor told of it: what only the state machine decides is left."""
    assert kept is not None
    return KeptJob(
        **{name: getattr(kept, name) for name in KeptJob.__struct_fields__ if name not in ("facts", "check_at")}
    )


@pytest.mark.parametrize("provider", [Claiming, Denying])
@pytest.mark.parametrize("unsigned", [True, False])
def test_a_webhook_sets_nothing_but_facts(provider: type[Claiming], unsigned: bool) -> None:
    tx = memory_transaction()
    source = a_source(provider=provider(NoOptions()))
    if unsigned:
        source = msgspec.structs.replace(source, secrets=(), token=Secret("t"))
    take(tx, PICKED, Setup(sources={"journey": source}), token="t" if unsigned else None)
    (kept,) = tx.jobs(Filters())
    assert kept.facts == provider.claims
    assert own(kept) == KeptJob(number=kept.number, job=kept.job, is_unproven=unsigned)


def test_a_job_whose_vendor_says_modal_among_the_facts_is_not_followed_up_on() -> None:
    tx = memory_transaction()
    setup = Setup(sources={"journey": a_source(provider=Claiming(NoOptions()))})
    take(tx, {**PICKED, "status": "processing", "percentage": "5"}, setup)
    (kept,) = tx.jobs(Filters())
    wanted = submissions.Submission(source="journey", action="upscale", params={"kind": "2x"}, parent_id=kept.job.id)
    with pytest.raises(NotPossible, match="not completed"):
        commands.submit(tx, setup, wanted, NOW)


def test_siblings_among_the_facts_open_no_other_job_to_a_webhook_url() -> None:
    tx = memory_transaction()
    setup = Setup(sources={"journey": a_source(provider=Claiming(NoOptions()), secrets=())})
    tx.add_job(a_job(1, provider_job_id="task-1"))
    ref = ref_of(b"k" * 32, "journey", 1)
    assert take(tx, {**PICKED, "task_id": "task-1"}, setup, token=ref).events == 1
    (kept,) = tx.jobs(Filters())
    assert kept.facts["siblings"] == ["task-2"]
    taken = take(tx, {**PICKED, "task_id": "task-2"}, setup, token=ref)
    assert (taken.state, taken.events) == ("unmapped", 0)


@pytest.mark.parametrize("provider", [Claiming, Denying])
def test_the_answers_to_an_order_and_to_a_status_query_set_nothing_but_facts(provider: type[Claiming]) -> None:
    road = Road(provider(NoOptions()), Limits())
    submitted("a", "a cat")(road)
    ordered("taken")(road)
    (accepted,) = road.jobs()
    expected = KeptJob(
        number=accepted.number,
        job=accepted.job,
        intent="key:a",
        submission_digest=accepted.submission_digest,
        first_sent_at=road.clock(),
    )
    assert accepted.submission_digest not in (None, *CLAIMS.values(), *DENIALS.values())
    assert (own(accepted), accepted.facts) == (expected, provider.claims)
    works(0, "running")(road)
    answer = road.vendor.asked(road.source.provider.query([accepted], road.source))
    reports = road.source.provider.read(answer, [accepted])
    road.store.commit(
        lambda tx: take_answers(tx, road.setup, road.source, [accepted.number], reports, True, road.clock())
    )
    (running,) = road.jobs()
    assert running.job.status == "running"
    assert own(running) == msgspec.structs.replace(expected, job=running.job)
