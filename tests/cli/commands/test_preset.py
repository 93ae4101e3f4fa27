"""`preset test`: a body through a shipped preset and through one of your own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cli.parts import bare, done

BODY = {"piece": {"nr": "7", "state": "HUNG", "files": [f"https://x.example/{n}.png" for n in range(5)]}}
PRESET = '[paths]\nid = "piece.nr"\nstatus = "piece.state"\nimages = "piece.files[*]"\n[words]\ncompleted = ["HUNG"]\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "body.json").write_text(json.dumps(BODY))
    (tmp_path / "mine.toml").write_text(PRESET)
    return tmp_path


def lines(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_it_shows_what_was_found_where_and_the_event(folder: Path) -> None:
    shown = done(bare("preset", "test", "mine.toml", "--body", "body.json"))
    assert ["*", "id", "piece.nr", '"7"'] in lines(shown)
    assert "and 2 more" in shown
    assert "job.completed" in shown
    assert '"provider_job_id": "7"' in shown


def test_as_json_it_is_one_value_with_all_of_it(folder: Path) -> None:
    shown = msgspec.json.decode(done(bare("preset", "test", "./mine.toml", "--body", "body.json", "--json")))
    assert shown["events"][0]["type"] == "job.completed"
    assert len(shown["events"][0]["data"]["images"]) == 5
    assert {"name": "status", "path": "piece.state", "found": ["HUNG"], "used": True} in shown["jobs"][0]


def test_what_it_makes_nothing_of_ends_with_1(folder: Path) -> None:
    (folder / "mine.toml").write_text(PRESET.replace("HUNG", "READY"))
    result = bare("preset", "test", "mine.toml", "--body", "body.json")
    assert result.exit_code == 1
    assert "no event: unknown status 'HUNG': name it in words" in result.stdout


def test_a_shipped_preset_is_tried_by_its_name_and_headers_are_judged(folder: Path) -> None:
    body: dict[str, Any] = {"data": {"task_id": "1", "status": "completed", "task_type": "imagine", "output": {}}}
    (folder / "body.json").write_text(json.dumps(body))
    (folder / "headers.txt").write_text("POST /in/x HTTP/1.1\nContent-Type: application/json\nX-Webhook-Secret: word\n")
    told = ["preset", "test", "piapi", "--body", "body.json", "--headers", "headers.txt"]
    assert "verified by x-webhook-secret: it is there; with --secret it is judged" in done(bare(*told))
    assert "verified by x-webhook-secret: it is right" in done(bare(*told, "--secret", "word"))
    assert "NOT right" in done(bare(*told, "--secret", "other"))
    (folder / "headers.txt").write_text('{"X-Webhook-Secret": "word", "other": 1}')
    (folder / "word.txt").write_text("word\n")
    assert "it is right" in done(bare(*told, "--secret", "file:word.txt"))


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["mine.tml", "--body", "body.json"], "there is no preset 'mine.tml'"),
        (["none.toml", "--body", "body.json"], "there is no such file"),
        (["mine.toml", "--body", "none.json"], "none.json cannot be read"),
        (["mine.toml", "--body", "mine.toml"], "mine.toml: "),
        (["mine.toml", "--body", "body.json", "--secret", "env:NOT_SET_ANYWHERE"], "is not set"),
    ],
)
def test_what_cannot_be_read_is_a_sentence_and_ends_with_2(folder: Path, args: list[str], said: str) -> None:
    result = bare("preset", "test", *args)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())


def test_foreign_text_steers_no_terminal(folder: Path) -> None:
    (folder / "body.json").write_text(json.dumps({"piece": {"nr": "\x1b[2J", "state": "\u202eHUNG"}}))
    result = bare("preset", "test", "mine.toml", "--body", "body.json")
    assert "\x1b" not in result.stdout
    assert "\u202e" not in result.stdout
