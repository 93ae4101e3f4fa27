"""What follows from a job's moving on."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.contracts import Filters, Transaction
from receiver.contracts.setup import Setup
from receiver.flows import intake
from receiver.model.folding import fold
from receiver.model.jobs import Then
from receiver.model.rules import Rule
from support.records import AT, NOW, a_report, a_source
from support.taking import take
from support.world import AUTO_HD, PICKED, TELL, a_request, memory_transaction


def all_jobs(tx: Transaction) -> list[tuple[str | None, str]]:
    """Action and status of every job, oldest first."""
    return [(kept.job.action, kept.job.status) for kept in reversed(tx.jobs(Filters(limit=500)))]


def test_a_completed_pick_plans_the_hd_order_and_tells_the_sink() -> None:
    tx = memory_transaction()
    taken = take(tx, PICKED)
    assert (taken.events, taken.duplicate) == (1, False)
    assert all_jobs(tx) == [("pick", "completed"), ("upscale", "planned")]
    assert sorted(delivery.lane for delivery in tx.deliveries(Filters())) == ["order:journey", "sink:team"]
    child = tx.jobs(Filters(action="upscale"))[0].job
    assert (child.rule, child.params, child.cost and str(child.cost.amount)) == ("auto-hd", {"kind": "2x"}, "2")


def test_a_follow_up_has_the_prompt_of_its_root_until_the_vendor_tells_another() -> None:
    tx = memory_transaction()
    take(tx, {**PICKED, "prompt": "a lighthouse in fog"})
    (child,) = tx.jobs(Filters(action="upscale"))
    assert child.job.prompt == "a lighthouse in fog"
    told = fold(child, a_report("running", prompt="a lighthouse, enlarged"), AT)
    assert told.job.prompt == "a lighthouse, enlarged"
    silent = fold(told, a_report("running", progress=50), AT)
    assert silent.job.prompt == "a lighthouse, enlarged"


def test_a_repeat_changes_nothing() -> None:
    tx = memory_transaction()
    take(tx, PICKED)
    again = take(tx, PICKED)
    assert (again.events, again.duplicate) == (0, True)
    assert len(all_jobs(tx)) == 2
    assert len(tx.deliveries(Filters())) == 2
    assert len(tx.requests(Filters())) == 2


@settings(max_examples=60)
@given(
    st.permutations([20, 40, 60, None, None]).flatmap(
        lambda order: st.lists(st.sampled_from(order), min_size=0, max_size=8).map(lambda more: [*order, *more])
    )
)
def test_any_order_of_webhooks_leads_to_one_follow_up_and_one_message(order: list[int | None]) -> None:
    tx = memory_transaction()
    for percent in order:
        take(
            tx,
            PICKED
            if percent is None
            else {**PICKED, "status": "processing", "percentage": str(percent), "image_url": None},
        )
    assert [(job.job.action, job.job.status) for job in tx.jobs(Filters(status="planned"))] == [("upscale", "planned")]
    assert len(tx.events(Filters(type="job.completed"))) == 1
    assert len(tx.deliveries(Filters(sink="team"))) == 1


def test_a_failure_that_is_taken_back_is_no_duplicate_and_is_followed_up_once() -> None:
    tx = memory_transaction()
    failed = {"task_id": PICKED["task_id"], "task_type": "upscale-1x", "status": "failed", "error_message": "busy"}
    assert take(tx, failed).events == 1
    done = take(tx, PICKED)
    assert (done.events, done.duplicate) == (1, False)
    for late in (failed, PICKED, failed):
        assert take(tx, late).duplicate
    assert sorted(kept.job.status for kept in tx.jobs(Filters())) == ["completed", "planned"]


def test_progress_costs_nothing() -> None:
    tx = memory_transaction()
    everything = Rule(name="all", when={"type": "job.completed"}, then=(Then(action="upscale", params={"kind": "2x"}),))
    setup = Setup(sources={"journey": a_source()}, rules=(everything,))
    take(tx, {**PICKED, "status": "processing", "percentage": "99"}, setup)
    assert len(tx.jobs(Filters())) == 1


def test_two_sources_of_one_vendor_may_use_the_same_id() -> None:
    tx = memory_transaction()
    setup = Setup(sources={"journey": a_source(), "studio": a_source("studio")}, rules=())
    take(tx, PICKED, setup)
    request = a_request(PICKED, "studio")
    verified = intake.verify(request, setup.sources["studio"], b"k" * 32)
    taken = intake.take(tx, setup, intake.read(request, verified, setup.sources["studio"]))
    assert taken.events == 1
    assert len(tx.jobs(Filters())) == 2


def test_a_chain_carries_its_tags_and_its_rule_down() -> None:
    tx = memory_transaction()
    chain = Then(action="pick", params={"index": 2}, then=(Then(action="upscale", params={"kind": "subtle"}),))
    rule = Rule(name="poster", when={"type": "job.completed", "action": "imagine"}, then=(chain,))
    setup = Setup(sources={"journey": a_source()}, rules=(rule,))
    take(
        tx,
        {"task_id": "grid", "task_type": "imagine", "status": "finished", "image_urls": ["https://c/1", "https://c/2"]},
        setup,
    )
    pick = tx.jobs(Filters(action="pick"))[0]
    assert (pick.job.rule, pick.job.params, len(pick.then)) == ("poster", {"index": 2}, 1)
    sent = msgspec.structs.replace(
        pick, job=msgspec.structs.replace(pick.job, status="queued", provider_job_id="pick-1")
    )
    tx.put_job(sent)
    take(tx, {"task_id": "pick-1", "task_type": "upscale-1x", "status": "finished", "image_url": "https://c/3"}, setup)
    hd = tx.jobs(Filters(action="upscale"))[0].job
    assert (hd.rule, hd.parent_id, hd.root_id) == ("poster", pick.job.id, pick.job.root_id)


def test_what_the_parent_does_not_allow_fails_at_once_and_is_seen() -> None:
    tx = memory_transaction()
    rule = Rule(name="wrong", when={"type": "job.completed"}, then=(Then(action="pan", params={"direction": "up"}),))
    setup = Setup(sources={"journey": a_source()}, rules=(rule, TELL))
    take(
        tx,
        {"task_id": "grid", "task_type": "imagine", "status": "finished", "image_urls": ["https://c/1", "https://c/2"]},
        setup,
    )
    pan = tx.jobs(Filters(action="pan"))[0].job
    assert pan.status == "failed"
    assert pan.error is not None
    assert pan.error.code == "unsupported"
    assert "pick" in pan.error.message
    assert [delivery.lane for delivery in tx.deliveries(Filters(job=tx.jobs(Filters(action="pan"))[0].number))] == [
        "sink:team"
    ]


def test_a_follow_up_at_a_source_that_is_gone_fails_and_breaks_nothing() -> None:
    tx = memory_transaction()
    rule = Rule(name="gone", when={"type": "job.completed"}, then=(Then(action="upscale", source="gone"),))
    taken = take(tx, PICKED, Setup(sources={"journey": a_source()}, rules=(rule,)))
    assert taken.events == 1
    assert all_jobs(tx)[-1] == ("upscale", "failed")


@pytest.mark.parametrize("rules", [(AUTO_HD, AUTO_HD)])
def test_the_same_intent_twice_is_one_job(rules: tuple[Rule, ...]) -> None:
    tx = memory_transaction()
    take(tx, PICKED, Setup(sources={"journey": a_source()}, rules=rules))
    assert len(tx.jobs(Filters(action="upscale"))) == 1


def test_a_ref_restricts_a_request_to_its_own_job() -> None:
    tx = memory_transaction()
    source = a_source(secrets=())
    setup = Setup(sources={"journey": source}, rules=())
    from receiver.lib.signatures import ref_of
    from support.records import a_job

    tx.add_job(a_job(5, provider_job_id="mine"))
    tx.add_job(a_job(6, provider_job_id="other", intent="6"))
    request = a_request({**PICKED, "task_id": "other"}, token=ref_of(b"k" * 32, "journey", 5), signed=False)
    verified = intake.verify(request, source, b"k" * 32)
    taken = intake.take(tx, setup, intake.read(request, verified, source))
    assert (taken.state, taken.events) == ("unmapped", 0)
    other = tx.job(6)
    assert other is not None
    assert other.job.status == "queued"
    assert NOW
