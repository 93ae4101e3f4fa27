"""What became of copies of a database."""

from __future__ import annotations

import msgspec


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """A backup that was made."""

    #: Its path.
    file: str
    #: Its size.
    bytes: int
    #: The version of its schema.
    schema: int


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """What was restored."""

    #: The database.
    database: str
    #: Where what was there before is now; None = there was none.
    kept: str | None
    #: The version of the backup's schema.
    schema: int
    #: Orders that waited when the backup was made: they may have been sent since, so they are unsure now.
    unsure: int


class DumpCommands(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine's own programs are called with, as a shell takes it; there is no password in it."""

    back_up: str
    put_back: str
