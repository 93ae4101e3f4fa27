"""The command line: works on the configuration's database itself, beside a running server."""

from __future__ import annotations

from receiver.cli.main import app, run
from receiver.composition import (
    Composition,
    Role,
    Runtime,
)

__all__ = ["Composition", "Role", "Runtime", "app", "run"]
