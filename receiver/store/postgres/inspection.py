"""Looks at a schema of PostgreSQL without changing it."""

from __future__ import annotations

from functools import partial

import psycopg

from receiver.contracts import Inspection
from receiver.errors import StoreUnavailable
from receiver.store.postgres.connections import connect, first_line, named
from receiver.store.postgres.fitness import refuse_unfit
from receiver.store.postgres.migrate import migrations, version
from receiver.store.postgres.replicas import is_dispatched


def inspect_server(address: str) -> Inspection:
    """What is known of the database at an address. Raises StoreRefused or StoreUnavailable."""
    try:
        with connect(address) as connection:
            refuse_unfit(connection, partial(connect, address))
            found = version(connection)
            dispatched = found is not None and is_dispatched(connection)
    except psycopg.Error as wrong:
        raise StoreUnavailable(f"{named(address)}: {first_line(wrong)}") from None
    return Inspection(path=named(address), version=found, newest=migrations()[-1][0], dispatched=dispatched)
