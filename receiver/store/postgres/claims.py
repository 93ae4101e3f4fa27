"""Claims of all lanes in one round trip: the lanes are locked, then what is due is counted and taken, then told."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any, Final, NamedTuple, Protocol

import psycopg

from receiver.contracts import ClaimedDue, LaneLimits
from receiver.model.deliveries import Delivery
from receiver.store.postgres.arrays import numbers, texts
from receiver.store.tables.deliveries import DELIVERY_COLUMNS, delivery_of
from receiver.store.tables.events import EVENT_COLUMNS
from receiver.store.tables.jobs import IS_LIVE

NEW_LANES: Final = """
    INSERT INTO lanes SELECT new.lane, 0 FROM unnest($1::text[]) AS new (lane)
    WHERE NOT EXISTS (SELECT 1 FROM lanes WHERE lanes.lane = new.lane) ORDER BY new.lane ON CONFLICT DO NOTHING
"""
#: By a statement of its own: what counts and takes must see what the one before has taken. Only where something is due;
#: and which those were is kept for the statement that takes, since more may be due by then.
LOCK_LANES: Final = """
    SELECT set_config('gridhook.locked_lanes', coalesce(array_agg(lane)::text, '{}'), true) FROM (
        SELECT lane FROM lanes WHERE lane = ANY ($1::text[]) AND EXISTS (
            SELECT 1 FROM deliveries WHERE deliveries.lane = lanes.lane AND state = 'pending' AND due_at <= $2::bigint
        ) ORDER BY lane FOR UPDATE
    ) AS locked
"""
_WANTED: Final = """
    wanted AS (
        SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[])
            AS limits (lane, concurrency, at_once, lease_until, rate, source)
    ), busy AS (
        SELECT wanted.*, lanes.free_at, destinations.wait_until, destinations.paused_at IS NOT NULL AS paused,
            greatest(
                (SELECT count(*) FROM deliveries WHERE deliveries.lane = wanted.lane AND state = 'running'),
                CASE WHEN source IS NULL THEN 0 ELSE
                    (SELECT count(*) FROM jobs WHERE jobs.source = wanted.source AND intent IS NOT NULL AND {live})
                    + (
                        SELECT count(*) FROM deliveries JOIN jobs ON jobs.number = deliveries.job
                        WHERE deliveries.lane = wanted.lane AND state = 'running' AND status IN ('planned', 'unsure')
                    )
                END
            ) AS begun
        FROM wanted JOIN lanes ON lanes.lane = wanted.lane LEFT JOIN destinations ON destinations.lane = wanted.lane
    )
""".replace("{live}", IS_LIVE)
#: A lane whose turn is further away than any wait of its rate: the clock was set back, or the rate was lower.
_BLOCKED: Final = "rate IS NOT NULL AND free_at > {now} AND free_at - {now} <= 1000 / rate::double precision"
TAKE: Final = f"""
    WITH {_WANTED}, room AS (
        SELECT lane, lease_until, rate, paused, least(
            concurrency - begun, at_once, CASE WHEN paused OR rate IS NOT NULL THEN 1 ELSE concurrency END
        ) AS most
        FROM busy WHERE lane = ANY (current_setting('gridhook.locked_lanes')::text[])
            AND coalesce(wait_until, 0) <= $7::bigint AND NOT coalesce({_BLOCKED.format(now="$7::bigint")}, false)
    ), due AS (
        SELECT first.number, room.lease_until FROM room CROSS JOIN LATERAL (
            SELECT number FROM deliveries
            WHERE deliveries.lane = room.lane AND state = 'pending' AND due_at <= $7::bigint
            ORDER BY due_at, number LIMIT greatest(room.most, 0) FOR UPDATE SKIP LOCKED
        ) AS first
    ), taken AS (
        UPDATE deliveries SET state = 'running', due_at = due.lease_until, attempt = attempt + 1, owner = $8::bigint
        FROM due WHERE deliveries.number = due.number AND deliveries.state = 'pending'
        RETURNING {", ".join(f"deliveries.{name}" for name in DELIVERY_COLUMNS.split(", "))}
    ), rated AS (
        UPDATE lanes SET free_at = $7::bigint + 1000 / room.rate::double precision FROM room
        WHERE lanes.lane = room.lane AND room.rate IS NOT NULL
            AND EXISTS (SELECT 1 FROM taken WHERE taken.lane = room.lane)
    ), probing AS (
        UPDATE destinations SET wait_until = room.lease_until FROM room
        WHERE destinations.lane = room.lane AND room.paused
            AND EXISTS (SELECT 1 FROM taken WHERE taken.lane = room.lane)
    )
    SELECT taken.*, (
            SELECT kept.receipt FROM deliveries AS kept
            WHERE kept.job = taken.job AND kept.lane = taken.lane AND kept.receipt IS NOT NULL
            ORDER BY kept.event DESC LIMIT 1
        ), {", ".join(f"events.{name}" for name in EVENT_COLUMNS.split(", "))}
    FROM taken LEFT JOIN events ON events.number = taken.event ORDER BY taken.number
