"""The figures, in words and as a plot."""

from __future__ import annotations

from xml.etree import ElementTree

import msgspec

from bench.machine.facts import Machine
from bench.measures.contest import Row, spread
from bench.measures.durability import Killed
from bench.measures.neighbours import Neighbours
from bench.report.figures import Figures
from bench.report.plot import plot
from bench.report.tables import _replicas, durable, tables
from support.replicas import ReplicaOutcome


def a_row(name: str, rate: float, *, missing: int | None = None, ratio: float | None = None) -> Row:
    one = spread([1.0])
    return Row(
        name=name,
        about="",
        rate=spread([rate * 0.9, rate, rate * 1.2]),
        ratio=ratio,
        p50_ms=one,
        p95_ms=one,
        p99_ms=one,
        max_ms=one,
        cpu_us=one,
        disk_bytes=one,
        write_bytes=one,
        resident_mb=one,
        acknowledged=10,
        errors=0,
        missing=missing,
        rounds=(),
    )


def test_what_became_of_replicas_is_told_in_words() -> None:
    found = ReplicaOutcome(
        acknowledged=20_000,
        missing=0,
        told=20_100,
        told_again=3,
        untold=1,
        unknown=1,
        orders=1875,
        ordered_twice=0,
        unsure=2,
        held=623,
        budget=3750,
        spent=3750,
        back_s=0.412,
        longest_gap_s=1.5,
        took_s=81.2,
    )
    rows = {row[0]: row[1] for row in _replicas(found).rows}
    assert rows["webhooks acknowledged"] == "20,000"
    assert rows["never told, or told of none that there is"] == "2"
    assert rows["spent of the budget, credits"] == "3,750 of 3,750"
    assert rows["first webhook kept after the database is back"] == "0.41 s"


def test_a_span_is_the_median_and_the_range() -> None:
    found = spread([5.0, 1.0, 3.0])
    assert (found.median, found.low, found.high) == (3.0, 1.0, 5.0)


def test_durable_is_only_who_was_killed_and_lost_nothing() -> None:
    killed = [
        Killed(name="a", kills=3, acknowledged=100, missing=0),
        Killed(name="b", kills=3, acknowledged=100, missing=7),
        Killed(name="c", kills=3, acknowledged=0, missing=0),
    ]
    assert [durable(name, killed) for name in "abcd"] == [
        "yes",
        "no: 7 lost",
        "not known: it acknowledged nothing",
        "-",
    ]


def test_the_plot_is_well_formed_and_has_a_bar_for_each_fastest_first() -> None:
    rows = [a_row("gridhook", 8000, missing=0, ratio=0.4), a_row("no-op <&>", 20_000), a_row("slow", 1, missing=0)]
    drawn = ElementTree.fromstring(plot(rows, "a & b"))  # noqa: S314  # our own text
    texts = ["".join(text.itertext()) for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert [text for text in texts if text in ("gridhook", "no-op <&>", "slow")] == ["no-op <&>", "gridhook", "slow"]
    assert "8,000/s (x 0.40)" in texts
    assert "20,000/s, keeps nothing" in texts
    bars = [float(bar.attrib["width"]) for bar in drawn.iter("{http://www.w3.org/2000/svg}rect")][1:]
    assert bars == sorted(bars, reverse=True)
    assert 0.35 < bars[1] / bars[0] < 0.45


def test_a_contest_that_nobody_answered_can_still_be_drawn() -> None:
    assert ElementTree.fromstring(plot([a_row("none", 0.0)], "")) is not None  # noqa: S314


def test_the_report_is_plain_json() -> None:
    assert msgspec.json.decode(msgspec.json.encode(a_row("x", 2.0)))["rate"]["median"] == 2.0


def test_neighbours_are_compared_with_nobody() -> None:
    def beside(rate: float, *names: str) -> Neighbours:
        one = spread([2.0])
        return Neighbours(
            beside=names,
            p50_ms=one,
            p95_ms=one,
            answer_p50_ms=one,
            answer_p95_ms=one,
            rate=spread([rate]),
            cpu_us=one,
            missing=0,
        )

    machine = Machine(
        date="2026-11-30",
        processor="p",
        cores=2,
        pinned=True,
        memory_gb=1.0,
        kernel="k",
        python="3",
        sqlite="3",
        libraries={},
        file_system="ext4",
        sync_ms=1.0,
        load_average=0.0,
        generator="own",
    )
    figures = Figures(
        machine=machine, rounds=1, seconds=1, connections=1, neighbours=(beside(200), beside(150, "hang", "fail"))
    )
    (table,) = tables(figures)
    assert [(row[0], row[6]) for row in table.rows] == [("nobody", "1.00"), ("hang and fail", "0.75")]
