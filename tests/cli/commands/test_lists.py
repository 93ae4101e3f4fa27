"""`jobs`, `events`, `requests`, `deliveries`: lists and one in full."""

from __future__ import annotations

import os
import re
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cli.parts import GRID, configured, done, on, picked, run, running, values, webhook
from receiver.cli import Runtime, pages
from receiver.lib.times import stamp
from receiver.model.requests import RefusedRequest
from receiver.store.sql import lists
from support.world import PICKED


def jobs_of(folder: Path, *args: str) -> list[Any]:
    """Jobs as JSON."""
    return values(run(folder, "jobs", "--json", *args))


def test_jobs_are_listed_newest_first(tmp_path: Path) -> None:
    picked(tmp_path)
    lines = done(run(tmp_path, "jobs")).splitlines()
    assert lines[0].split() == ["JOB", "STATUS", "%", "ACTION", "SOURCE", "COST", "CREATED", "PROMPT"]
    assert [line.split()[1] for line in lines[1:]] == ["planned", "completed", "completed"]
    assert "upscale 2x  journey  2 credits" in lines[1]


def test_filters_narrow_a_list(tmp_path: Path) -> None:
    picked(tmp_path)
    upscale, pick, grid = jobs_of(tmp_path)
    assert jobs_of(tmp_path, "--status", "planned") == [upscale]
    assert jobs_of(tmp_path, "--action", "pick") == [pick]
    assert jobs_of(tmp_path, "--provider-job-id", "grid-1") == [grid]
    assert jobs_of(tmp_path, "--parent", pick["id"]) == [upscale]
    assert jobs_of(tmp_path, "--root", pick["id"]) == [upscale, pick]
    assert jobs_of(tmp_path, "--limit", "1") == [upscale]
    assert jobs_of(tmp_path, "--since", "1h") == [upscale, pick, grid]
    assert jobs_of(tmp_path, "--until", "1h") == []
    assert jobs_of(tmp_path, "--tag", "project=x") == []


@pytest.mark.parametrize(
    ("command", "narrowed"),
    [
        ("jobs", ("--action", "pick")),
        ("events", ("--action", "pick")),
        ("deliveries", ("--action", "pick")),
        ("requests", ("--status", "mapped")),
    ],
)
def test_a_list_goes_on_until_its_limit_however_little_a_page_looks_at(
    tmp_path: Path, command: str, narrowed: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(tmp_path)
    webhook(tmp_path, PICKED)
    for number in range(3):
        webhook(tmp_path, {**GRID, "task_id": f"grid-{number}"} if command != "requests" else b"nonsense")
    monkeypatch.setattr(lists, "LOOK", 1)
    monkeypatch.setattr(pages, "TOLD_EVERY", 0.0)
    found = run(tmp_path, command, "--json", "--limit", "1", *narrowed)
    assert len(values(found)) == 1
    assert "looked back to 20" in found.stderr
    assert values(run(tmp_path, command, "--json", "--limit", "2", *narrowed)) == values(found)
    assert run(tmp_path, command, "--json", "--source", "nobody").exit_code == 2


def test_an_empty_list_prints_nothing_but_a_remark(tmp_path: Path) -> None:
    configured(tmp_path)
    result = run(tmp_path, "jobs")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "no jobs\n")


def test_a_job_is_shown_with_its_follow_ups_and_events(tmp_path: Path) -> None:
    picked(tmp_path)
    upscale, pick, grid = jobs_of(tmp_path)
    shown = done(run(tmp_path, "jobs", pick["id"]))
    assert f"\nfamily\n{pick['id']} pick at journey: completed  <- this one\n" in shown
    assert f"\n└─ {upscale['id']} upscale kind=2x at journey: planned, 2 credits\n" in shown
    assert "family" not in done(run(tmp_path, "jobs", grid["id"]))
    assert "job.completed" in shown
    assert "can follow   upscale kind=2x, kind=4x (2 credits)" in shown
    assert jobs_of(tmp_path, pick["id"]) == [pick]


def test_events_are_listed_and_shown_as_they_were_sent(tmp_path: Path) -> None:
    picked(tmp_path)
    newest, oldest = values(run(tmp_path, "events", "--json", "--type", "job.completed"))
    assert newest["data"]["action"] == "pick"
    assert oldest["subject"] in done(run(tmp_path, "events", "--job", oldest["subject"]))
    assert values(run(tmp_path, "events", "--json", newest["id"])) == [newest]
    assert f'"id": "{newest["id"]}"' in done(run(tmp_path, "events", newest["id"]))


