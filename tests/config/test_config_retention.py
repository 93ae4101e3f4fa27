"""`retention`: one duration, or a table."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.parts import loaded, problems

DAY = 86_400.0


@pytest.mark.parametrize(
    ("written", "jobs", "pictures"),
    [
        ("", None, None),
        ('retention = "30d"', 30 * DAY, None),
        ('retention = { pictures = "365d" }', None, 365 * DAY),
        ('retention = { jobs = "30d", pictures = "1h" }', 30 * DAY, 3600.0),
    ],
)
def test_pictures_only_go_where_it_is_written(
    tmp_path: Path, written: str, jobs: float | None, pictures: float | None
) -> None:
    config = loaded(tmp_path, written)
    assert (config.retention, config.pictures_retention) == (jobs, pictures)


@pytest.mark.parametrize(
    ("written", "where"),
    [
        ('{ picture = "30d" }', "retention.picture"),
        ('{ pictures = "30 days" }', "retention.pictures"),
        ('{ pictures = "1m" }', "retention.pictures"),
        ("30", "retention"),
        ('["30d"]', "retention"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, written: str, where: str) -> None:
    assert [problem.where for problem in problems(tmp_path, f"retention = {written}")] == [where]


def test_requests_and_progress_have_ages_of_their_own(tmp_path: Path) -> None:
    config = loaded(tmp_path, 'retention = { requests = "30d", progress = "2d", pictures = "365d", jobs = "365d" }')
    assert (config.requests_retention, config.progress_retention) == (30 * DAY, 2 * DAY)
    assert (config.retention, config.pictures_retention) == (365 * DAY, 365 * DAY)
    one = loaded(tmp_path, 'retention = "30d"')
    assert (one.requests_retention, one.progress_retention) == (None, None)
