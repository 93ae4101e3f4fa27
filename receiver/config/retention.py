"""`retention`: how long what is over is kept; one duration, or a table of them."""

from __future__ import annotations

import msgspec

from receiver.config.reading import Reader, Table, Wrong
from receiver.config.units import Retention


class RetentionKeys(msgspec.Struct, frozen=True, kw_only=True):
    """`retention = { ... }` as it is written; each in seconds. What is left out is kept for ever."""

    #: Jobs that are over, with all that belongs to them.
    jobs: Retention | None = None
    #: Our copies of pictures: they only go where this is written.
    pictures: Retention | None = None


def read_retention(reader: Reader, tables: Table) -> RetentionKeys:
    """What is written; a single duration is that of the jobs."""
    written = tables.get("retention")
    if written is None:
        return RetentionKeys()
    try:
        if isinstance(written, dict):
            kept: RetentionKeys = reader.value(written, RetentionKeys, "retention")
            return kept
        return RetentionKeys(jobs=reader.value(written, Retention, "retention"))
    except Wrong:
        return RetentionKeys()
