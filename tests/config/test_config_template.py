"""The starter file is one that loads, as it is and with everything in it switched on."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any, Final

import pytest

from config.parts import ENV
from receiver.config import Config, load, starter
from receiver.errors import ConfigError
from receiver.providers import PROVIDERS
from support.certificates import PrivateAuthority

HANDLERS: Final[dict[str, type[Any] | str]] = {
    "slack": "handlers.slack:Slack",
    "webhook": "handlers.webhook:Webhook",
    "log": "handlers.log:Log",
}


def loaded(folder: Path, text: str, env: dict[str, str]) -> Config:
    file = folder / "gridhook.toml"
    file.write_text(text)
    return load(file, env, PROVIDERS, HANDLERS)


def all_variables(text: str) -> dict[str, str]:
    return {name: f"value-of-{name.lower()}" for name in re.findall(r'"env:([A-Z_]+)"', text)}


TEMPLATE: Final = starter()
#: What must be more than any text.
USABLE = {
    "PROXY": "http://proxy.example:3128",
    **{name: ENV[name] for name in ("SLACK_WEBHOOK_URL", "BACKEND_SECRET")},
}


def test_the_starter_file_loads_once_its_variables_are_set(tmp_path: Path) -> None:
    active = "\n".join(line for line in TEMPLATE.splitlines() if not line.startswith("#"))
    config = loaded(tmp_path, TEMPLATE, all_variables(active))
    assert list(config.sources) == ["journey"]
    assert [rule.name for rule in config.rules] == ["auto-hd", "tell"]
    assert config.warnings == ()


def test_the_starter_file_tells_which_variables_are_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, TEMPLATE, {})
    assert [problem.where for problem in caught.value.problems] == [
        "server.admin_token",
        "sources.journey.api_key",
        "sources.journey.secrets[0]",
    ]


def test_every_line_of_the_starter_file_can_be_switched_on(tmp_path: Path, authority: PrivateAuthority) -> None:
    shutil.copy(authority.ca_file, tmp_path / "private-ca.pem")
    text = re.sub(r"(?m)^#(?=\S)", "", TEMPLATE)
    (tmp_path / ".env").write_text("")
    config = loaded(tmp_path, text, all_variables(text) | USABLE)
    assert list(config.sources) == ["journey", "frame", "mart", "vtrix", "own"]
    assert list(config.sinks) == ["log", "team", "backend"]
    assert config.warnings == ()


def test_the_starter_file_holds_no_secret() -> None:
    for key in ("api_key", "secrets", "token", "admin_token", "secret"):
        for value in re.findall(rf"(?m)^#?{key} = (.*)$", TEMPLATE):
            assert "env:" in value


def test_another_secrets_file_is_named_in_it(tmp_path: Path) -> None:
    named = 'own "\u00fc\U0001f510".env'
    (tmp_path / named).write_text("GRIDHOOK_ADMIN_TOKEN=a\nJOURNEYAPI_KEY=b\nJOURNEYAPI_HOOK_SECRET=c\n", "utf-8")
    config = loaded(tmp_path, starter(named), {})
    assert config.secret_files == (tmp_path / named,)
