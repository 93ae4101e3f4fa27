from __future__ import annotations

import io
from pathlib import Path

from receiver.app import read_config
from receiver.demo.configuration import (
    SOURCES,
    configuration,
    new_keys,
)
from receiver.demo.hints import program
from receiver.demo.screen import Screen
from receiver.demo.servers import HELD, STORY

HOOK = "http://127.0.0.1:4000"
SLACK = "http://127.0.0.1:4200"
VENDORS = {name: f"http://127.0.0.1:{4001 + place}" for place, name in enumerate(SOURCES)}


def test_the_configuration_is_one_that_gridhook_reads(tmp_path: Path) -> None:
    file = tmp_path / "gridhook.toml"
    file.write_text(configuration(HOOK, VENDORS, "http://127.0.0.1:4100", SLACK, new_keys()))
    read = read_config(file, {})
    assert {name: source.provider.name for name, source in read.sources.items()} == {**SOURCES, HELD: "journeyapi"}
    assert {name: source.base_url for name, source in read.sources.items()} == {
        **VENDORS,
        HELD: VENDORS[STORY],
    }
    assert (read.public_url, read.server.port) == (HOOK, 4000)
    assert [rule.name for rule in read.rules] == ["ask", "auto-hd", "keep", "show", "warn", "tell"]
    assert read.database == f"sqlite:///{tmp_path}/gridhook.db"


def test_only_the_real_vendors_habits_are_warned_of(tmp_path: Path) -> None:
    file = tmp_path / "gridhook.toml"
    file.write_text(configuration(HOOK, VENDORS, "http://127.0.0.1:4100", SLACK, new_keys()))
    assert [warning.split(",")[0] for warning in read_config(file, {}).warnings] == [
        "public_url is http://",
        "public_url has port 4000",
    ]


def test_every_demo_has_keys_of_its_own_and_shows_none() -> None:
    one, other = new_keys(), new_keys()
    assert one.admin_token != other.admin_token
    assert one.hook_secret != other.hook_secret
    assert one.sink_secret != other.sink_secret
    assert one.slack.signing_secret != other.slack.signing_secret
    assert one.admin_token not in repr(one)


def test_a_program_that_is_not_gridhook_is_called_by_its_plain_name() -> None:
    assert program() == "gridhook"


def test_foreign_text_is_shown_as_text() -> None:
    out = io.StringIO()
    Screen(out).step("journey", "job.progress", "[bold]a fox[/bold] :smile: \x1b[31m red\r\n\x07")
    assert out.getvalue().endswith("[bold]a fox[/bold] :smile:  [31m red   \n")


def test_a_long_address_is_not_broken_over_two_lines() -> None:
    out = io.StringIO()
    Screen(out).line("x" * 500)
    assert out.getvalue() == "x" * 500 + "\n"


def test_letters_that_the_terminal_does_not_have_do_not_end_the_demo() -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    Screen(out).line("ein Fuchs, schön → 🦊")
    assert raw.getvalue() == b"ein Fuchs, sch?n ? ?\n"


class Gone(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_a_screen_that_nobody_reads_any_more_says_so_once_and_breaks_nothing() -> None:
    calls: list[str] = []
    screen = Screen(Gone())
    screen.on_gone = lambda: calls.append("gone")
    screen.line("one")
    screen.step("you", "POST", "two")
    assert calls == ["gone"]
