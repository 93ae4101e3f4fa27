"""What the tests of rules share: a provider that remembers what it was asked, and a file around the rules."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

import pytest

from receiver.config import Config, load
from receiver.contracts import NoOptions, Parent
from receiver.errors import ConfigError, Problem
from receiver.model.jobs import Report
from receiver.providers.journeyapi import JourneyAPI
from receiver.providers.shared.dialect import Dialect


class Asked(Dialect):
    """A provider that takes any picture, does not know `pan`, and remembers what it was asked."""

    name = "asked"
    base_url = "https://asked.example"
    parents: ClassVar[list[Parent | None]] = []

    def __init__(self, options: NoOptions) -> None:
        self.parents.clear()

    def refusal(self, action: str, params: dict[str, Any], parent: Parent | None) -> str | None:
        """Refuses `pan` and what it has never heard of."""
        self.parents.append(parent)
        return f"asked has no {action}; nearest: zoom" if action in ("pan", "teleport") else None

    def parse(self, value: Any, headers: Mapping[str, str]) -> list[Report]:
        """Nothing."""
        return []


PROVIDERS: Final[dict[str, type[Any] | str]] = {"journeyapi": JourneyAPI, "asked": Asked}
HEAD: Final = """
    public_url = "https://x.example"
    [server]
    admin_token = "an-admin-token-of-some-length"
    [sources.journey]
    provider = "journeyapi"
    api_key = "k"
    secrets = "s"
    [sources.watched]
    provider = "journeyapi"
    secrets = "s"
    [sources.asked]
    provider = "asked"
    api_key = "k"
    secrets = "s"
    [sinks.log]
    handler = "log"
    [[rules]]
"""


def loaded(folder: Path, rules: str) -> Config:
    file = folder / "gridhook.toml"
    file.write_text(HEAD + rules)
    return load(file, {}, PROVIDERS, {"log": "handlers.log:Log"})


def problems(folder: Path, rules: str) -> list[Problem]:
    with pytest.raises(ConfigError) as caught:
        loaded(folder, rules)
    return caught.value.problems


def only(folder: Path, rules: str) -> Problem:
    found = problems(folder, rules)
    assert len(found) == 1, found
    return found[0]
