"""A database that was put back from a dump: what may have happened since is not taken for never having happened."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from receiver.contracts import Transaction
from receiver.model.deliveries import Delivery
from receiver.model.events import KeptEvent
from receiver.store.opening import database_at, dump_commands
from support.postgres import PROGRAMS, ServerOfTests
from support.records import NOW, a_job
from support.world import Clock


@pytest.fixture
def own_database(postgres_server: ServerOfTests) -> Iterator[str]:
    """The address of an empty database: a dump is one of a whole database."""
    name = f"d{secrets.token_hex(6)}"
    with psycopg.connect(postgres_server.address(), autocommit=True) as db:
        db.execute(f"CREATE DATABASE {name}".encode())
        yield f"postgresql://gridhook@/{name}?host={postgres_server.folder}"
        db.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def write(tx: Transaction) -> None:
    """An order that waits, and an event."""
    kept = a_job(5, status="planned")
    tx.add_job(kept)
    tx.add_delivery(Delivery(number=6, lane="order:journey", job=5, event=None, state="pending", due_at=NOW))
    tx.add_event(KeptEvent(number=7, job=5, type="job.progress", key=1, at=NOW, data=kept.job, request=None))


def run(command: str) -> None:
    """Runs a command as a shell would."""
    env = {**os.environ, "PATH": f"{PROGRAMS}:{os.environ['PATH']}"}
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, env=env, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


async def state(address: str) -> tuple[str, str, int]:
    """The job's status, its order's, and how many events a follower finds."""

    def read(tx: Transaction) -> tuple[str, str, int]:
        kept, order = tx.job(5), tx.order_delivery(5)
        assert kept is not None
        assert order is not None
        return kept.job.status, order.state, len(tx.events_after(0, 9))

    async with database_at(address, Clock()) as store:
        return await store.read(read)


async def test_what_waited_at_the_dump_may_have_been_sent_since(own_database: str, tmp_path: Path) -> None:
    async with database_at(own_database, Clock()) as store:
        await store.write(write)
    commands = dump_commands(own_database, tmp_path / "it is.dump")
    assert commands is not None
    # As it comes from a PostgreSQL that has counted further.
    with psycopg.connect(own_database, autocommit=True) as db:
        db.execute("UPDATE events SET tx = '99999999999'")
    run(commands.back_up)
    assert await state(own_database) == ("planned", "pending", 0)
    run(commands.put_back)
    assert await state(own_database) == ("submitting", "running", 1)
    assert await state(own_database) == ("submitting", "running", 1)


async def test_a_restart_is_no_restore(postgres: str) -> None:
    async with database_at(postgres, Clock()) as store:
        await store.write(write)
    assert await state(postgres) == ("planned", "pending", 1)


def test_no_password_stands_in_what_is_to_be_called(tmp_path: Path) -> None:
    commands = dump_commands("postgresql://ada:sesame@db.example.com/gridhook?sslpassword=also", tmp_path / "x.dump")
    assert commands is not None
    assert "--dbname='user=ada dbname=gridhook host=db.example.com'" in commands.back_up
    assert not any(secret in str(commands) for secret in ("sesame", "also"))
    assert dump_commands("sqlite:///x.db", tmp_path / "x.dump") is None
