"""The views: public ids and readable times, for who opens the database with another program, whatever engine it is."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from receiver.lib import ids
from receiver.lib.times import stamp
from receiver.store.postgres.connections import PostgresStatements, connect
from receiver.store.postgres.migrate import migrate as migrate_schema
from receiver.store.sql.statements import Statements
from receiver.store.sqlite.migrate import migrate

DICE = random.Random(8)  # noqa: S311 - guards nothing
NUMBERS = (0, 1, 31, 32, (1 << 63) - 1, *(DICE.getrandbits(63) for _ in range(50)))


@pytest.fixture(params=["sqlite", "postgres"])
def db(request: pytest.FixtureRequest) -> Iterator[Statements]:
    if request.param == "sqlite":
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as opened:
            migrate(opened)
            yield opened
    else:
        with connect(request.getfixturevalue("postgres")) as server:
            migrate_schema(server)
            yield PostgresStatements(server)


def rows(db: Statements, view: str) -> list[dict[str, Any]]:
    found: Any = db.execute(f"SELECT * FROM {view} ORDER BY 1")  # noqa: S608
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found]


def test_ids_and_times_are_those_that_gridhook_shows(db: Statements) -> None:
    for number in NUMBERS:
        db.execute(
            "INSERT INTO requests VALUES (?, 's', 'mapped', 'ref', ?, NULL, '{}', '{}', '192.0.2.1')", (number, number)
        )
    assert len(rows(db, "request_view")) == len(NUMBERS)
    for row in rows(db, "request_view"):
        assert row["id"] == ids.show("req", row["number"])
        assert row["job_id"] == ids.show("job", row["number"])
        assert row["sender"] == "192.0.2.1"
        assert row["received_at"] == stamp(ids.made_at(row["number"]))


def test_where_the_clock_was_set_back_requests_have_the_time_that_gridhook_shows(db: Statements) -> None:
    leads = [ids.IdLead(ids.first_at(1_795_000_000_000), 5_000), ids.IdLead(ids.first_at(1_795_000_020_000), 0)]
    db.executemany("INSERT INTO id_leads VALUES (?, ?)", leads)
    for ms in (1_794_999_999_999, 1_795_000_000_000, 1_795_000_019_999, 1_795_000_020_000):
        number = ids.first_at(ms)
        db.execute(
            "INSERT INTO requests VALUES (?, 's', 'mapped', 'ref', NULL, NULL, '{}', '{}', '192.0.2.1')", (number,)
        )
    assert [row["received_at"] for row in rows(db, "request_view")] == [
        stamp(ids.made_at(row["number"], leads)) for row in rows(db, "request_view")
    ]
    assert rows(db, "request_view")[1]["received_at"] == stamp(1_794_999_995_000)


def test_what_is_not_there_is_null(db: Statements) -> None:
    db.execute("INSERT INTO requests VALUES (7, 's', 'mapped', 'ref', NULL, NULL, '{}', '{}', '192.0.2.1')")
    db.execute(
        "INSERT INTO events (number, job, key, type, source, request, at, data) VALUES (1,2,3,'t','s',NULL,4,'{}')"
    )
    db.execute("INSERT INTO deliveries VALUES (1, 'order:journey', 2, NULL, 'pending', 5, 0, 0, NULL, NULL, NULL)")
    db.execute("INSERT INTO deliveries VALUES (2, 'sink:a:b', 2, 1, 'done', 1795000000001, 1, 0, NULL, NULL, NULL)")
    assert rows(db, "request_view")[0]["job_id"] is None
    [event] = rows(db, "event_view")
    assert (event["id"], event["job_id"], event["request_id"]) == (ids.show("evt", 1), ids.show("job", 2), None)
    assert event["time"] == stamp(4)
    order, message = rows(db, "delivery_view")
    assert (order["source"], order["sink"], order["event_id"]) == ("journey", None, None)
    assert (message["source"], message["sink"], message["event_id"]) == (None, "a:b", ids.show("evt", 1))
    assert (message["id"], message["due_at"]) == (ids.show("dlv", 2), stamp(1795000000001))


def test_a_job_is_shown_wherever_it_stands(db: Statements) -> None:
    job = (
        '{"created_at":"2026-11-21T10:00:00.000Z","progress":100,"cost":{"amount":"2","unit":"credits"},"root_id":"r"}'
    )
    db.execute("INSERT INTO events (number, job, key, type, source, at, data) VALUES (1, 2, 3, 't', 's', 4, ?)", (job,))
    into = "INSERT INTO jobs (number, source, status, root, event, data) VALUES (?, 's', 'queued', 2, ?, ?)"
    db.execute(into, (2, 1, b"{}"))
    db.execute(into, (3, None, b'{"job":' + job.encode() + b"}"))
    for row in rows(db, "job_view"):
        assert row["id"] == ids.show("job", row["number"])
        assert (row["created_at"], row["progress"], row["cost"]) == ("2026-11-21T10:00:00.000Z", 100, "2")


def test_costs_attempts_and_breakers_have_theirs(db: Statements) -> None:
    db.execute("INSERT INTO costs VALUES (5, 's', 'r', 1795000000001, 'spent', 'credits', '2')")
    db.execute("INSERT INTO attempts VALUES (6, 1, '2026-11-21T10:00:00.000Z', 3, 'delivered', 200, NULL)")
    db.execute("INSERT INTO breakers VALUES ('s', 'account', 'no credits', 1795000000001, 1795000000002, 1)")
    [cost], [attempt], [breaker] = (rows(db, f"{what}_view") for what in ("cost", "attempt", "breaker"))
    assert (cost["job_id"], cost["reserved_at"]) == (ids.show("job", 5), stamp(1795000000001))
    assert (attempt["delivery_id"], attempt["http_status"]) == (ids.show("dlv", 6), 200)
    assert (breaker["since"], breaker["probe_at"]) == (stamp(1795000000001), stamp(1795000000002))


def test_refused_requests_have_their_time(db: Statements) -> None:
    db.execute("INSERT INTO refused VALUES (7, 1795000000001, NULL, 'no_such_source', '192.0.2.1', '[\"host\"]')")
    assert rows(db, "refused_view") == [
        {
            "time": stamp(1795000000001),
            "source": None,
            "reason": "no_such_source",
            "sender": "192.0.2.1",
            "headers": '["host"]',
            "number": 7,
        }
    ]


def test_what_is_about_no_job_shows_no_id_of_one(db: Statements) -> None:
    into = "INSERT INTO events (number, job, key, type, source, at, data) VALUES (1, 0, 1, 'sink.failing', '', 4, '{}')"
    db.execute(into)
    db.execute("INSERT INTO deliveries VALUES (2, 'sink:team', 0, 1, 'done', 5, 1, 0, NULL, NULL, NULL)")
    assert [rows(db, view)[0]["job_id"] for view in ("event_view", "delivery_view")] == [None, None]


def test_both_engines_have_the_same_views(postgres: str) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as file, connect(postgres) as server:
        migrate(file)
        migrate_schema(server)
        ours = file.execute(
            "SELECT views.name, columns.name FROM sqlite_master AS views, pragma_table_info(views.name) AS columns "
            "WHERE views.type = 'view' ORDER BY views.name, columns.cid"
        ).fetchall()
        theirs = server.execute(
            "SELECT table_name::text, column_name::text FROM information_schema.columns "
            "WHERE table_schema = current_schema() AND table_name LIKE '%\\_view' ORDER BY table_name, ordinal_position"
        ).fetchall()
    assert ours == theirs


def test_bytes_that_are_no_text_are_shown_all_the_same(postgres: str) -> None:
    with connect(postgres) as server:
        migrate_schema(server)
        db = PostgresStatements(server)
        into = "INSERT INTO requests VALUES (?, 's', 'unreadable', 'ref', NULL, NULL, '{}', ?, NULL)"
        db.execute(into, (1, b"\xff\x00text"))
        db.execute(into, (2, "gr\u00fcn".encode()))
        assert [row["body"] for row in rows(db, "request_view")] == ["\\377\\000text", "gr\u00fcn"]


def test_a_prompt_with_a_zero_byte_spoils_nothing(db: Statements) -> None:
    job = b'{"prompt":"a\\u0000b","status":"queued"}'
    into = "INSERT INTO jobs (number, source, status, root, event, data) VALUES (3, 's', 'queued', 3, NULL, ?)"
    db.execute(into, (b'{"job":' + job + b"}",))
    [row] = rows(db, "job_view")
    assert (row["id"], row["prompt"][0]) == (ids.show("job", 3), "a")
