"""No page looks through a whole table or sorts one, so that none takes longer because there is more."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from receiver.contracts import Transaction
from receiver.store.sqlite.store import SqliteStore
from receiver.store.sqlite.threads import on_thread
from receiver.store.sqlite.transaction import SqliteTransaction
from support.browsing import Browser, a_browser
from support.history import Turn, repeat
from support.stores import Engine

#: More than a page shows. SQLite goes by its indexes, not by how much there is.
MANY = 60
USUAL = Turn(place=10, tags={"all": "1"})
FAILED = Turn(place=4_000, status="failed", type="job.failed", request_state="unmapped", states=("dead", "pending"))
UNSURE = Turn(place=8_000, status="unsure", type="job.unsure")


#: What may be looked through: names that a statement makes up, and tables of one row a source.
SMALL = ("few", "CONSTANT", "breakers", "job_warnings")


def a_past(tx: Transaction) -> None:
    """What came well, what failed and what waits, of each a lot."""
    assert isinstance(tx, SqliteTransaction)
    for turn in (USUAL, FAILED, UNSURE):
        repeat(tx, turn, MANY)


def addresses(job: str, delivery: str, request: str, event: str) -> list[str]:
    """Every page, and what its forms narrow it by."""
    filters = ("status=failed", "status=unsure", "source=journey", "action=imagine", "since=24h", "tag=all=1")
    return [
        "/",
        *(f"/?{one}" for one in (*filters, "find=lighthouse", "find=task-11")),
        f"/?cursor={job}",
        f"/families/{job}",
        "/spend",
        f"/jobs/{job}",
        "/jobs",
        f"/jobs?like={job}",
        "/waiting",
        *(f"/waiting?kind={kind}" for kind in ("pick", "held", "unsure", "dead")),
        "/waiting/count",
        "/deliveries",
        *(f"/deliveries?{one}" for one in ("status=dead", "status=done", "sink=team", "since=24h", f"job_id={job}")),
        f"/deliveries/{delivery}",
        "/requests",
        *(f"/requests?{one}" for one in ("status=unmapped", "source=journey", "since=24h", f"job_id={job}")),
        f"/requests/{request}",
        f"/requests/reparse?request={request}",
        "/events/resend?sink=team&type=job.failed",
        f"/events/resend?sink=team&job_id={job}",
        "/health",
        "/health/hooks/journey",
        f"/pictures/{job}/1",
    ]


def faults(db: sqlite3.Connection, sql: str) -> list[str]:
    """What of a statement's plan grows with what is kept."""
    plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}")]
    whole = [line for line in plan if line.startswith("SCAN") and not any(word in line for word in SMALL)]
    # The questions about one job are a handful, and are found by the index.
    sorts = [line for line in plan if "TEMP B-TREE" in line and "INDEXED BY jobs_question" not in sql]
    return sorts + ([] if " LIMIT " in sql else whole)


async def statements(browser: Browser, store: SqliteStore) -> set[str]:
    """All that the pages ask the database."""
    face = browser.face
    (job, *_), (delivery, *_), (request, *_), (event, *_) = [
        [one["id"] for one in (await face.get(f"/{name}", limit="1"))["items"]]
        for name in ("jobs", "deliveries", "requests", "events")
    ]
    asked: set[str] = set()
    await on_thread(store._reader, lambda db: db.set_trace_callback(asked.add))
    for address in addresses(job, delivery, request, event):
        answer = await browser.client.get(address)
        assert answer.status_code in (200, 404), (address, answer.text[-500:])
    await on_thread(store._reader, lambda db: db.set_trace_callback(None))
    return {one for one in asked if one.lstrip().upper().startswith(("SELECT", "WITH"))}


async def test_every_page_is_made_by_index_or_by_a_bounded_look(tmp_path: Path) -> None:
    if Engine.address is not None:
        pytest.skip("SQLite's plans")
    async with a_browser(tmp_path) as browser:
        store = browser.face.store
        assert isinstance(store, SqliteStore)
        await store.write(a_past)
        asked = await statements(browser, store)
        assert len(asked) > 60
        found = {sql: await on_thread(store._reader, lambda db, sql=sql: faults(db, sql)) for sql in asked}  # type: ignore[misc]
        assert [(" ".join(sql.split()), wrong) for sql, wrong in found.items() if wrong] == []
