"""The processes on one database: each has a slot and is seen to live, and one of those that dispatch leads."""

from __future__ import annotations

import secrets
from typing import Any, Final

import psycopg
import structlog

from receiver.errors import StoreRefused
from receiver.lib.ids import SLOTS
from receiver.lib.steady_clock import since_boot_ns
from receiver.lib.times import Clock, system_clock
from receiver.store.postgres.migrate import check_version, version
from receiver.store.postgres.transaction import GONE_AFTER_S, IS_LIVING

log = structlog.get_logger("store")

#: The slot of a process that was not seen for so long is another one's, seconds.
SLOT_FREE_AFTER_S: Final = 60
#: Clocks that differ by no more than this are left as they are, ms: the way there and back takes time too.
SAME_MS: Final = 250
#: A clock that differs by more is told of, ms.
WRONG_MS: Final = 5_000
#: A process that was not seen for longer was away, seconds.
AWAY_AFTER_S: Final = 5
SEEN: Final = f"""
    UPDATE replicas SET seen_at = clock_timestamp(), steady_since = CASE
        WHEN seen_at < clock_timestamp() - interval '{AWAY_AFTER_S}s' THEN clock_timestamp() ELSE steady_since END
    WHERE slot = $1 AND owner = $2
"""
#: How long before others may call it gone a process stops to trust what it claimed, seconds.
MARGIN_S: Final = 1.0
FIRST: Final = f"SELECT min(slot) FROM replicas WHERE dispatches AND {IS_LIVING}"
LOCK: Final = 0x736C6F74
NOW: Final = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"


def since_boot_s() -> float:
    """Seconds since the machine started, those that it slept included."""
    return since_boot_ns() / 1_000_000_000


class Replica:
    """This process among those on its database; each call takes an idle connection."""

    def __init__(self, machine_clock: Clock = system_clock) -> None:
        self._machine_clock = machine_clock
        #: Whose the deliveries are that it claims: an incarnation, never one that is used again.
        self.owner = secrets.randbits(62)
        self.slot: int | None = None
        #: How far this machine's clock is behind the database's, ms.
        self.behind_ms = 0
        self._is_first = False
        self._life = 0
        #: Until when others certainly see that it lives, seconds since the machine started.
        self._seen_until = 0.0
        self._dispatches = False
        self._told = False

    @property
    def leads(self) -> bool:
        """Whether it is the one with the lowest slot among those that live and dispatch, as far as it knows."""
        return self._is_first and self.life() > 0

    def life(self) -> int:
        """See `receiver.contracts.Store.life`: whatever has happened to it, it was seen not long ago, or it is 0."""
        return self._life if since_boot_s() < self._seen_until else 0

    def register(self, connection: psycopg.Connection[Any]) -> None:
        """Takes the lowest free slot. Raises StoreRefused if there is none, or psycopg.Error."""
        before = since_boot_s()
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock($1)", (LOCK,))
            gone = f"seen_at < clock_timestamp() - interval '{SLOT_FREE_AFTER_S}s'"
            connection.execute(f"DELETE FROM replicas WHERE {gone} OR owner = $1", (self.owner,))
            taken = {slot for (slot,) in connection.execute("SELECT slot FROM replicas")}
            slot = next((slot for slot in range(SLOTS) if slot not in taken), None)
            if slot is None:
                raise StoreRefused(f"{SLOTS} gridhook processes are on this database already: it has room for no more")
            connection.execute(
                "INSERT INTO replicas VALUES ($1, $2, $3, clock_timestamp())", (slot, self.owner, self._dispatches)
            )
        self.slot = slot
        self._seen_until = 0.0  # whatever it was before, this is another life
        self._was_seen(before)

    def dispatch(self, connection: psycopg.Connection[Any]) -> None:
        """This process dispatches from here on."""
        self._dispatches = True
        connection.execute("UPDATE replicas SET dispatches = true WHERE owner = $1", (self.owner,))
        self.be_seen(connection)

    def be_seen(self, connection: psycopg.Connection[Any]) -> None:
        """Lives, looks at the clock, and whether it leads. Raises StoreUnavailable if a newer gridhook took over."""
        check_version(version(connection))
        before = since_boot_s()
        if connection.execute(SEEN, (self.slot, self.owner)).rowcount == 1:
            self._was_seen(before)
        else:
            self.register(connection)
        (first,) = connection.execute(FIRST).fetchone() or (None,)
        self._is_first = self._dispatches and first == self.slot
        self._look_at_clock(connection)

    def _was_seen(self, at: float) -> None:
        """Others saw it, so many seconds after the machine started, or later."""
        if at >= self._seen_until:
            self._life += 1
        self._seen_until = at + GONE_AFTER_S - MARGIN_S

    def leave(self, connection: psycopg.Connection[Any]) -> None:
        """Is gone: its slot is free, and what it claimed is lost."""
        self._is_first = False
        connection.execute("DELETE FROM replicas WHERE owner = $1", (self.owner,))

    def _look_at_clock(self, connection: psycopg.Connection[Any]) -> None:
        before = self._machine_clock()
        row = connection.execute(NOW).fetchone()
        ours = (before + self._machine_clock()) / 2
        behind = round(row[0] - ours) if row is not None else 0
        self.behind_ms = behind if abs(behind) > SAME_MS else 0
        is_wrong = abs(behind) > WRONG_MS
        if is_wrong and not self._told:
            log.warning("store.clock_differs", behind_ms=behind, told="the database's clock is gone by")
        self._told = is_wrong


def is_dispatched(connection: psycopg.Connection[Any]) -> bool:
    """Whether a living process dispatches."""
    row = connection.execute(f"SELECT 1 FROM replicas WHERE dispatches AND {IS_LIVING} LIMIT 1").fetchone()
    return row is not None
