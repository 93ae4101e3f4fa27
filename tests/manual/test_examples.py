"""What the manual and the README show works: configurations, commands, and plug-ins."""

from __future__ import annotations

import re
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import typer
from typer.main import get_command

from handlers.http.transport import HttpTransport
from receiver.app import read_config
from receiver.cli.main import COMMANDS, app
from receiver.config import Config
from receiver.model.deliveries import Again, Dead, Delivered
from support.delivering import Bound, outgoing
from support.heron import EXAMPLE

ROOT: Final = Path(__file__).parent.parent.parent
#: Pages by name; the README is one of them.
PAGES: Final = {
    "README": (ROOT / "README.md").read_text("utf-8"),
    **{
        file.name.removesuffix(".md"): file.read_text("utf-8")
        for file in files("receiver.manual").iterdir()
        if file.name.endswith(".md") and file.name != "changelog.md"
    },
}


def blocks(page: str, kind: str) -> list[str]:
    """A page's code blocks of one kind."""
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGES[page], re.DOTALL | re.MULTILINE)


def is_whole(block: str) -> bool:
    """Whether it is a whole configuration; else it goes on from the page's first whole one."""
    return "public_url" in block or "database" in block


def environment(text: str) -> dict[str, str]:
    """A value of the right kind for each secret that a configuration names."""
    names = set(re.findall(r'"env:(\w+)"', text))
    made = {name: f"a-{name.lower().replace('_', '-')}-of-some-length" for name in names}
    for name in names:
        if name.startswith("BACKEND_SECRET"):
            made[name] = "whsec_" + "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3" + ("" if name == "BACKEND_SECRET" else "ODk6")
        if name == "SLACK_WEBHOOK_URL":
            made[name] = "https://hooks.slack.example/services/T/B/x"
        if name.startswith("SLACK_") and name.endswith("TOKEN"):
            made[name] = "xapp-1-a" if "APP" in name else "xoxb-a-token"
        if name == "DATABASE_URL":
            made[name] = "postgresql://gridhook@db.example.com/gridhook"
        if name == "DISCORD_PUBLIC_KEY":
            made[name] = "11" * 32
        if name == "DISCORD_WEBHOOK_URL":
            made[name] = "https://discord.example/api/webhooks/801/a-token"
        if name == "NATS_SERVER":
            made[name] = "tls://gridhook:a-word@nats.example.com:4222"
        if name == "GOTIFY_URL":
            made[name] = "gotifys://push.example.com/a-token-of-gotify"
        if name == "TELEGRAM_TOKEN":
            made[name] = "7001:a-telegram-token-of-some-length-12345"
    return made


def configurations() -> list[tuple[str, int, str]]:
    """Page, number and text of every configuration that is shown, pieces behind the whole one that they belong to."""
    found = []
    for page in PAGES:
        shown = blocks(page, "toml")
        first = next((block for block in shown if is_whole(block)), "")
        found += [(page, at, block if is_whole(block) else first + "\n" + block) for at, block in enumerate(shown)]
    return found


CONFIGURATIONS: Final = configurations()


@pytest.fixture(autouse=True)
def _no_plugin_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("matrix_sink", "paintbox"):
        monkeypatch.delitem(sys.modules, name, raising=False)


def read(folder: Path, text: str) -> Config:
    """A configuration, with the manual's plug-ins beside it."""
    for name, code in zip(("matrix_sink.py", "paintbox.py"), blocks("plugins", "python"), strict=True):
        (folder / name).write_text(code)
    (folder / "gridhook.toml").write_text(text)
    return read_config(folder / "gridhook.toml", environment(text))


@pytest.mark.parametrize(("page", "text"), [pytest.param(p, t, id=f"{p}-{at}") for p, at, t in CONFIGURATIONS])
def test_every_configuration_is_accepted_without_a_warning(tmp_path: Path, page: str, text: str) -> None:
    warnings = read(tmp_path, text).warnings
    assert [one for one in warnings if "public_url" not in one] == []


def test_every_page_with_configurations_has_a_whole_one() -> None:
    assert len(CONFIGURATIONS) > 15
    for page in PAGES:
        shown = blocks(page, "toml")
        assert not shown or any(map(is_whole, shown)), page


def commands(text: str) -> list[str]:
    """The lines that call gridhook, in code."""
    code = re.findall(r"^```\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    lines = [line for block in code for line in block.splitlines()] + re.findall(r"`([^`]+)`", prose)
    return [" ".join(line.split()) for line in lines if re.match(r"\s*gridhook [a-z]", line)]


@pytest.mark.parametrize("page", PAGES)
def test_every_command_that_is_named_is_there_with_its_options(page: str) -> None:
    group: Any = get_command(app)
    for line in commands(PAGES[page]):
        words = line.partition(" #")[0].replace("|", " ").split()
        assert words[1] in COMMANDS, line
        command = group.get_command(typer.Context(group), words[1])
        known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        for inner in getattr(command, "commands", {}).values():
            known |= {option for parameter in inner.params for option in parameter.opts}
        assert {word.split("=")[0] for word in words[2:] if re.match(r"--?[a-z]", word)} <= known, line


def test_every_file_of_a_checkout_that_is_named_is_there() -> None:
    for page, text in PAGES.items():
        for path in re.findall(r"(?<![\w/])(?:\./)?((?:receiver|handlers|tests|deploy)/[\w./-]*\w)", text):
            assert (ROOT / path).exists(), (page, path)


async def test_the_sink_from_nothing_delivers(tmp_path: Path) -> None:
    (text,) = [block for block in blocks("plugins", "toml") if "matrix" in block]
    sink = read(tmp_path, text).sinks["room"]
    asked: list[httpx.Request] = []

    def room(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(statuses.pop(0), json={})

    statuses = [200, 429, 403]
    bound = Bound(sink.handler, HttpTransport(httpx.MockTransport(room)), 0)
    assert await bound.deliver(outgoing()) == Delivered(status=200)
    assert isinstance(await bound.deliver(outgoing()), Again)
    assert isinstance(await bound.deliver(outgoing()), Dead)
    assert asked[0].url.path.startswith("/_matrix/client/v3/rooms/!abc:matrix.example.com/send/m.room.message/evt_")
    assert asked[0].headers["authorization"] == "Bearer a-matrix-token-of-some-length"


def test_the_vendor_from_nothing_reads_its_webhooks(tmp_path: Path) -> None:
    (text,) = [block for block in blocks("plugins", "toml") if "paintbox" in block]
    provider = read(tmp_path, text).sources["paint"].provider
    (report,) = provider.parse({"id": 7, "state": "done", "url": "https://cdn.example.com/7.png"}, {})
    assert (report.provider_job_id, report.status, report.images[0].index) == ("7", "completed", 1)


def test_the_example_of_a_vendor_that_nobody_knows_is_accepted(tmp_path: Path) -> None:
    config = read(tmp_path, EXAMPLE.read_text("utf-8"))
    assert [one for one in config.warnings if "public_url" not in one] == []
    assert list(config.sources) == ["heron", "replicate", "kie", "own"]
