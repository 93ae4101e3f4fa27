"""What the store does not run on is refused in a sentence."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest

from receiver.errors import StoreRefused
from receiver.store.opening import database_at, inspect
from receiver.store.postgres import fitness
from receiver.store.postgres.connections import connect
from receiver.store.postgres.fitness import refuse_unfit, shares_backend
from support.postgres import ServerOfTests
from support.world import Clock


@pytest.fixture
def latin(postgres_server: ServerOfTests) -> Iterator[str]:
    """A database in another encoding."""
    name = f"d{secrets.token_hex(6)}"
    with psycopg.connect(postgres_server.address(), autocommit=True) as db:
        db.execute(f"CREATE DATABASE {name} ENCODING 'LATIN1' TEMPLATE template0".encode())
        yield f"postgresql://gridhook@/{name}?host={postgres_server.folder}"
        db.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


async def test_another_encoding_is_refused(latin: str) -> None:
    with pytest.raises(StoreRefused, match="its encoding is LATIN1: make the database with ENCODING 'UTF8'"):
        async with database_at(latin, Clock()):
            pass
    with pytest.raises(StoreRefused, match="LATIN1"):
        inspect(latin)


async def test_a_server_that_is_too_old_is_refused(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitness, "OLDEST", 99)
    with pytest.raises(StoreRefused, match=r"it is PostgreSQL \d+: gridhook needs 99 or newer"):
        async with database_at(postgres, Clock()):
            pass


def test_connections_that_one_process_answers_have_no_sessions(postgres: str) -> None:
    with ExitStack() as stack:
        one, other = (stack.enter_context(connect(postgres)) for _ in range(2))
        assert shares_backend(one, one)
        assert not shares_backend(one, other)
        refuse_unfit(one, lambda: other)
