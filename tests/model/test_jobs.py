"""Folding reports into jobs."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.model.jobs import (
    TERMINAL,
    Cost,
    JobError,
    KeptJob,
    Report,
    fold,
)
from support.records import AT, a_job, a_report, four_images

COST = Cost(amount=Decimal("4"), unit="credits", source="reported")


@st.composite
def stories(draw: st.DrawFn) -> list[Report]:
    """What one vendor says about one job: some of its progress, its end, each any number of times, in any order.

    Every report is a part of one truth: a field is either told as it is or not told.
    """
    end = draw(st.sampled_from(["completed", "failed", "canceled"]))
    error = JobError(code="moderated", message="no") if end == "failed" else None
    truth = a_report(
        end,
        progress=100 if end == "completed" else None,
        prompt="a cat",
        grid_url="https://cdn.example.com/grid.png" if end == "completed" else None,
        images=four_images() if end == "completed" else (),
        cost=COST,
        error=error,
        facts={"output_id": "x"},
    )
    ends = draw(
        st.lists(
            st.builds(_partly, st.just(truth), st.sets(st.sampled_from(("prompt", "cost", "facts")))),
            min_size=1,
            max_size=4,
        )
    )
    progress = draw(st.lists(st.integers(0, 100), max_size=6))
    middle = [a_report("running", progress=percent, prompt="a cat") for percent in progress]
    waiting = [a_report("queued")] * draw(st.integers(0, 2))
    return draw(st.permutations([truth, *ends, *middle, *waiting]))


def _partly(truth: Report, untold: set[str]) -> Report:
    blank: dict[str, Any] = {"prompt": None, "cost": None, "facts": {}}
    return msgspec.structs.replace(truth, **{name: blank[name] for name in untold})


def _all(reports: list[Report], start: KeptJob) -> KeptJob:
    for report in reports:
        start = fold(start, report, AT)
    return start


@given(stories(), st.randoms(use_true_random=False))
def test_any_order_repetition_and_delay_folds_to_the_same_job(reports: list[Report], random: object) -> None:
    start = a_job(status="submitting")
    one = _all(reports, start)
    other = _all(sorted(reports, key=lambda report: report.progress or 0), start)
    backwards = _all(list(reversed(reports)), start)
    assert _settled(one) == _settled(other) == _settled(backwards)


def _settled(kept: KeptJob) -> object:
    """All but how far a job that ended without success had come: that is what was heard before the end."""
    progress = kept.job.progress if kept.job.status == "completed" else 0
    return msgspec.structs.replace(kept, job=msgspec.structs.replace(kept.job, progress=progress))


@given(stories())
def test_a_report_that_was_folded_already_changes_nothing(reports: list[Report]) -> None:
    kept = _all(reports, a_job(status="submitting"))
    for report in reports:
        assert fold(kept, report, "2027-01-01T00:00:00.000Z") is kept


@given(stories())
def test_progress_never_goes_back_and_an_end_is_final(reports: list[Report]) -> None:
    kept = a_job(status="submitting")
    for report in reports:
        after = fold(kept, report, AT)
        assert after.job.progress >= kept.job.progress
        if kept.job.status in TERMINAL:
            assert after.job.status == kept.job.status
        kept = after


def test_a_late_result_replaces_a_failure_that_was_only_our_own_deadline() -> None:
    gave_up = msgspec.structs.replace(
        a_job(status="failed", error=JobError(code="provider_timeout", message="deadline"), finished_at=AT),
        gave_up=True,
    )
    after = fold(gave_up, a_report(images=four_images()), "2026-11-18T14:00:00.000Z")
    assert (after.job.status, after.job.error, after.gave_up) == ("completed", None, False)


def failure(**fields: Any) -> Report:
    """A vendor's word that the job failed."""
    return a_report("failed", error=JobError(code="moderated", message="no"), **fields)


def test_a_failure_stays_where_the_vendor_tells_no_result() -> None:
    failed = fold(a_job(), failure(), AT)
    for late in (a_report(), a_report("canceled"), a_report("running", progress=70, images=four_images())):
        assert fold(failed, late, AT) is failed


@pytest.mark.parametrize("result", [{"images": four_images()}, {"grid_url": "https://cdn.example.com/grid.png"}])
def test_a_vendor_may_take_its_failure_back_with_a_result(result: dict[str, Any]) -> None:
    done = fold(fold(a_job(), failure(), AT), a_report(**result), "2026-11-18T14:00:00.000Z").job
    assert (done.status, done.error, done.progress) == ("completed", None, 100)
    assert (done.images, done.grid_url) == (result.get("images", ()), result.get("grid_url"))
    assert done.finished_at == "2026-11-18T14:00:00.000Z"


def test_what_is_canceled_stays_canceled() -> None:
    canceled = fold(a_job(), a_report("canceled"), AT)
    assert fold(canceled, a_report(images=four_images()), AT) is canceled


@given(st.data())
def test_a_failure_and_a_result_in_any_order_and_number_are_a_result(data: st.DataObject) -> None:
    middle = [a_report("queued"), a_report("running", progress=40)]
    refund = Cost(amount=Decimal(0), unit="credits", source="reported")
    failures = [failure(cost=data.draw(st.sampled_from([None, refund]))) for _ in range(data.draw(st.integers(0, 3)))]
    result = a_report(images=four_images(), cost=data.draw(st.sampled_from([None, COST])))
    results = [result] * data.draw(st.integers(1, 3))
    told = data.draw(st.permutations([*middle, *failures, *results]))
    kept = _all(told, a_job(status="submitting"))
    assert kept.job == _all([result], a_job(status="submitting")).job
    assert fold(kept, result, "2027-01-01T00:00:00.000Z") is kept


@pytest.mark.parametrize(
    ("failed", "done", "cost"),
    [("0", "4", "4"), ("0", None, None), ("3", None, "3"), (None, "4", "4"), ("0", "0", "0")],
)
def test_the_cost_of_a_failure_that_is_taken_back_is_that_of_the_result(
    failed: str | None, done: str | None, cost: str | None
) -> None:
    def reported(amount: str | None) -> Cost | None:
        return None if amount is None else Cost(amount=Decimal(amount), unit="credits", source="reported")

    after = fold(
        fold(a_job(), failure(cost=reported(failed)), AT), a_report(cost=reported(done), images=four_images()), AT
    )
    assert after.job.cost == reported(cost)


def test_what_the_vendor_reports_settles_a_cost_from_the_table() -> None:
    table = Cost(amount=Decimal("2"), unit="credits", source="table")
    after = fold(a_job(cost=table), a_report(cost=COST), AT)
    assert after.job.cost == COST


def test_a_result_that_told_no_pictures_is_filled_by_a_later_one() -> None:
    bare = fold(a_job(), a_report(), AT)
    assert fold(bare, a_report(images=four_images()), AT).job.images == four_images()


def test_a_preview_of_a_running_job_gives_way_to_the_result() -> None:
    preview = fold(a_job(), a_report("running", progress=30, images=four_images("https://cdn.example.com/blurred")), AT)
    assert fold(preview, a_report(images=four_images()), AT).job.images == four_images()


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_an_end_without_a_reason_still_has_an_error(status: str) -> None:
    error = fold(a_job(), a_report(status), AT).job.error
    assert error is not None
    assert error.message
