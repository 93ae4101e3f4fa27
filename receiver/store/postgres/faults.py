"""What errors of PostgreSQL mean here."""

from __future__ import annotations

import logging

import psycopg
from psycopg import errors

from receiver.errors import StoreUnavailable
from receiver.store.postgres.connections import first_line

# What breaks in a pipeline is raised as well: its line in the log would say it twice.
logging.getLogger("psycopg").setLevel(logging.ERROR)

#: Somebody else wrote at the same moment: the same again succeeds.
CONFLICTS = (
    errors.SerializationFailure,
    errors.DeadlockDetected,
    errors.LockNotAvailable,
    errors.UniqueViolation,
)
#: The database cannot do it now.
UNAVAILABLE = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError)


def translated_fault(wrong: Exception) -> Exception:
    """A fault of the database as StoreUnavailable; a fault of the work itself stays what it is."""
    if isinstance(wrong, UNAVAILABLE):
        return StoreUnavailable(first_line(wrong))
    return wrong
