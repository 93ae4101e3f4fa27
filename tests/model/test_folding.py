"""Folding reports into jobs."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.model.folding import MAX_IMAGES, fold, numbered_item
from receiver.model.jobs import (
    TERMINAL,
    Cost,
    Image,
    JobError,
    KeptJob,
    Report,
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
    assert bare.job.warning == "no_picture"
    filled = fold(bare, a_report(images=four_images()), AT)
    assert (filled.job.images, filled.job.warning) == (four_images(), None)


@pytest.mark.parametrize("action", ["describe", "shorten"])
def test_an_action_that_makes_no_picture_lacks_none(action: str) -> None:
    assert fold(a_job(action=action), a_report(), AT).job.warning is None


def test_a_result_that_is_no_picture_lacks_none() -> None:
    assert fold(a_job(action=None), a_report(has_other_result=True), AT).job.warning is None
    assert fold(a_job(action=None), a_report(), AT).job.warning == "no_picture"


def test_a_lone_grid_is_no_lack() -> None:
    grid = "https://cdn.example.com/grid.png"
    alone = fold(a_job(), a_report(grid_url=grid), AT)
    assert alone.job.warning is None
    tiles = fold(alone, a_report(grid_url=grid, images=four_images()), AT)
    assert (tiles.job.grid_url, tiles.job.images) == (grid, four_images())


# --- pieces ----------------------------------------------------------------------------------------------------------


class Piece(NamedTuple):
    """A picture as a vendor tells it, with what it costs."""

    item: str
    url: str
    cost: Decimal


@st.composite
def batches(draw: st.DrawFn) -> tuple[list[Piece], list[list[Piece]]]:
    """The pictures of a job, and the posts in which they are told: any split, order and repetition of them."""
    count = draw(st.integers(1, 6))
    pieces = [Piece(f"i{n}", f"https://cdn.example.com/{n}.png", Decimal(n) / 100) for n in range(count)]
    posts = [draw(st.lists(st.sampled_from(pieces), min_size=1, max_size=4, unique=True)) for _ in range(4)]
    return pieces, draw(st.permutations([*posts, *([piece] for piece in pieces)]))


def post(pieces: list[Piece], *, by_item: bool) -> list[Report]:
    """What one post is read as: a report for each of its pictures."""
    return [
        a_report(
            images=(Image(index=1, url=f"{piece.url}?signature={len(pieces)}"),),
            items=(piece.item,) if by_item else (),
            numbered=False,
            cost=Cost(amount=piece.cost, unit="USD", source="reported"),
        )
        for piece in pieces
    ]


@given(batches(), st.booleans())
def test_any_split_order_and_repetition_is_the_same_set_of_pictures_and_the_same_cost(
    batch: tuple[list[Piece], list[list[Piece]]], by_item: bool
) -> None:
    pieces, posts = batch
    kept = a_job()
    seen: dict[str, None] = {}
    for pictures in posts:
        news = {piece.url for piece in pictures} - seen.keys()
        before = kept
        kept = _all(post(pictures, by_item=by_item), kept)
        assert (kept is not before) == bool(news)
        seen.update(dict.fromkeys(piece.url for piece in pictures))
    assert kept.job.status == "completed"
    assert [image.index for image in kept.job.images] == list(range(1, len(pieces) + 1))
    assert [image.url.partition("?")[0] for image in kept.job.images] == list(seen)
    assert kept.job.cost is not None
    assert kept.job.cost.amount == sum(piece.cost for piece in pieces)


@given(st.permutations([1, 2, 3, 4]), st.lists(st.sampled_from([1, 2, 3, 4]), max_size=4))
def test_the_vendors_numbers_are_kept_in_whatever_order_its_tiles_come(order: list[int], again: list[int]) -> None:
    tiles = {image.index: image for image in four_images()}
    assert _all([a_report(images=(tiles[n],)) for n in [*order, *again]], a_job()).job.images == four_images()


@given(st.permutations([0, 1, 2, 3]), st.lists(st.sampled_from([0, 1, 2, 3]), max_size=4))
def test_the_pictures_of_a_vendor_that_counts_from_0_are_all_kept_at_their_places(
    order: list[int], again: list[int]
) -> None:
    tiles = {image.index - 1: image for image in four_images()}
    told = [
        a_report(
            images=(msgspec.structs.replace(tiles[n], index=n or 1),),
            items=(numbered_item(n),),
            cost=Cost(amount=Decimal(2), unit="credits", source="reported"),
        )
        for n in [*order, *again]
    ]
    job = _all(told, a_job()).job
    assert job.images == four_images()
    assert job.cost is not None
    assert job.cost.amount == 8


def test_a_list_with_a_gap_is_filled_at_its_place() -> None:
    first, second, *rest = four_images()
    kept = fold(a_job(), a_report(images=(first, *rest), numbered=False), AT)
    assert fold(kept, a_report(images=four_images(), numbered=False), AT).job.images == four_images()
    assert second in fold(kept, a_report(images=(second,), numbered=False), AT).job.images


def test_two_ids_are_two_pictures_even_at_one_address() -> None:
    same = Image(index=1, url="https://cdn.example.com/latest.png")
    kept = _all([a_report(images=(same,), items=(item,), numbered=False) for item in "aba"], a_job())
    assert [image.index for image in kept.job.images] == [1, 2]


def test_a_vendor_without_end_tells_64_pictures_at_most() -> None:
    reports = [
        a_report(images=(Image(index=1, url=f"https://x.example/{n}"),), items=(str(n),), numbered=False)
        for n in range(70)
    ]
    assert len(_all(reports, a_job()).job.images) == MAX_IMAGES


def test_of_costs_of_the_whole_job_the_latest_counts() -> None:
    kept = fold(a_job(), a_report(images=four_images(), cost=COST), AT)
    dearer = Cost(amount=Decimal(5), unit="credits", source="reported")
    assert fold(kept, a_report(cost=dearer), AT).job.cost == dearer


def test_a_preview_of_a_running_job_gives_way_to_the_result() -> None:
    preview = fold(a_job(), a_report("running", progress=30, images=four_images("https://cdn.example.com/blurred")), AT)
    assert fold(preview, a_report(images=four_images()), AT).job.images == four_images()


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_an_end_without_a_reason_still_has_an_error(status: str) -> None:
    error = fold(a_job(), a_report(status), AT).job.error
    assert error is not None
    assert error.message
