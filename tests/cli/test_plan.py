"""`check --plan`: what an event would lead to, for reading and as JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cli.parts import GRID, bare, configured, done, picked, run, values, webhook
from support.world import PICKED

POSTER = """
[[rules]]
name = "poster"
when = { type = "job.completed", action = "imagine", source = "journey" }
then = { action = "pick", index = 2 }
"""


def a_file(folder: Path, body: object, name: str = "event.json") -> str:
    """A file with this in it: JSON, or bytes as they are."""
    file = folder / name
    file.write_bytes(body if isinstance(body, bytes) else json.dumps(body).encode())
    return str(file)


def test_a_webhooks_body_is_told_with_its_orders_prices_and_sinks(tmp_path: Path) -> None:
    configured(tmp_path, POSTER)
    shown = done(run(tmp_path, "check", "--plan", a_file(tmp_path, GRID), "--source", "journey"))
    assert shown == (
        "job.completed (imagine at journey, vendor's id grid-1): tells log\n\n"
        "order pick index=2 at journey: 2 credits, by rule poster\n"
        "     then order upscale kind=2x at journey: 2 credits, by rule auto-hd\n\n"
        "costs 4 credits of journey\n"
        "the database is not there yet, so budgets count as untouched; nothing was sent or kept\n"
    )
    assert not (tmp_path / "gridhook.db").exists()


def test_an_event_as_it_is_listed_is_told_with_what_holds_it(tmp_path: Path) -> None:
    picked(tmp_path)
    file = tmp_path / "gridhook.toml"
    file.write_text(file.read_text().replace("secrets ", 'budget = { credits = 3, per = "total" }\nsecrets '))
    [event] = values(run(tmp_path, "events", "--json", "--type", "job.completed", "--limit", "1"))
    before = values(run(tmp_path, "jobs", "--json"))
    shown = done(run(tmp_path, "check", "--plan", a_file(tmp_path, event)))
    assert (
        "hold upscale kind=2x at journey: 2 credits, by rule auto-hd\n"
        "     budget: 2 more would exceed source journey's 3 credits (2 used)\n"
        f"     planned for this very event before, as {before[0]['id']}: never again\n\n"
        "costs nothing; held back: 2 credits of journey\n"
    ) in shown
    assert f"budgets and breakers as they are in {tmp_path}/gridhook.db; nothing was sent or kept\n" in shown
    assert values(run(tmp_path, "jobs", "--json")) == before


def test_until_when_an_order_is_held_is_told_in_the_configured_zone(tmp_path: Path) -> None:
    file = configured(tmp_path, POSTER)
    held = file.read_text().replace("secrets ", 'budget = { credits = 1, per = "day" }\nsecrets ')
    file.write_text('time_zone = "Asia/Kathmandu"\n' + held)
    shown = done(run(tmp_path, "check", "--plan", a_file(tmp_path, GRID), "--source", "journey"))
    assert re.search(r"budget, until \d{4}-\d\d-\d\dT00:00:00\.000\+05:45: 2 more would exceed", shown)


def test_an_event_may_come_from_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = configured(tmp_path)
    webhook(tmp_path, PICKED)
    event = done(run(tmp_path, "events", "--json", "--type", "job.completed"))
    monkeypatch.setenv("GRIDHOOK_CONFIG", str(file))
    assert "order upscale kind=2x" in done(bare("check", "--plan", "-", stdin=event))


def test_the_plan_can_be_had_as_json(tmp_path: Path) -> None:
    configured(tmp_path, POSTER)
    [found] = values(run(tmp_path, "check", "--plan", a_file(tmp_path, GRID), "--source", "journey", "--json"))
    assert (found["cost"], found["held"], found["unknown"], found["database"]) == (
        [{"amount": "4", "unit": "credits", "source": "journey"}],
        [],
        0,
        False,
    )
    assert [step["action"] for order in found["orders"] for step in (order, *order["then"])] == ["pick", "upscale"]
    assert found["events"][0]["sinks"] == ["log"]


def test_an_event_without_orders_says_so(tmp_path: Path) -> None:
    configured(tmp_path)
    shown = done(run(tmp_path, "check", "--plan", a_file(tmp_path, GRID), "--source", "journey"))
    assert "\nnothing would be ordered\n" in shown


@pytest.mark.parametrize(
    ("body", "more", "told"),
    [
        (None, [], "event.json cannot be read: No such file or directory"),
        (b"{", [], "for a webhook as a vendor posts it name its --source"),
        (GRID, [], "it is no event as `gridhook events --json` prints them"),
        (GRID, ["--source", "jurney"], "there is no source 'jurney': did you mean \"journey\"?"),
        ({"a": 1}, ["--source", "journey"], "it tells nothing as a webhook of journey"),
        (b" " * (16 * 1024 * 1024 + 1), [], "is larger than 16777216 bytes"),
    ],
    ids=["no file", "no JSON", "a webhook", "no source", "unmapped", "too large"],
)
def test_what_cannot_be_read_is_a_usage_error(tmp_path: Path, body: object, more: list[str], told: str) -> None:
    configured(tmp_path)
    file = str(tmp_path / "event.json") if body is None else a_file(tmp_path, body)
    result = run(tmp_path, "check", "--plan", file, *more)
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr


def test_a_source_without_a_plan_is_a_usage_error(tmp_path: Path) -> None:
    configured(tmp_path)
    result = run(tmp_path, "check", "--source", "journey")
    assert result.exit_code == 2
    assert "--source goes with --plan" in result.stderr


def test_a_database_that_cannot_be_used_does_not_hinder_a_plan(tmp_path: Path) -> None:
    configured(tmp_path)
    (tmp_path / "gridhook.db").write_bytes(b"no database " * 1000)
    shown = done(run(tmp_path, "check", "--plan", a_file(tmp_path, GRID), "--source", "journey"))
    assert "the database cannot be used: " in shown
    assert "so budgets count as untouched" in shown
