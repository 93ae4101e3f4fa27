"""The command line: works on the configuration's database itself, beside a running server."""

from __future__ import annotations

from receiver.cli.commands import app, run
from receiver.cli.composition import Composition, Role, Service

__all__ = ["Composition", "Role", "Service", "app", "run"]
