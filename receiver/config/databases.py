"""Addresses of databases: in the configuration, and beside it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from receiver.config.environment.env_file import KEY, read_env_file
from receiver.config.environment.secret_values import SecretWrong, read_secret
from receiver.config.files.toml_file import TomlWrong, read_toml
from receiver.config.findings import Findings
from receiver.errors import ConfigError, InvalidParams

#: Names that SQLite would not take for a file, or that an address would cut in two.
NOT_A_FILE: Final = re.compile(r":memory:|file:.*|.*[?#].*")


def read_database(url: str, folder: Path, findings: Findings) -> str:
    """`sqlite:////absolute/path`, or the address of a server; the problem is noted if neither can be meant.

    The address is never shown.
    """
    scheme, _, rest = url.partition("://")
    if scheme in ("postgres", "postgresql") and rest:
        if find_spec("psycopg") is None:
            remedy = 'install "gridhook[postgres]", or write "sqlite:///gridhook.db"'
            findings.wrong("database", "PostgreSQL needs a driver that is not installed", remedy)
    elif scheme != "sqlite" or not rest.startswith("/"):
        remedy = 'write "sqlite:///gridhook.db" or "postgresql://user@host/name"'
        findings.wrong("database", "is not the address of a SQLite file, nor of a PostgreSQL server", remedy)
    elif not rest[1:] or NOT_A_FILE.fullmatch(rest[1:]) or not rest.isprintable():
        findings.wrong(
            "database", "names no file on disk", 'write "sqlite:///gridhook.db" or "sqlite:////data/gridhook.db"'
        )
    else:
        return f"sqlite:///{os.path.normpath(folder / rest[1:])}"
    return url


def other_database(written: str, file: Path, env: Mapping[str, str]) -> str:
    """The address of another database than the configuration's, written as there: `"env:NAME"` and `"file:/path"` too.

    `file` is the configuration, which relative paths begin beside. Raises InvalidParams with what is right.
    """
    folder = file.parent.absolute()
    try:
        named = read_toml(file, "name another file with --config").get(KEY)
    except TomlWrong as wrong:
        raise ConfigError(str(file), [wrong.problem]) from None
    findings = Findings()
    try:
        url = read_secret(written, env, folder, read_env_file(named, folder, Findings())).reveal()
    except SecretWrong as wrong:
        raise InvalidParams(f"the database to move to: {wrong.wrong}; {wrong.remedy}") from None
    address = read_database(url, folder, findings)
    for problem in findings.problems:
        raise InvalidParams(f"the database to move to {problem.wrong}; {problem.remedy}")
    return address
