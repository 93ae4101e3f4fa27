"""Figures of how sources and sinks do."""

from __future__ import annotations

from pathlib import Path

import pytest

from receiver.contracts.traces import RequestTrace
from receiver.views.health import POINTS, Span, durations, health, last_webhooks
from support.face import GRID, a_face
from support.records import NOW


@pytest.mark.parametrize(
    ("took", "median", "p95"),
    [([], None, None), ([7], 7, 7), ([3, 1, 2], 2, 3), (list(range(1, 101)), 50, 95), ([1] * 19 + [9], 1, 1)],
)
def test_half_and_95_percent_took_no_longer(took: list[int], median: int | None, p95: int | None) -> None:
    found = durations(took)
    assert (found.median_ms, found.p95_ms) == (median, p95)


def test_a_moment_has_its_place_in_the_span() -> None:
    span = Span(since=0, until=POINTS * 10)
    assert [span.place(at) for at in (-1, 0, 9, 10, POINTS * 10, POINTS * 10 + 1)] == [None, 0, 0, 1, POINTS - 1, None]


def test_the_first_of_each_source_is_its_last_webhook() -> None:
    traces = [RequestTrace(source=name, at=at) for name, at in [("a", 9), ("b", 8), ("a", 7)]]
    assert last_webhooks(traces) == {"a": 9, "b": 8}


async def test_what_came_by_webhook_is_counted_and_timed(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        await face.post(GRID)
        found = await face.store.read(lambda tx: health(tx, face.setup, (), NOW))
        (source,) = found.sources
        assert (source.jobs, source.failed, source.by_webhook) == (1, 0, 100)
        assert source.took.median_ms == 0
        assert sum(source.counts) == 1
        assert source.last_webhook is not None
        assert source.rate == pytest.approx(4)
