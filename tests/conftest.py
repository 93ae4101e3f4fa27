"""For every test: its surroundings, how examples are chosen, and that what one test configures of the log the next one
does not find."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, Final

import hypothesis
import psycopg
import pytest
import structlog

from receiver.lib import logs
from receiver.store.postgres.connections import connect
from receiver.store.postgres.migrate import migrate
from support.certificates import PrivateAuthority, make_authority
from support.postgres import ServerOfTests, running_server
from support.stores import Engine
from support.surroundings import settle

# Before a test module is imported: some libraries look at the environment then.
settle(os.environ)

# A busy machine is no fault of the code. CI takes the same examples each time: a red there is a change's doing.
hypothesis.settings.register_profile("gridhook", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("gridhook")

#: How a line is written where a test configures nothing. structlog's own default draws each traceback in colours, with
#: the values of all variables, which takes a tenth of a second.
PLAIN: Final = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.dev.set_exc_info,
    structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Longer runs, by hand: `--orders 10000` of tests/workers/test_fates.py, `--pictures 10000` of
    tests/handlers/http/test_hostile_pictures.py, `--presses 10000` of all that presses buttons.
    """
    parser.addoption(
        "--engine", choices=["sqlite", "postgres"], default="sqlite", help="what the worlds of tests stand on"
    )
    parser.addoption("--orders", type=int, default=0, help="orders that meet a breaking vendor, at least")
    parser.addoption("--pictures", type=int, default=300, help="hostile pictures that the guarded client meets")
    parser.addoption("--presses", type=int, default=300, help="forged, altered, stale or repeated presses of buttons")


@pytest.fixture
def bad_presses(pytestconfig: pytest.Config) -> int:
    """How many presses of buttons a test makes that must do nothing."""
    return int(pytestconfig.getoption("--presses"))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """The tests live to the end, some hundred thousand objects. To look through them for garbage again and again takes
    as long as to make them; so it waits until all are there, and leaves them out from then on.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(autouse=True)
def loggers_forget(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A logger that was used once keeps its configuration for good in a real process; here it must not."""
    configure = structlog.configure

    def uncached(**given: Any) -> None:
        configure(**{**given, "cache_logger_on_first_use": False})

    monkeypatch.setattr(structlog, "configure", uncached)
    uncached(processors=PLAIN)
    yield
    structlog.reset_defaults()
    # Where it wrote to may be closed by now.
    logs._leave()
    logs._open[0] = None


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[ServerOfTests]:
    """A PostgreSQL for all tests of this process."""
    with running_server() as server:
        yield server


@pytest.fixture
def postgres(postgres_server: ServerOfTests) -> Iterator[str]:
    """The address of an empty schema."""
    with postgres_server.schema() as address:
        yield address
        Engine.close()


@pytest.fixture(autouse=True)
def transactions_end() -> Iterator[None]:
    """What transactions a test has open by `support.stores`, is taken back behind it."""
    yield
    Engine.close()


@pytest.fixture(scope="module")
def postgres_schema(postgres_server: ServerOfTests) -> Iterator[psycopg.Connection[Any]]:
    """A connection to a schema of a module's own, with its tables."""
    with postgres_server.schema() as address, connect(address) as connection:
        migrate(connection)
        yield connection


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, of one engine after the other."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'gridhook.db'}"
    return str(request.getfixturevalue("postgres"))


@pytest.fixture(autouse=True)
def chosen_engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `--engine postgres` the worlds of all tests stand on PostgreSQL, but for those that make up many cases."""
    is_made_up = getattr(request.function, "is_hypothesis_test", False)
    if not is_made_up and request.config.getoption("--engine") == "postgres":
        monkeypatch.setattr(Engine, "address", request.getfixturevalue("postgres"))


@pytest.fixture(params=["sqlite", "postgres"])
def each_engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's world stands on one engine after the other."""
    address = request.getfixturevalue("postgres") if request.param == "postgres" else None
    monkeypatch.setattr(Engine, "address", address)


@pytest.fixture
def on_sqlite(chosen_engine: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's world stands on SQLite, whatever was chosen: it does something to the file."""
    monkeypatch.setattr(Engine, "address", None)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> PrivateAuthority:
    """A certificate authority that nobody knows, and a server that it vouches for."""
    return make_authority(tmp_path_factory.mktemp("authority"))
