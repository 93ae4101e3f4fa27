"""`status`: how everything does, and what waits."""

from __future__ import annotations

from pathlib import Path

from cli.parts import GRID, configured, done, run, values, webhook


def test_it_tells_sources_sinks_and_what_waits(tmp_path: Path) -> None:
    configured(tmp_path, "[sinks.second]\nhandler = 'log'\n")
    webhook(tmp_path, GRID)
    told = done(run(tmp_path, "status"))
    assert f"{tmp_path / 'gridhook.db'}: no `gridhook serve` runs: nothing is sent" in told
    assert "nothing waits for a person" in told
    lines = [line.split() for line in told.splitlines()]
    (journey,) = [line for line in lines if line[:1] == ["journey"]]
    assert journey[1:4] == ["journeyapi", "1", "0"]
    assert journey[-1] == "ok"
    (log,) = [line for line in lines if line[:1] == ["log"]]
    assert log[1:6] == ["log", "0", "0", "0", "1"]
    (second,) = [line for line in lines if line[:1] == ["second"]]
    assert second[5] == "0"


def test_json_is_one_value(tmp_path: Path) -> None:
    configured(tmp_path)
    webhook(tmp_path, GRID)
    (told,) = values(run(tmp_path, "status", "--json"))
    assert told["dispatching"] is False
    assert told["waiting"] == {"held": 0, "unsure": 0, "dead": 0}
    assert told["health"]["sources"][0]["jobs"] == 1
    assert told["health"]["sinks"][0]["waiting"] == 1
