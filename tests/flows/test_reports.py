"""Reports that come to kept jobs: pictures that are missing are asked for once, and what is new is an event."""

from __future__ import annotations

from typing import Any

import pytest

from receiver.contracts import Filters
from receiver.contracts.setup import Setup
from receiver.flows.reports import report_to
from receiver.model.jobs import KeptJob, Report
from receiver.model.rules import Rule
from receiver.store.sqlite.transaction import SqliteTransaction
from receiver.workers.reconciler import take_answers
from support.records import NOW, a_job, a_report, a_source, four_images
from support.world import memory_transaction

SETUP = Setup(
    sources={"journey": a_source()},
    rules=(Rule(name="tell", when={"type": ["job.completed", "job.updated"]}, to=("team",), then=()),),
    sinks=frozenset({"team"}),
)
DEAF = Setup(sources={"journey": a_source(api_key=None)})


def started(**fields: Any) -> tuple[SqliteTransaction, KeptJob]:
    """A transaction with one job that its vendor works on."""
    tx = memory_transaction()
    kept = a_job(status="running", provider_job_id="task-1", **fields)
    tx.add_job(kept)
    return tx, kept


def types(tx: SqliteTransaction) -> list[str]:
    """The types of all events, oldest first."""
    return [tx.event_type(number) or "" for (number,) in tx._db.execute("SELECT number FROM events ORDER BY number")]


def present(tx: SqliteTransaction) -> KeptJob:
    [kept] = tx.jobs(Filters())
    return kept


def asked(tx: SqliteTransaction, *reports: Report, answered: bool = True) -> int:
    """What comes of the question to the vendor."""
    return take_answers(tx, SETUP, SETUP.sources["journey"], [present(tx).number], reports, answered, NOW + 1)


def test_a_completed_job_without_a_picture_stays_as_it_was_until_its_vendor_is_asked() -> None:
    tx, kept = started()
    assert report_to(tx, SETUP, kept, a_report(), NOW) == (0, True)
    waiting = present(tx)
    assert (waiting.job.status, waiting.check_at, waiting.job.warning) == ("running", NOW, None)
    assert asked(tx, a_report(images=four_images())) == 1
    assert (present(tx).job.images, present(tx).job.warning) == (four_images(), None)
    assert types(tx) == ["job.completed"]


@pytest.mark.parametrize("answer", [[a_report()], [a_report("running", progress=50)], []])
@pytest.mark.parametrize("answered", [True, False])
def test_it_is_asked_once_and_then_the_warning_is_told_and_counted(answer: list[Report], answered: bool) -> None:
    tx, kept = started()
    report_to(tx, SETUP, kept, a_report(), NOW)
    asked(tx, *answer, answered=answered)
    done = present(tx)
    assert (done.job.status, done.job.warning, done.check_at) == ("completed", "no_picture", None)
    assert types(tx)[-1] == "job.completed"
    assert tx.counts().warnings == {("journey", "no_picture"): 1}


def test_where_nobody_can_be_asked_the_warning_is_told_at_once() -> None:
    tx, kept = started()
    assert report_to(tx, DEAF, kept, a_report(), NOW) == (1, True)
    assert present(tx).job.warning == "no_picture"


def test_pictures_that_come_after_the_end_are_events_that_go_to_the_sinks() -> None:
    tx, kept = started()
    for count in (1, 2, 2, 4):
        pictures = a_report(images=four_images()[:count])
        is_news = len(present(tx).job.images) < count
        assert report_to(tx, SETUP, present(tx), pictures, NOW) == (int(is_news), is_news)
    assert types(tx) == ["job.completed", "job.updated", "job.updated"]
    assert len(tx.deliveries(Filters())) == 3
    assert kept.number == present(tx).number
