"""Lists: newest first, a page at a time, and no page looks at more rows however many there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import msgspec

from receiver.contracts import Filters, Page
from receiver.lib.ids import IdLead, IdSpan, spans_made
from receiver.store.sql.conditions import (
    COMMON,
    Asked,
    IndexPath,
    ListQuery,
)
from receiver.store.sql.statements import Statements

T = TypeVar("T")

#: A page looks at so many rows at most (or at its limit, if that is more), and then says where to go on.
LOOK: Final = 2_000
#: Filters in the order in which they are tried: those that leave the fewest rows first.
NAMES: Final = (
    "job",
    "provider_job_id",
    "parent",
    "root",
    "tags",
    "status",
    "type",
    "source",
    "sink",
    "action",
    "prompt",
)

#: Whether a number lies in one of the spans.
WITHIN: Final = """
    EXISTS (SELECT 1 FROM (VALUES {}) AS span WHERE {} BETWEEN span.column1 AND span.column2)
"""


def page(
    db: Statements,
    listing: ListQuery,
    filters: Filters,
    read: Callable[[int], T | None],
    leads: Sequence[IdLead] = (),
) -> Page[T]:
    """The newest rows that pass the filters, at most `filters.limit`; `read` returns the record of a number.

    `leads` are those of the ids in the database, in order.
    """
    numbers, following = find(db, listing, filters, leads)
    return Page((record for number in numbers if (record := read(number)) is not None), following)


def find(
    db: Statements, listing: ListQuery, filters: Filters, leads: Sequence[IdLead] = ()
) -> tuple[list[int], int | None]:
    """The numbers of a page, and before which number the next one goes on; None = there is nothing more."""
    asked = [(name, values) for name, values in _asked(filters) if name in listing.conditions]
    spans, most = _spans(filters, leads), max(LOOK, filters.limit)
    if not spans:
        return [], None
    few = _few(db, listing, asked, most)
    if few is None:
        return _look_through(db, listing, asked, spans, filters.limit)
    within = [number for number in few if any(span.low <= number <= span.top for span in spans)]
    found = _passing(db, listing, asked, within)
    shown = found[: filters.limit]
    return shown, shown[-1] if len(found) > filters.limit else None


def _asked(filters: Filters) -> list[Asked]:
    asked: list[Asked] = []
    for name in NAMES:
        if name == "tags":
            asked += [(name, (tag, text)) for tag, text in filters.tags.items()]
        elif (value := getattr(filters, name)) is not None:
            asked.append((name, (value,)))
    return asked


def _spans(filters: Filters, leads: Sequence[IdLead]) -> list[IdSpan]:
    """The numbers that a page may show: numbers are times. There are several spans only if the clock was set back."""
    spans = spans_made(filters.since, filters.until, leads)
    if filters.before is None:
        return list(spans)
    cut = (IdSpan(span.low, min(span.top, filters.before - 1)) for span in spans)
    return [span for span in cut if span.low <= span.top]


# --- the rows are few: all of them are looked at ---------------------------------------------------------------------


def _few(db: Statements, listing: ListQuery, asked: Sequence[Asked], most: int) -> set[int] | None:
    """Rows among which are all that pass, found by a filter that leaves but `most` of them; None = no filter does."""
    for name, values in asked:
        if _is_common(name, values):
            continue
        found = _few_by(db, listing, name, values, most)
        if found is not None:
            return found
    return None


def _few_by(db: Statements, listing: ListQuery, name: str, values: tuple[object, ...], most: int) -> set[int] | None:
    own = listing.rows_by.get((name, str(values[0])))
    if own is not None:
        return _at_most(db, own, (), most)
    by = listing.jobs_by.get(name)
    jobs = _at_most(db, by, _repeated(values, by), most) if by is not None else None
    if jobs is None or listing.rows_of is None:
        return jobs
    array = msgspec.json.encode(sorted(jobs)).decode()
    return _at_most(db, listing.rows_of, _repeated((array,), listing.rows_of), most)


def _at_most(db: Statements, sql: str, values: tuple[object, ...], most: int) -> set[int] | None:
    rows = db.execute(f"{sql} LIMIT ?", (*values, most + 1)).fetchall()
    return {number for (number,) in rows} if len(rows) <= most else None


def _passing(db: Statements, listing: ListQuery, asked: Sequence[Asked], few: Sequence[int]) -> list[int]:
    """Those of the rows that pass, newest first."""
    table = listing.table
    fits, values = _fits(listing, asked)
    sql = f"SELECT few.value FROM json_each(?) AS few CROSS JOIN {table} ON {table}.number = few.value WHERE {fits}"
    rows = db.execute(sql, (msgspec.json.encode(few).decode(), *values))
    return sorted((number for (number,) in rows), reverse=True)


# --- the rows are many: they are looked through, newest first --------------------------------------------------------


def _look_through(
    db: Statements, listing: ListQuery, asked: Sequence[Asked], spans: Sequence[IdSpan], limit: int
) -> tuple[list[int], int | None]:
    way, given = _way(listing, asked)
    fits, values = _fits(listing, asked)
    if len(spans) > 1:
        fits = f"{WITHIN.format(', '.join(['(?, ?)'] * len(spans)), way.number)} AND {fits}"
        values = [*(end for span in spans for end in span), *values]
    low, top = spans[0].low, spans[-1].top
    most = max(LOOK, limit)
    sql = f"""
        SELECT {way.number}, CASE WHEN {fits} THEN 1 ELSE 0 END FROM {way.rows}
        WHERE {way.where} AND {way.number} BETWEEN ? AND ? ORDER BY {way.number} DESC LIMIT ?
    """
    rows = db.execute(sql, (*values, *given, low, top, most + 1))
    found: list[int] = []
    last = top
    for looked, (number, fitting) in enumerate(rows):
        if looked == most:
            return found, last
        if fitting and len(found) == limit:
            return found, found[-1]
        if fitting:
            found.append(number)
        last = number
    return found, None


def _way(listing: ListQuery, asked: Sequence[Asked]) -> tuple[IndexPath, tuple[object, ...]]:
    for name, values in asked:
        way = listing.ways.get(name)
        leads = not _is_common(name, values) and (name, str(values[0])) not in listing.rows_by
        if way is not None and leads:
            return way, values
    return IndexPath(listing.table, f"{listing.table}.number", "TRUE"), ()


def _is_common(name: str, values: tuple[object, ...]) -> bool:
    return name in ("status", "type") and values[0] in COMMON


def _fits(listing: ListQuery, asked: Sequence[Asked]) -> tuple[str, list[object]]:
    """The condition that a row passes, cheap ones first, and its values."""
    order = list(listing.conditions)
    given = sorted(asked, key=lambda one: order.index(one[0]))
    conditions = [listing.conditions[name] for name, _ in given]
    values = [
        value
        for (_, wanted), condition in zip(given, conditions, strict=True)
        for value in _repeated(wanted, condition)
    ]
    return " AND ".join(conditions) or "TRUE", values


def _repeated(values: tuple[object, ...], sql: str) -> tuple[object, ...]:
    """The values as often as the SQL asks for them."""
    return values * (sql.count("?") // len(values))
