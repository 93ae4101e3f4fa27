"""`resolve` and `cancel`: what a person decides, and what is said of it."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

import receiver
from cli.parts import configured, done, on, run, values
from receiver.cli import Runtime
from receiver.cli.commands.resolve import _resolve
from receiver.contracts import Transaction
from receiver.errors import NotPossible
from receiver.flows import commands
from receiver.model.jobs import Job
from support.unsure import lose_the_answer

TWICE = "it is not known whether journey took this order: if it did, sending it again is paid a second time"


def submitted(folder: Path) -> dict[str, Any]:
    """A planned job."""
    configured(folder)
    [job] = values(run(folder, "submit", "journey", "imagine", "--prompt", "x", "--json"))
    found: dict[str, Any] = job
    return found


def unsure(folder: Path) -> str:
    """The id of a job whose order was sent and whose answer was lost."""
    submitted(folder)

    async def lose(parts: Runtime) -> Job:
        def work(tx: Transaction) -> Job:
            return lose_the_answer(tx, parts.setup, "journey", parts.clock())

        return await parts.store.write(work)

    return on(folder, lose).id


def held(folder: Path) -> str:
    """The id of a job that fits into no budget."""
    file = configured(folder)
    file.write_text(file.read_text().replace("secrets ", 'budget = { credits = 1, per = "day" }\nsecrets '))
    held = run(folder, "submit", "journey", "imagine", "--prompt", "x", "--json")
    return str(values(run(folder, "jobs", "--json"))[0]["id"]) if held.exit_code == 1 else ""


def status(folder: Path) -> str:
    """The status of the one job."""
    [job] = values(run(folder, "jobs", "--json"))
    return str(job["status"])


def test_sending_an_unsure_job_again_says_that_it_may_be_paid_twice(tmp_path: Path) -> None:
    job = unsure(tmp_path)
    result = run(tmp_path, "resolve", job, "send", "--yes")
    assert result.stderr == f"gridhook: {TWICE}\n"
    assert (
        done(result) == f"{job} imagine at journey: planned, 4 credits\n  kept; it is sent when `gridhook serve` runs\n"
    )
    [delivery] = values(run(tmp_path, "deliveries", "--json"))
    assert (delivery["kind"], delivery["status"], delivery["job_id"]) == ("order", "pending", job)


@pytest.mark.parametrize(
    ("answer", "code", "after"), [("n\n", 1, "unsure"), ("\n", 1, "unsure"), ("y\n", 0, "planned")]
)
def test_on_a_terminal_it_asks_first(tmp_path: Path, answer: str, code: int, after: str) -> None:
    job = unsure(tmp_path)
    assert on_a_terminal(tmp_path, answer, "resolve", job, "send") == code
    assert status(tmp_path) == after


def test_yes_said_beforehand_is_not_asked_for_again(tmp_path: Path) -> None:
    job = unsure(tmp_path)
    assert on_a_terminal(tmp_path, "", "resolve", job, "send", "--yes") == 0
    assert status(tmp_path) == "planned"


def on_a_terminal(folder: Path, answer: str, *args: str) -> int:
    """The exit code of a command that sees a terminal on which this is typed."""
    ours, theirs = pty.openpty()
    env = {**os.environ, "PYTHONPATH": str(Path(receiver.__file__).parent.parent)}
    command = [sys.executable, "-m", "receiver", *args]
    try:
        os.write(ours, answer.encode())
        return subprocess.run(
            command, cwd=folder, env=env, stdin=theirs, stderr=theirs, check=False, timeout=50
        ).returncode
    finally:
        os.close(ours)
        os.close(theirs)


def test_where_nobody_can_be_asked_sending_again_needs_a_yes(tmp_path: Path) -> None:
    job = unsure(tmp_path)
    for words in ((job, "send"), ("--unsure", "send")):
        result = run(tmp_path, "resolve", *words)
        assert (result.exit_code, status(tmp_path)) == (2, "unsure")
        assert (
            result.stderr
            == f"gridhook: {TWICE}\ngridhook: nothing was done: say --yes if it shall be sent all the same\n"
        )


def two_held_and_one_unsure(folder: Path) -> list[str]:
    """The ids of a job that is unsure, and of two that fit into no budget after it."""
    first = unsure(folder)
    file = folder / "gridhook.toml"
    file.write_text(file.read_text().replace("secrets ", 'budget = { credits = 5, per = "day" }\nsecrets '))
    for prompt in ("y", "z"):
        run(folder, "submit", "journey", "imagine", "--prompt", prompt)
    return [first, *(str(job["id"]) for job in reversed(values(run(folder, "jobs", "--json", "--status", "held"))))]


def test_all_that_are_held_are_decided_on_at_once(tmp_path: Path) -> None:
    first, *others = two_held_and_one_unsure(tmp_path)
    assert len(others) == 2
    file = tmp_path / "gridhook.toml"
    file.write_text(file.read_text() + '[sources.elsewhere]\nprovider = "journeyapi"\nsecrets = ["s"]\n')
    assert done(run(tmp_path, "resolve", "--held", "--source", "elsewhere", "send", "--json")) == ""
    decided = values(run(tmp_path, "resolve", "--held", "--source", "journey", "send", "--json"))
    assert [(job["id"], job["status"]) for job in decided] == [(job, "planned") for job in others]
    assert run(tmp_path, "resolve", "--held", "check").stderr == "no job is held\n"
    [given_up] = values(run(tmp_path, "resolve", "--unsure", "give-up", "--json"))
    assert (given_up["id"], given_up["status"]) == (first, "failed")


def test_what_cannot_be_decided_among_many_is_told_and_the_others_are_decided(tmp_path: Path) -> None:
    first, *_ = two_held_and_one_unsure(tmp_path)
    result = run(tmp_path, "resolve", "--unsure", "check")
    assert (result.exit_code, "cannot be asked" in result.stderr) == (1, True)
    sent = run(tmp_path, "resolve", "--unsure", "send", "--yes", "--json")
    assert [job["id"] for job in values(sent)] == [first]


@pytest.mark.parametrize(
    "words",
    [
        ("check",), ("job_x",), ("--held",), ("--held", "job_x", "check"), ("--held", "--unsure", "check"),
        ("job_x", "check", "--source", "journey"), ("--unsure", "maybe"), ("job_x", "send", "now"),
    ],
)  # fmt: skip
def test_a_decision_is_on_one_job_or_on_all_of_a_status(tmp_path: Path, words: tuple[str, ...]) -> None:
    configured(tmp_path)
    assert run(tmp_path, "resolve", *words).exit_code == 2


def test_a_held_job_is_sent_without_a_question_about_paying_twice(tmp_path: Path) -> None:
    job = held(tmp_path)
    result = run(tmp_path, "resolve", job, "send")
    assert result.stderr == ""
    assert "planned, 4 credits" in done(result)


def test_a_held_job_that_was_sent_before_may_be_paid_twice_too(tmp_path: Path) -> None:
    job = held(tmp_path)

    async def sent_before(parts: Runtime) -> None:
        def work(tx: Transaction) -> None:
            (kept,) = tx.held("journey", "budget")
            tx.put_job(msgspec.structs.replace(kept, sent_twice=True))

        await parts.store.write(work)

    on(tmp_path, sent_before)
    assert run(tmp_path, "resolve", job, "send", "--yes").stderr == f"gridhook: {TWICE}\n"


def test_what_became_unsure_meanwhile_is_not_sent_without_a_word_about_it(tmp_path: Path) -> None:
    job = unsure(tmp_path)

    async def decide(parts: Runtime) -> None:
        kept = await parts.store.read(lambda tx: commands.job_of(tx, job))
        seen = msgspec.structs.replace(kept.job, status="held")
        await parts.store.write(lambda tx: _resolve(tx, parts, seen, "send"))

    with pytest.raises(NotPossible, match="has just become unsure"):
        on(tmp_path, decide)
    assert status(tmp_path) == "unsure"


def test_checking_a_held_job_judges_the_hold_anew(tmp_path: Path) -> None:
    job = held(tmp_path)
    shown = done(run(tmp_path, "resolve", job, "check"))
    assert f"{job} imagine at journey: held, 4 credits\n  waits for its budget, since " in shown
    assert "4 more would exceed source journey's 1 credits (0 used)" in shown
    file = tmp_path / "gridhook.toml"
    file.write_text(file.read_text().replace("credits = 1,", "credits = 10,"))
    assert "planned, 4 credits" in done(run(tmp_path, "resolve", job, "check"))


def test_giving_up_an_unsure_job_fails_it_but_a_late_result_counts(tmp_path: Path) -> None:
    shown = done(run(tmp_path, "resolve", unsure(tmp_path), "give-up"))
    assert "failed, 4 credits\n  provider_error: given up by a person\n  a late result still completes it\n" in shown


def test_giving_up_a_held_job_cancels_it(tmp_path: Path) -> None:
    [job] = values(run(tmp_path, "resolve", held(tmp_path), "give-up", "--json"))
    assert (job["status"], job["error"]["code"]) == ("canceled", "canceled")


@pytest.mark.parametrize(
    ("args", "code", "told"),
    [
        (("resolve", "job_x", "check"), 1, "there is no job 'job_x'"),
        (("cancel", "job_x"), 1, "there is no job 'job_x'"),
        (("resolve", "{job}", "check"), 1, "cannot be asked: the vendor's id of this job is not known"),
        (("cancel", "{job}"), 1, "is unsure: it cannot be canceled"),
        (("resolve", "{job}", "resend"), 2, "'resend' is not one of"),
    ],
)
def test_what_cannot_be_decided_is_told_and_changes_nothing(
    tmp_path: Path, args: tuple[str, ...], code: int, told: str
) -> None:
    job = unsure(tmp_path)
    result = run(tmp_path, *(arg.format(job=job) for arg in args))
    assert result.exit_code == code
    assert told in result.stderr
    assert status(tmp_path) == "unsure"


def test_a_job_that_is_not_ordered_yet_is_canceled_at_once(tmp_path: Path) -> None:
    job = submitted(tmp_path)["id"]
    shown = done(run(tmp_path, "cancel", job))
    assert shown == f"{job} imagine at journey: canceled, 4 credits\n  canceled: canceled before it was ordered\n"
    again = run(tmp_path, "cancel", job)
    assert again.exit_code == 1
    assert "is canceled: it cannot be canceled" in again.stderr


def test_an_unsure_job_in_full_shows_why_and_how_often_it_was_asked(tmp_path: Path) -> None:
    job = unsure(tmp_path)
    shown = done(run(tmp_path, "jobs", job))
    assert "provider_timeout: it is not known whether journey took the order: the answer was lost\n" in shown
    assert "asked      0 times, it cannot be asked\n" in shown
    [found] = values(run(tmp_path, "jobs", job, "--json"))
    assert found["checks"] == {"asked": 0, "next_at": None}


def test_a_job_in_full_shows_why_it_waits_and_what_it_costs(tmp_path: Path) -> None:
    job = held(tmp_path)
    shown = done(run(tmp_path, "jobs", job))
    assert "waits for  its budget, since 20" in shown
    assert ", until 20" in shown
    assert "4 more would exceed source journey's 1 credits (0 used)\n" in shown
    assert f"to decide  gridhook resolve {job} check|send|give-up\n" in shown
    assert "cost       4 credits (table)\n" in shown
    done(run(tmp_path, "resolve", job, "send"))
    assert "4 credits (table), reserved\n" in done(run(tmp_path, "jobs", job))


def test_a_job_that_was_sent_twice_shows_that_it_counts_twice(tmp_path: Path) -> None:
    job = unsure(tmp_path)
    assert f"gridhook resolve {job} check|send|give-up" in done(run(tmp_path, "jobs", job))
    done(run(tmp_path, "resolve", job, "send", "--yes"))
    assert "4 credits (table), reserved; counts as 8 credits\n" in done(run(tmp_path, "jobs", job))
