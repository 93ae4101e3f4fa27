"""PostgreSQL's form of statements."""

from __future__ import annotations

import pytest

from receiver.store.postgres.dialect import translated
from receiver.store.sql.keys import id_key


@pytest.mark.parametrize(
    ("sql", "form"),
    [
        ("SELECT a FROM b WHERE c = ? AND d = ?", "SELECT a FROM b WHERE c = $1 AND d = $2"),
        ("UPDATE a SET b = ?1 WHERE c > ?1 LIMIT ?2", "UPDATE a SET b = $1 WHERE c > $1 LIMIT $2"),
        ("SELECT 1 FROM jobs INDEXED BY jobs_open WHERE +state = 'x'", "SELECT 1 FROM jobs WHERE state = 'x'"),
        ("SELECT 1 FROM a CROSS JOIN b ON b.x = a.x", "SELECT 1 FROM a JOIN b ON b.x = a.x"),
        ("INSERT OR IGNORE INTO a VALUES (?)", "INSERT INTO a VALUES ($1) ON CONFLICT DO NOTHING"),
        (
            "INSERT OR REPLACE INTO lanes VALUES (?, ?)",
            "INSERT INTO lanes VALUES ($1, $2) ON CONFLICT (lane) DO UPDATE SET free_at = excluded.free_at",
        ),
        (
            "SELECT 1 WHERE a IN (SELECT value FROM json_each(?))",
            "SELECT 1 WHERE a IN (SELECT unnest(translate($1::text, '[]', '{}')::bigint[]))",
        ),
    ],
)
def test_a_statement_in_sqlites_sql_has_a_form_for_postgresql(sql: str, form: str) -> None:
    assert translated(sql).sql == form


def test_a_key_is_made_of_the_value_itself() -> None:
    found = translated("SELECT 1 FROM jobs WHERE a = ? AND key = id_key(?) AND provider_job_id = ?")
    assert found.sql == "SELECT 1 FROM jobs WHERE a = $1 AND key = $2 AND provider_job_id = $3"
    assert found.values(("x", "task-1", "task-1")) == ["x", id_key("task-1"), "task-1"]


def test_a_page_looks_up_what_belongs_to_each_row_that_it_comes_to() -> None:
    asked = (
        "SELECT a.number, CASE WHEN EXISTS (SELECT 1 FROM b WHERE b.number = a.b AND "
        "(NOT EXISTS (SELECT 1 FROM c) OR b.x IN (1, 2))) THEN 1 ELSE 0 END FROM a"
    )
    assert translated(asked).sql == (
        "SELECT a.number, CASE WHEN EXISTS (SELECT 1 FROM b WHERE b.number = a.b AND "
        "(NOT EXISTS (SELECT 1 FROM c OFFSET 0) OR b.x IN (1, 2)) OFFSET 0) THEN 1 ELSE 0 END FROM a"
    )
    assert translated("SELECT 1 FROM a WHERE EXISTS (SELECT 1 FROM b)").sql.endswith("EXISTS (SELECT 1 FROM b)")