def test_a_request_is_shown_with_headers_and_body_as_text(tmp_path: Path) -> None:
    configured(tmp_path)
    webhook(tmp_path, b'{"task_id": "t", "status": "odd", "note": "\xc2\x9b31m"}')
    [view] = values(run(tmp_path, "requests", "--json", "--status", "unmapped"))
    shown = done(run(tmp_path, "requests", view["id"]))
    assert "x-webhook-secret  ***" in shown
    assert '{"task_id": "t", "status": "odd", "note": "31m"}' in shown
    assert "\x9b" not in shown
    assert values(run(tmp_path, "requests", "--json", view["id"]))[0]["size"] == view["size"]


def test_foreign_text_is_no_markup(tmp_path: Path) -> None:
    configured(tmp_path)
    webhook(tmp_path, {**GRID, "prompt": "[bold]fox[/bold] \x1b[31m"})
    shown = done(run(tmp_path, "jobs"))
    assert "[bold]fox[/bold] [31m" in shown
    assert "\x1b" not in shown


def test_a_terminal_gets_colours_but_no_markup_of_others(tmp_path: Path) -> None:
    configured(tmp_path)
    webhook(tmp_path, {**GRID, "prompt": "[red]fox[/red] \x1b[2J"})
    inside, outside = os.openpty()
    with running(tmp_path, "jobs", stdout=outside) as listing:
        assert listing.wait(20) == 0
    os.close(outside)
    shown = os.read(inside, 65_536).decode()
    os.close(inside)
    assert "\x1b[32mcompleted\x1b[0m" in shown
    assert "\x1b[2J" not in shown
    assert "[red]fox" in shown


def test_a_delivery_is_listed_and_shown(tmp_path: Path) -> None:
    picked(tmp_path)
    [order] = [one for one in values(run(tmp_path, "deliveries", "--json")) if one["kind"] == "order"]
    sinks = values(run(tmp_path, "deliveries", "--json", "--sink", "log", "--status", "pending"))
    assert len(sinks) == 2
    assert "to        order at journey" in done(run(tmp_path, "deliveries", order["id"]))
    shown = done(run(tmp_path, "deliveries", sinks[0]["id"]))
    assert f"{sinks[0]['event_id']} job.completed" in shown
    assert "status    pending" in shown
    assert f"created   {sinks[0]['created_at']}" in shown
    assert "STATE" not in done(run(tmp_path, "deliveries")) + done(run(tmp_path, "requests"))
    assert "sink log" in done(run(tmp_path, "deliveries", "--sink", "log"))


@pytest.mark.parametrize("command", ["jobs", "events", "requests", "deliveries"])
@pytest.mark.parametrize("name", ["nope", "job_0000000000000", "evt_0000000000000"])
def test_what_is_not_there_is_one_sentence(tmp_path: Path, command: str, name: str) -> None:
    configured(tmp_path)
    result = run(tmp_path, command, name)
    assert result.exit_code == 1
    assert result.stderr.startswith("gridhook: there is no ")


WRONG = [
    ("jobs", ["--root", "nope"], "an id like job_0000000000000"),
    ("jobs", ["--since", "soon"], "2026-11-21T10:00:00Z, or a duration such as 2h"),
    ("jobs", ["--tag", "x"], "name=value"),
    ("jobs", ["--tag", "x=1", "--tag", "x=2"], "given twice"),
    ("jobs", ["--status", "nonsense"], "held, planned, submitting"),
    ("events", ["--status", "dead"], "held, planned, submitting"),
    ("events", ["--type", "job.done"], "job.completed"),
    ("events", ["--job", "evt_0000000000000"], "an id like job_0000000000000"),
    ("requests", ["--status", "completed"], "mapped, unmapped, unreadable"),
    ("deliveries", ["--status", "mapped"], "pending, running, done, dead"),
    ("deliveries", ["--type", "x"], "job.completed"),
    ("deliveries", ["--parent", "x"], "an id like job_0000000000000"),
    ("deliveries", ["--until", "2026-13-01"], "a moment such as"),
    ("reparse", ["--status", "dead"], "mapped, unmapped, unreadable"),
    ("tail", ["--type", "job.done"], "job.completed"),
    ("jobs", ["--provider-job-id", "\udcff"], "UTF-8"),
]


