"""PostgreSQL's form of the statements that the tables are written in, which is SQLite's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from receiver.store.sql.keys import id_key

#: The columns of the tables that rows are replaced in; the first so many are the key.
REPLACED: Final[dict[str, tuple[int, tuple[str, ...]]]] = {
    "meta": (1, ("name", "value")),
    "meta_numbers": (1, ("name", "value")),
    "costs": (1, ("job", "source", "rule", "at", "state", "unit", "amount")),
    "cost_sums": (6, ("size", "at", "source", "rule", "state", "unit", "amount", "unknown", "jobs")),
    "breakers": (1, ("source", "code", "note", "since", "probe_at", "failures")),
    "lanes": (1, ("lane", "free_at")),
    "destinations": (1, ("lane", "wait_until", "failures", "paused_at", "probes")),
    "missing_webhooks": (1, ("source", "since", "jobs")),
    "refusal_bursts": (1, ("source", "told_at")),
    "id_leads": (1, ("number", "ahead")),
}
#: A JSON array of numbers is PostgreSQL's text of an array but for the brackets; one of texts is parsed.
_NUMBERS: Final = r"unnest(translate(\1::text, '[]', '{}')::bigint[])"
_CHANGES: Final = (
    (re.compile(r" INDEXED BY \w+"), ""),
    (re.compile(r" CROSS JOIN (.+? ON )"), r" JOIN \1"),
    (re.compile(r"(?<=[ (])\+(?=[a-z])"), ""),
    (re.compile(r"\binstr\("), "strpos("),
    (
        re.compile(r"json_extract\(CAST\(([\w.]+) AS TEXT\), '\$\.(\w+)'\)"),
        r"(kept_json(\1) ->> '\2')",
    ),
    (
        re.compile(r"json_extract\(CAST\(([\w.]+) AS TEXT\), '\$\.(\w+)\.(\w+)'\)"),
        r"(kept_json(\1) #>> '{\2,\3}')",
    ),
    (re.compile(r"json_each\((\?\d*)\) AS wanted"), r"json_array_elements_text(\1::json) AS wanted (value)"),
    (re.compile(r"json_each\((\?\d*)\) AS few"), rf"{_NUMBERS} AS few (value)"),
    (re.compile(r"SELECT value FROM json_each\((\?\d*)\)"), rf"SELECT {_NUMBERS}"),
)
_REPLACE: Final = re.compile(r"INSERT OR REPLACE INTO (\w+)")
_IGNORE: Final = re.compile(r"INSERT OR IGNORE INTO")
_MARK: Final = re.compile(r"(id_key\()?\?(\d*)(?(1)\))")


_EXISTS: Final = "EXISTS ("
#: What a page of a list is read by: of each row that is looked at, whether it is wanted.
_PAGE: Final = "THEN 1 ELSE 0 END"


class Translated(NamedTuple):
    """A statement as PostgreSQL takes it."""

    sql: str
    #: The places of values that are texts, of which the key is wanted.
    keys: tuple[int, ...]

    def values(self, given: Sequence[object]) -> Sequence[object]:
        """The values as PostgreSQL takes them."""
        if not self.keys:
            return given
        return [
            id_key(value) if place in self.keys and isinstance(value, str) else value
            for place, value in enumerate(given)
        ]


@lru_cache(maxsize=1024)
def translated(sql: str) -> Translated:
    """PostgreSQL's form of a statement in SQLite's SQL."""
    replaced = _REPLACE.search(sql)
    if replaced is not None:
        key, columns = REPLACED[replaced[1]]
        sets = ", ".join(f"{name} = excluded.{name}" for name in columns[key:])
        sql = _REPLACE.sub(r"INSERT INTO \1", sql)
        sql = f"{sql} ON CONFLICT ({', '.join(columns[:key])}) DO UPDATE SET {sets}"
    elif _IGNORE.search(sql):
        sql = f"{_IGNORE.sub('INSERT INTO', sql)} ON CONFLICT DO NOTHING"
    for pattern, form in _CHANGES:
        sql = pattern.sub(form, sql)
    if _PAGE in sql:
        sql = row_by_row(sql)
    keys: list[int] = []
    count = 0

    def numbered(mark: re.Match[str]) -> str:
        nonlocal count
        if mark[2]:
            return f"${mark[2]}"
        if mark[1]:
            keys.append(count)
        count += 1
        return f"${count}"

    return Translated(_MARK.sub(numbered, sql), tuple(keys))


def row_by_row(sql: str) -> str:
    """The same, with each EXISTS looked up for the row at hand.

    Else PostgreSQL may read the whole other table first: it counts with every row that the page could go through, and
    not with the few after which it ends.
    """
    at = sql.rfind(_EXISTS)
    while at >= 0:
        end, depth = at + len(_EXISTS), 1
        while depth:
            depth += {"(": 1, ")": -1}.get(sql[end], 0)
            end += 1
        sql = f"{sql[: end - 1].rstrip()} OFFSET 0{sql[end - 1 :]}"
        at = sql.rfind(_EXISTS, 0, at)
    return sql
