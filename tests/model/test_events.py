"""Which change of a job is which event."""

from __future__ import annotations

import pytest

from receiver.model.events import change
from receiver.model.jobs import Status
from support.records import a_job


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ("queued", "completed", "job.completed"),
        ("running", "failed", "job.failed"),
        ("running", "canceled", "job.canceled"),
        ("planned", "held", "job.held"),
        ("submitting", "unsure", "job.unsure"),
        ("submitting", "queued", "job.submitted"),
        ("unsure", "running", "job.submitted"),
        ("queued", "running", "job.progress"),
        ("planned", "submitting", None),
        ("submitting", "planned", None),
        ("completed", "completed", None),
    ],
)
def test_a_change_of_status_is_one_event(before: Status, after: Status, kind: str | None) -> None:
    news = change(a_job(status=before).job, a_job(status=after).job)
    assert (news[0] if news else None) == kind


def test_each_percentage_is_an_event_of_its_own() -> None:
    at_10, at_20 = (a_job(status="running", progress=percent).job for percent in (10, 20))
    assert change(at_10, at_20) == ("job.progress", 21)
    assert change(at_20, at_20) is None


def test_what_can_happen_again_has_a_key_for_each_time() -> None:
    before, after = a_job(status="submitting").job, a_job(status="unsure").job
    first, second = change(before, after, 1), change(before, after, 2)
    assert first is not None
    assert second is not None
    assert first[1] != second[1]


def test_a_job_first_heard_of_at_its_end_is_only_completed() -> None:
    news = change(None, a_job(status="completed").job)
    assert news is not None
    assert news[0] == "job.completed"
