"""Connections: what an address says counts, and of several hosts the one that may be written to is found."""

from __future__ import annotations

import psycopg
import pytest

from receiver.errors import StoreUnavailable
from receiver.store.postgres.connections import completed, connect
from support.postgres import ServerOfTests


def test_what_an_address_says_is_left_alone() -> None:
    address = "postgresql://a@one,two/name?connect_timeout=2&target_session_attrs=any&keepalives_idle=60"
    assert completed(address) == {
        "application_name": "gridhook",
        "tcp_user_timeout": 5000,
        "keepalives_interval": 2,
        "keepalives_count": 3,
    }


def test_of_several_hosts_the_one_that_answers_and_may_be_written_to_is_taken(postgres_server: ServerOfTests) -> None:
    here = postgres_server.folder
    several = f"postgresql://gridhook@/postgres?host=/nowhere,{here},/nowhere-either&port=1,5432,1"
    with connect(several) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    with psycopg.connect(postgres_server.address(), autocommit=True) as admin:
        admin.execute("CREATE ROLE reader LOGIN")
        try:
            admin.execute("ALTER ROLE reader SET default_transaction_read_only = on")
            with pytest.raises(StoreUnavailable, match="session is read-only"):
                connect(postgres_server.address().replace("gridhook@", "reader@"))
        finally:
            admin.execute("DROP ROLE reader")


def test_who_is_stopped_within_a_transaction_holds_others_up_for_two_seconds_at_most(
    postgres_server: ServerOfTests,
) -> None:
    with connect(postgres_server.address()) as connection:
        assert connection.execute("SHOW idle_in_transaction_session_timeout").fetchone() == ("2s",)
