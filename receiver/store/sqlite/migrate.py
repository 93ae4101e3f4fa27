"""Brings a SQLite file to this program's schema, one numbered SQL file after the other."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from importlib import resources
from typing import Final

from receiver.errors import StoreRefused
from receiver.store.sqlite.functions import teach, teach_sums

#: Marks a file as ours ("GHK1").
APPLICATION_ID: Final = 0x47484B31
#: What adds a table or column, or takes a column's name away.
ADDED: Final = re.compile(
    r"^CREATE TABLE (?P<made>\w+)|^ALTER TABLE (?P<table>\w+) "
    r"(?:ADD COLUMN (?P<added>\w+)|DROP COLUMN (?P<dropped>\w+)|RENAME COLUMN (?P<before>\w+) TO (?P<after>\w+))",
    re.MULTILINE | re.IGNORECASE,
)


def migrations() -> list[tuple[int, str]]:
    """Every migration's number and SQL, in order."""
    folder = resources.files("receiver.store.sqlite") / "migrations"
    files = sorted((item for item in folder.iterdir() if item.name.endswith(".sql")), key=lambda item: item.name)
    return [(int(item.name.split("_")[0]), item.read_text("utf-8")) for item in files]


def migrate(db: sqlite3.Connection) -> list[int]:
    """Applies what is missing, each migration in a transaction of its own; returns the numbers applied.

    Raises StoreRefused if the file belongs to another program, to a newer gridhook, or to one between two releases
    that had other migrations.
    """
    teach(db)
    teach_sums(db)
    todo = migrations()
    current = version(db)
    newest = todo[-1][0]
    if current > newest:
        raise StoreRefused(
            f"the database has schema version {current}, this gridhook knows up to {newest}: "
            "use the gridhook that wrote it, or a newer one"
        )
    lacking = min(_wanted(sql for number, sql in todo if number <= current) - _there(db), default=None)
    if lacking is not None:
        raise StoreRefused(
            f"the database has schema version {current}, but not {lacking}, which belongs to it: a gridhook between "
            "two releases wrote it. Restore a backup of before that, or name a new file under `database`"
        )
    applied = []
    for number, sql in todo:
        if number > current:
            db.executescript(f"BEGIN IMMEDIATE;\n{sql}\nPRAGMA user_version = {number};\nCOMMIT;")
            applied.append(number)
    return applied


def _wanted(scripts: Iterable[str]) -> set[str]:
    """The tables, and the columns that were added to them (`table.column`), that migrations leave."""
    wanted: set[str] = set()
    for found in (found for sql in scripts for found in ADDED.finditer(sql)):
        if found["made"]:
            wanted.add(found["made"])
            continue
        wanted -= {f"{found['table']}.{found[name]}" for name in ("dropped", "before")}
        wanted |= {f"{found['table']}.{found[name]}" for name in ("added", "after") if found[name]}
    return wanted


def _there(db: sqlite3.Connection) -> set[str]:
    """The tables of a file, and all their columns as `table.column`."""
    rows = db.execute(
        "SELECT tables.name, columns.name FROM sqlite_master AS tables, pragma_table_info(tables.name) AS columns "
        "WHERE tables.type = 'table'"
    ).fetchall()
    return {table for table, _ in rows} | {f"{table}.{column}" for table, column in rows}


def version(db: sqlite3.Connection) -> int:
    """The schema version of a file, 0 for an empty one. Raises StoreRefused if it is another program's database."""
    (application,) = db.execute("PRAGMA application_id").fetchone()
    (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables and application != APPLICATION_ID:
        raise StoreRefused("the file is a database of another program: name another file under `database`")
    if not tables:
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    (number,) = db.execute("PRAGMA user_version").fetchone()
    return int(number)
