"""What the tests of the configuration share: a vendor, small files, and loading them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from receiver.config import Config, load
from receiver.contracts import Parent
from receiver.errors import (
    ConfigError,
    InvalidParams,
    Problem,
)
from receiver.lib.signatures import Secret
from receiver.model.jobs import Report
from receiver.providers.journeyapi import JourneyAPI
from receiver.providers.shared.dialect import Dialect

HANDLERS: Final[dict[str, type[Any] | str]] = {
    "slack": "handlers.slack:Slack",
    "webhook": "handlers.webhook:Webhook",
    "log": "handlers.log:Log",
    "archive": "handlers.archive:Archive",
}
ENV: Final = {
    "GRIDHOOK_ADMIN_TOKEN": "admin-token-of-some-length",
    "JOURNEYAPI_KEY": "japi_live_1",
    "HOOK_SECRET": "new-secret",
    "HOOK_SECRET_OLD": "old-secret",
    "SLACK_WEBHOOK_URL": "https://hooks.slack.example/services/T/B/x",
    "BACKEND_SECRET": "whsec_c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0",
}


class Vendor(Dialect):
    """A provider with keys of its own that refuses nothing and reads nothing."""

    class Options(msgspec.Struct, frozen=True, kw_only=True):
        """Two keys."""

        salt: Secret
        rounds: int = 3

    name = "apiframe"
    base_url = "https://vendor.example"
    seals = "signature"
    unit = "USD"

    def __init__(self, options: Options) -> None:
        if options.rounds > 9:
            raise InvalidParams("rounds must be 9 or less")
        self.options = options

    def refusal(self, action: str, params: dict[str, Any], parent: Parent | None) -> str | None:
        """Never."""
        return None

    def parse(self, value: Any, headers: Mapping[str, str]) -> list[Report]:
        """Nothing."""
        return []


PROVIDERS: Final[dict[str, type[Any] | str]] = {
    "journeyapi": JourneyAPI,
    "vendor": Vendor,
    "by-path": "receiver.providers.journeyapi:JourneyAPI",
}


def written(folder: Path, text: str) -> Path:
    file = folder / "gridhook.toml"
    file.write_text(text, "utf-8")
    return file


def loaded(folder: Path, text: str, env: dict[str, str] | None = None) -> Config:
    return load(written(folder, text), ENV if env is None else env, PROVIDERS, HANDLERS)


def problems(folder: Path, text: str, env: dict[str, str] | None = None) -> list[Problem]:
    with pytest.raises(ConfigError) as caught:
        loaded(folder, text, env)
    return caught.value.problems


def only(folder: Path, text: str) -> Problem:
    found = problems(folder, text)
    assert len(found) == 1, found
    return found[0]


JOURNEY: Final = '[sources.journey]\nprovider = "journeyapi"\napi_key = "k"\nsecrets = "s"\n'
LOG: Final = '[sinks.log]\nhandler = "log"\n'
