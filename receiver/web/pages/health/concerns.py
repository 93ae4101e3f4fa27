"""What of sources and sinks somebody should look at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from receiver.lib.times import stamp
from receiver.views.health import HealthReport, SinkHealth, SourceHealth
from receiver.views.overview import Overview


class Concern(NamedTuple):
    """Something to look at: whom it is about, what it is, since or until when, and where more is told."""

    name: str
    text: str
    #: RFC 3339; None = no moment belongs to it.
    at: str | None
    link: str
    link_text: str


def concerns(found: HealthReport, above: Overview) -> list[Concern]:
    """All of them, what stops orders first."""
    told = [
        *(one for source in found.sources for one in _source(source)),
        *(one for sink in found.sinks for one in _sink(sink)),
    ]
    if above.waiting.dead:
        letters = "1 delivery was" if above.waiting.dead == 1 else f"{above.waiting.dead} deliveries were"
        told.append(Concern("Given up", f"{letters} given up.", None, "/waiting?kind=dead", "Decide"))
    return told


def _source(source: SourceHealth) -> Iterator[Concern]:
    name = source.name
    if source.stopped is not None:
        text = f"takes no orders ({source.stopped.code}): {source.stopped.note}. The next try is due"
        yield Concern(name, text, source.stopped.probe_at, "/waiting?kind=held", "What waits")
    elif source.paused_until is not None:
        yield Concern(name, "cannot be reached. The next try is due", source.paused_until, "/waiting", "What waits")
    if source.missing is not None:
        jobs = "1 job is" if source.missing.jobs == 1 else f"{source.missing.jobs} jobs are"
        text = f"{jobs} done, but no webhook of it came; results are fetched by asking. The first was made"
        yield Concern(name, text, stamp(source.missing.since), f"#setup-{name}", "Check its webhook")


def _sink(sink: SinkHealth) -> Iterator[Concern]:
    if sink.paused_until is not None:
        text = f"refused {sink.failures} deliveries in a row; {sink.waiting} wait and none is lost. The next try is due"
        yield Concern(sink.name, text, sink.paused_until, f"/deliveries?sink={sink.name}", "Its deliveries")
