"""What `promtool check metrics` looks for, by the official parsers: names, units, types, help, bounded labels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open_metrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

#: Endings that say how a number is made, and of what type it must be.
ENDINGS = {"_total": "counter", "_count": "histogram", "_sum": "histogram", "_bucket": "histogram"}
#: Units that are none of the base units, and abbreviations.
WRONG_UNITS = re.compile(
    r"_(ms|millis|milliseconds|minutes|hours|days|us|microseconds|kb|mb|kilobytes|megabytes|s|secs?)(_|$)"
)
#: Families of the official client: they are as they are everywhere.
OTHERS = ("process_", "python_")


def families(text: str, *, open_metrics: bool = False) -> dict[str, Metric]:
    """The families of a page by name. Raises ValueError where a parser would not take it."""
    found = list((parse_open_metrics if open_metrics else parse_text)(text))
    names = [one.name for one in found]
    assert len(set(names)) == len(names), "a family is there twice"
    return {one.name: one for one in found}


def faults(text: str) -> list[str]:
    """What is wrong with a page."""
    typed = [line.split() for line in text.splitlines() if line.startswith("# TYPE ")]
    untold = [
        f"{name}: a counter without _total"
        for _, _, name, kind in typed
        if (kind == "counter") != name.endswith("_total")
    ]
    return [*untold, *(fault for family in families(text).values() for fault in _faults(family))]


def _faults(family: Metric) -> Iterator[str]:
    name = family.name
    if not family.documentation:
        yield f"{name}: no help"
    if family.type not in {"counter", "gauge", "histogram"}:
        yield f"{name}: no type"
    if name.startswith(OTHERS):
        return
    if not re.fullmatch(r"gridhook_[a-z0-9]+(_[a-z0-9]+)*", name):
        yield f"{name}: is not lower case with underscores, or not of gridhook"
    if WRONG_UNITS.search(name):
        yield f"{name}: not in a base unit"
    if family.type in name.split("_"):
        yield f"{name}: names its type"
    if family.type == "histogram" and not name.endswith(("_seconds", "_bytes", "_writes")):
        yield f"{name}: a histogram without a unit"
    if any(name.endswith(ending) for ending in ENDINGS if family.type != "counter" or ending != "_total"):
        yield f"{name}: an ending of another type"
    yield from _of_samples(family)


def _of_samples(family: Metric) -> Iterator[str]:
    seen: set[tuple[object, ...]] = set()
    for sample in family.samples:
        key = (sample.name, *sorted(sample.labels.items()))
        if key in seen:
            yield f"{sample.name}: twice with the same labels"
        seen.add(key)
        if family.type == "counter" and sample.value < 0:
            yield f"{sample.name}: a counter that goes down"
        if any(not re.fullmatch(r"[a-z_]+", label) for label in sample.labels):
            yield f"{sample.name}: a label that is not lower case"
    if family.type == "histogram":
        yield from _of_buckets(family)


def _of_buckets(family: Metric) -> Iterator[str]:
    rows: dict[tuple[object, ...], list[tuple[float, float]]] = {}
    totals: dict[tuple[object, ...], float] = {}
    for sample in family.samples:
        others = tuple(sorted((name, value) for name, value in sample.labels.items() if name != "le"))
        if sample.name.endswith("_bucket"):
            rows.setdefault(others, []).append((float(sample.labels["le"]), sample.value))
        if sample.name.endswith("_count"):
            totals[others] = sample.value
    for key, buckets in rows.items():
        bounds, counts = [one for one, _ in buckets], [number for _, number in buckets]
        if bounds != sorted(set(bounds)) or bounds[-1] != float("inf") or counts != sorted(counts):
            yield f"{family.name}: buckets that do not add up"
        if totals.get(key) != counts[-1]:
            yield f"{family.name}: the count is not that of the last bucket"


def label_names(found: Iterable[Metric]) -> dict[str, set[str]]:
    """The labels of each sample's name."""
    names: dict[str, set[str]] = {}
    for family in found:
        for sample in family.samples:
            names.setdefault(sample.name, set()).update(sample.labels)
    return names
