"""For every test: its surroundings, how examples are chosen, and that what one test configures of the log the next one
does not find."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import structlog

from support.certificates import PrivateAuthority, make_authority
from support.surroundings import settle

# Before a test module is imported: some libraries look at the environment then.
settle(os.environ)

# A busy machine is no fault of the code. CI takes the same examples each time: a red there is a change's doing.
hypothesis.settings.register_profile("gridhook", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("gridhook")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Longer runs, by hand: `--orders 10000` of tests/workers/test_fates.py, `--pictures 10000` of
    tests/handlers/http/test_hostile_pictures.py.
    """
    parser.addoption("--orders", type=int, default=0, help="orders that meet a breaking vendor, at least")
    parser.addoption("--pictures", type=int, default=300, help="hostile pictures that the guarded client meets")


@pytest.fixture(autouse=True)
def loggers_forget(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A logger that was used once keeps its configuration for good in a real process; here it must not."""
    configure = structlog.configure

    def uncached(**given: Any) -> None:
        configure(**{**given, "cache_logger_on_first_use": False})

    monkeypatch.setattr(structlog, "configure", uncached)
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> PrivateAuthority:
    """A certificate authority that nobody knows, and a server that it vouches for."""
    return make_authority(tmp_path_factory.mktemp("authority"))
