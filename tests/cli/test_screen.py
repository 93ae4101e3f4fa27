"""What is shown: nothing that steers a terminal, nothing cut in silence."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from cli.parts import configured, done, run, running
from receiver.cli import screen


def test_control_characters_of_foreign_text_are_gone() -> None:
    assert screen.clean("a\x1b[31mred\x07\r\nb\u202ec\x9bd") == "a[31mred  bcd"


def test_lines_of_a_body_stay_lines() -> None:
    assert screen.clean_lines('{\n\t"a": 1\x1b\n}') == '{\n        "a": 1\n}'


def test_json_says_the_same_without_what_a_terminal_obeys() -> None:
    body = msgspec.json.encode({"prompt": "a\x9b31m\u202eb"})
    shown = screen.harmless_json(body.decode())
    assert "\x9b" not in shown
    assert "\u202e" not in shown
    assert msgspec.json.decode(shown) == msgspec.json.decode(body)


def test_a_table_off_a_terminal_is_aligned_and_whole(capsys: pytest.CaptureFixture[str]) -> None:
    long = "word " * 100
    screen.table(("ID", "TEXT"), [["1", "[bold]x[/bold]"], ["200", long]])
    assert capsys.readouterr().out.splitlines() == ["ID   TEXT", "1    [bold]x[/bold]", f"200  {long.strip()}"]


def test_fields_that_are_empty_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    screen.fields([("job", "x"), ("parent", None), ("tags", ""), ("tries", 0)])
    assert capsys.readouterr().out == "job    x\ntries  0\n"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_character_that_the_output_cannot_show_is_written_as_json_escapes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    configured(tmp_path)
    done(run(tmp_path, "submit", "journey", "imagine", "--prompt", "\u706b \U0001f680"))
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    with running(tmp_path, "jobs", "--json") as listing:
        shown, told = listing.communicate(timeout=50)
    assert told == ""
    assert '"\\u706b \\ud83d\\ude80"' in shown
    assert msgspec.json.decode(shown)["params"]["prompt"] == "\u706b \U0001f680"