"""
#: When each lane may claim again, as things stand then; no row for one that a later commit tells of.
NEXT: Final = f"""
    WITH {_WANTED}
    SELECT CASE
            WHEN due > $7::bigint THEN due
            WHEN wait_until > $7::bigint THEN wait_until
            WHEN {_BLOCKED.format(now="$7::bigint")} THEN free_at
            ELSE $7::bigint
        END
    FROM busy CROSS JOIN LATERAL (
        SELECT due_at AS due FROM deliveries WHERE deliveries.lane = busy.lane AND state = 'pending'
        ORDER BY due_at, number LIMIT 1
    ) AS earliest
    WHERE due > $7::bigint OR begun < concurrency
"""
_DELIVERY: Final = len(DELIVERY_COLUMNS.split(", "))


class Running(Protocol):
    """Runs a statement of PostgreSQL, at once or in an open pipeline."""

    def __call__(self, sql: str, values: Sequence[Any], /) -> psycopg.Cursor[Any]: ...


class AskedClaim(NamedTuple):
    """A claim that is on its way: what was taken, and when there may be more."""

    new_lanes: psycopg.Cursor[Any]
    taken: psycopg.Cursor[Any]
    wakes: psycopg.Cursor[Any]


class FoundClaim(NamedTuple):
    """A claim, with what the tries of its deliveries need."""

    due: ClaimedDue
    #: Rows of `EVENT_COLUMNS`, by number.
    events: dict[int, tuple[Any, ...]]
    #: By lane and job.
    receipts: dict[tuple[str, int], str | None]
    #: Lanes were met for the first time, which is to be kept whatever was claimed.
    has_new_lanes: bool = False


def ask(run: Running, lanes: Sequence[LaneLimits], now: int, owner: int) -> AskedClaim | None:
    """Claims what is due of these lanes, as far as limits and destinations let it begin; None: there are no lanes."""
    if not lanes:
        return None
    names = texts([one.lane for one in lanes])
    limits = (
        names,
        numbers([one.concurrency for one in lanes]),
        numbers([one.at_once for one in lanes]),
        numbers([one.lease_until for one in lanes]),
        texts([None if one.rate is None else repr(float(one.rate)) for one in lanes]),
        texts([one.source for one in lanes]),
    )
    new_lanes = run(NEW_LANES, (names,))
    run(LOCK_LANES, (names, now))
    return AskedClaim(new_lanes, run(TAKE, (*limits, now, owner)), run(NEXT, (*limits, now)))


def found(asked: AskedClaim | None) -> FoundClaim:
    """What came of it."""
    if asked is None:
        return FoundClaim(ClaimedDue([], None), {}, {})
    deliveries: list[Delivery] = []
    events: dict[int, tuple[Any, ...]] = {}
    receipts: dict[tuple[str, int], str | None] = {}
    for row in asked.taken:
        delivery = delivery_of(row[:_DELIVERY])
        deliveries.append(delivery)
        receipts[delivery.lane, delivery.job] = row[_DELIVERY]
        if row[_DELIVERY + 1] is not None:
            events[row[_DELIVERY + 1]] = tuple(row[_DELIVERY + 1 :])
    wake = min((ceil(at) for (at,) in asked.wakes), default=None)
    return FoundClaim(ClaimedDue(deliveries, wake), events, receipts, asked.new_lanes.rowcount > 0)
