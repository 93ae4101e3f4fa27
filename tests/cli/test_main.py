"""The commands' names, and what loading one of them loads."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cli.parts import bare
from receiver.cli.main import COMMANDS

LOADED = """
import sys
import receiver.app
from receiver.cli.main import app
try:
    app(["serve", "--help"])
except SystemExit:
    pass
print(*(name for name in sys.modules if name.startswith("receiver.cli.commands.")))
"""


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_is_found_where_the_table_says(name: str) -> None:
    told = bare(name, "--help")
    assert told.exit_code == 0
    assert f" {name} [OPTIONS]" in told.output


def test_only_the_command_that_runs_is_loaded() -> None:
    told = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert told.stdout.splitlines()[-1].split() == ["receiver.cli.commands.serve"]
