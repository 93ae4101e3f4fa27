"""What the tests of rules share: a provider that remembers what it was asked, and a file around the rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Final

import msgspec
import pytest

from receiver.config import Config, load
from receiver.contracts import Parent
from receiver.errors import ConfigError, Problem
from receiver.providers.journeyapi import JourneyAPI


class Asked:
    """A provider that takes any picture, does not know `pan`, and remembers what it was asked."""

    class Options(msgspec.Struct, frozen=True, kw_only=True):
        """No keys."""

    name: ClassVar[str] = "asked"
    base_url: ClassVar[str] = "https://asked.example"
    seals: ClassVar[str] = "secret"
    parents: ClassVar[list[Parent | None]] = []

    def __init__(self, options: Options) -> None:
        self.parents.clear()

    def refusal(self, action: str, params: dict[str, Any], parent: Parent | None) -> str | None:
        """Refuses `pan` and what it has never heard of."""
        self.parents.append(parent)
        return f"asked has no {action}; nearest: zoom" if action in ("pan", "teleport") else None

    seal = parse = order = answered = query = read = refusal


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
