"""When to look at a job again."""

from __future__ import annotations

import msgspec
import pytest

from receiver.contracts import Source
from receiver.contracts.options import NoOptions
from receiver.flows.poll_times import check_after_miss, next_check
from receiver.lib.times import stamp
from receiver.model.jobs import Status
from receiver.providers.apimart import APIMart
from support.records import NOW, a_job, a_source


def mart(**fields: object) -> Source:
    """An APIMart account."""
    return a_source("mart", provider=APIMart(NoOptions()), **fields)


@pytest.mark.parametrize(
    ("source", "action", "seconds"),
    [
        (a_source(), "imagine", 60),
        (a_source(poll_after=7.0), "imagine", 7),
        (mart(), "pick", 10),
        (mart(), "upscale", 120),
        (mart(), "imagine", 60),
        (mart(poll_after=7.0), "upscale", 7),
        (mart(webhooks=False), "upscale", 20),
    ],
)
def test_the_first_look_comes_by_the_operators_word_or_the_vendors_pace(
    source: Source, action: str, seconds: int
) -> None:
    job = a_job(action=action, provider_job_id="x", deadline=stamp(NOW + 3_600_000))
    assert next_check(source, job, NOW) == NOW + seconds * 1000
    assert next_check(source, job, NOW, looked=True) == NOW + 20_000


def test_no_look_is_later_than_the_deadline_while_that_lies_ahead() -> None:
    job = a_job(provider_job_id="x", deadline=stamp(NOW + 5000))
    assert next_check(a_source(), job, NOW) == NOW + 5000
    assert next_check(a_source(), job, NOW + 6000) == NOW + 66_000


@pytest.mark.parametrize("status", ["completed", "failed", "canceled", "planned", "submitting"])
def test_what_is_over_or_was_not_sent_is_not_looked_at(status: Status) -> None:
    assert next_check(a_source(), a_job(status=status, provider_job_id="x"), NOW) is None


def test_looks_that_bring_nothing_come_later_each_time_up_to_ten_minutes() -> None:
    jobs = [msgspec.structs.replace(a_job(), missed_checks=misses) for misses in range(8)]
    waits = [(check_after_miss(a_source(), job, NOW) - NOW) // 1000 for job in jobs]
    assert waits == [20, 40, 80, 160, 320, 600, 600, 600]