@pytest.mark.parametrize(("command", "args", "right"), WRONG)
def test_a_filter_that_cannot_be_read_is_a_usage_error_that_says_what_is_right(
    tmp_path: Path, command: str, args: list[str], right: str
) -> None:
    configured(tmp_path)
    result = run(tmp_path, command, *args)
    assert result.exit_code == 2
    assert " ".join(right.split()) in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("command", "args", "told"),
    [
        ("jobs", ["--source", "jurney"], "no source 'jurney' is configured; did you mean journey?"),
        ("events", ["--source", "xx"], "no source 'xx' is configured; there are: journey"),
        ("requests", ["--source", "xx", "--json"], "no source 'xx' is configured; there are: journey"),
        ("deliveries", ["--sink", "team"], "no sink 'team' is configured; there are: log"),
        ("redeliver", ["--dead", "--sink", "lob"], "no sink 'lob' is configured; did you mean log?"),
        ("reparse", ["--source", "jurney"], "no source 'jurney' is configured; did you mean journey?"),
        ("resolve", ["--held", "check", "--source", "xx"], "no source 'xx' is configured; there are: journey"),
        ("tail", ["--source", "xx"], "no source 'xx' is configured; there are: journey"),
    ],
)
def test_a_source_or_sink_that_is_not_known_is_a_usage_error_that_says_what_is_right(
    tmp_path: Path, command: str, args: list[str], told: str
) -> None:
    configured(tmp_path)
    result = run(tmp_path, command, *args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert " ".join(told.split()) in " ".join(result.stderr.replace("│", " ").split())


def test_what_is_kept_of_an_earlier_configuration_is_listed_with_a_warning(tmp_path: Path) -> None:
    picked(tmp_path)
    file = tmp_path / "gridhook.toml"
    file.write_text(re.sub(r"\bjourney\b", "voyage", file.read_text()))
    for command in ("jobs", "events", "requests", "deliveries"):
        result = run(tmp_path, command, "--source", "journey", "--json")
        assert values(result)
        assert result.stderr == "warning: no source 'journey' is configured; there are: voyage\n"


NEEDY = """
[sources.other]
provider = "apiframe"
api_key  = "env:NOT_SET_ANYWHERE"
budget   = {{ credits = 5, per = "day" }}
[sinks.team]
handler = "slack"
url     = "env:NOT_SET_EITHER"
[sinks.backend]
handler = "webhook"
url     = "https://app.example.com"
secret  = "file:/nowhere/at/all"
[[rules]]
when = {{ type = "job.failed" }}
to   = ["team", "backend"]
""".replace("{{", "{").replace("}}", "}")


def test_a_sink_that_is_left_out_for_want_of_its_secret_is_known_all_the_same(tmp_path: Path) -> None:
    configured(tmp_path, NEEDY)
    result = run(tmp_path, "deliveries", "--sink", "team")
    assert (result.exit_code, result.stderr) == (0, "no deliveries\n")


@pytest.mark.parametrize("command", [["backup", "copy.db"], ["prune", "--older-than", "1d"], ["migrate"], ["check"]])
def test_only_what_orders_delivers_or_checks_needs_the_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    picked(tmp_path)
    configured(tmp_path, NEEDY)
    monkeypatch.chdir(tmp_path)
    result = run(tmp_path, *command)
    assert (result.exit_code, "NOT_SET_ANYWHERE" in result.stderr) == (
        (2, True) if command == ["check"] else (0, False)
    )
    if command[0] == "backup":
        (tmp_path / "gridhook.db").unlink()
        assert "copy.db" in done(run(tmp_path, "restore", "copy.db"))


@pytest.mark.parametrize("command", [["jobs"], ["events"], ["requests"], ["deliveries"], ["costs"], ["jobs", "{id}"]])
def test_who_only_reads_the_database_needs_no_secret(tmp_path: Path, command: list[str]) -> None:
    picked(tmp_path)
    job = jobs_of(tmp_path)[0]["id"]
    configured(tmp_path, NEEDY)
    assert "journey" in done(run(tmp_path, *(word.format(id=job) for word in command))) or command == ["deliveries"]
    ordered = run(tmp_path, "submit", "journey", "imagine", "--prompt", "x")
    assert ordered.exit_code == 2
    assert "NOT_SET_ANYWHERE" in ordered.stderr


def test_what_is_wrong_beside_a_secret_is_told_to_who_needs_none(tmp_path: Path) -> None:
    configured(tmp_path, NEEDY + "nonsense = 1\n")
    result = run(tmp_path, "jobs")
    assert result.exit_code == 2
    assert "nonsense" in result.stderr
    assert "NOT_SET" not in result.stderr


def test_moments_without_an_offset_are_read_in_the_configured_zone(tmp_path: Path) -> None:
    picked(tmp_path)
    file = tmp_path / "gridhook.toml"
    file.write_text('time_zone = "Asia/Kathmandu"\n' + file.read_text())
    made = datetime.fromisoformat(jobs_of(tmp_path)[-1]["created_at"]).astimezone(ZoneInfo("Asia/Kathmandu"))
    for command in ("jobs", "events", "requests", "deliveries"):
        before = (made - timedelta(minutes=1)).replace(tzinfo=None).isoformat()
        after = (made + timedelta(minutes=1)).replace(tzinfo=None).isoformat()
        assert values(run(tmp_path, command, "--json", "--since", before))
        assert values(run(tmp_path, command, "--json", "--since", after)) == []
        assert values(run(tmp_path, command, "--json", "--until", before)) == []
    [costs] = values(run(tmp_path, "costs", "--json", "--since", "2026-11-01"))
    assert costs["since"] == "2026-10-31T18:15:00.000Z"


def test_times_are_in_the_configured_zone_and_json_is_in_utc(tmp_path: Path) -> None:
    picked(tmp_path)
    file = tmp_path / "gridhook.toml"
    file.write_text('time_zone = "Asia/Kathmandu"\n' + file.read_text())
    assert all(job["created_at"].endswith("Z") for job in jobs_of(tmp_path))
    job = jobs_of(tmp_path)[0]["id"]
    for command in (["jobs"], ["jobs", job], ["events"], ["requests"], ["deliveries"], ["costs"]):
        shown = done(run(tmp_path, *command))
        assert re.search(r"T\d\d:\d\d:\d\d\.\d{3}\+05:45", shown), command
        assert not re.search(r"T\d\d:\d\d:\d\d\.\d{3}Z", shown), command


def refuse(folder: Path, *refused: RefusedRequest) -> None:
    """Keeps refused requests, as a server would."""

    async def keep(parts: Runtime) -> None:
        await parts.store.write(lambda tx: tx.add_refused(refused, 0, 200))

    on(folder, keep)


def test_refused_requests_are_listed_with_why_and_from_where(tmp_path: Path) -> None:
    configured(tmp_path)
    result = run(tmp_path, "requests", "--refused")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "no refused requests\n")
    now = int(time.time() * 1000)
    forged = RefusedRequest(
        at=now, source="journey", reason="header_differs", sender="203.0.113.9", headers=("host", "x-webhook-secret")
    )
    lost = RefusedRequest(at=now - 7_200_000, source=None, reason="no_such_source", sender="203.0.113.8")
    refuse(tmp_path, lost, forged)
    lines = done(run(tmp_path, "requests", "--refused")).splitlines()
    assert lines[0].split() == ["TIME", "SOURCE", "REASON", "FROM", "HEADERS"]
    assert lines[1].split()[-5:] == ["journey", "header_differs", "203.0.113.9", "host", "x-webhook-secret"]
    first, second = values(run(tmp_path, "requests", "--refused", "--json"))
    assert first == {
        "time": stamp(now),
        "source": "journey",
        "reason": "header_differs",
        "sender": "203.0.113.9",
        "headers": ["host", "x-webhook-secret"],
    }
    for narrowed, wanted in (
        (("--source", "journey"), [first]),
        (("--reason", "no_such_source"), [second]),
        (("--since", "1h"), [first]),
        (("--until", "1h"), [second]),
        (("--limit", "1"), [first]),
    ):
        assert values(run(tmp_path, "requests", "--refused", "--json", *narrowed)) == wanted


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("--refused", "--reason", "because"), "no_header, header_differs"),
        (("--refused", "--since", "some day"), "--since"),
        (("--refused", "--status", "mapped"), "--refused goes with"),
        (("--refused", "req_0000000000000"), "--refused goes with"),
        (("--reason", "no_header"), "--refused only"),
    ],
)
def test_what_cannot_be_asked_of_refused_requests_says_what_can(
    tmp_path: Path, args: tuple[str, ...], told: str
) -> None:
    configured(tmp_path)
    result = run(tmp_path, "requests", *args)
    assert result.exit_code == 2
    assert told in " ".join(result.stderr.replace("│", " ").split())
