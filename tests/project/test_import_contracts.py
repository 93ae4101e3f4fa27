"""Each import contract of pyproject.toml bites: a violation that is planted in a copy of the packages is caught."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parent.parent.parent
#: By the contract's name: a module, and an import that it must not have.
VIOLATIONS: Final = {
    "Imports point down, and only the composition knows the handlers": {
        "receiver/model/money.py": "receiver.flows.budgets",
        "receiver/lib/ids.py": "receiver.model.jobs",
        "receiver/contracts/http.py": "receiver.store.sqlite.store",
        "receiver/flows/family.py": "receiver.workers.orders",
        "receiver/views/costs.py": "receiver.web.application",
        "receiver/web/health.py": "receiver.cli.main",
        "receiver/cli/values.py": "receiver.app",
        "receiver/workers/sinks.py": "handlers.slack",
    },
    "Handlers know the words, not the machinery": {
        "handlers/log.py": "receiver.flows.intake",
        "handlers/webhook.py": "receiver.config.settings",
    },
    "The HTTP client is one module's business": {
        "handlers/slack/bot.py": "httpx",
        "receiver/workers/reconciler.py": "httpx",
        "receiver/errors.py": "httpx",
    },
    "Within the flows and the workers": {
        "receiver/flows/budgets.py": "receiver.flows.advance",
        "receiver/flows/routing.py": "receiver.flows.operator.operator_events",
        "receiver/workers/dispatcher.py": "receiver.workers.orders",
    },
    "Only the store's own opening module knows the engines": {
        "receiver/app.py": "receiver.store.sqlite.store",
        "receiver/views/costs.py": "receiver.store.sqlite.memory",
        "receiver/store/group_commit.py": "receiver.store.sqlite.turns",
    },
}


def linted(folder: Path, violations: Mapping[str, str]) -> str:
    """What import-linter says of a copy of the packages in which these modules import these others."""
    for package in ("receiver", "handlers"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    for module, imported in violations.items():
        path = folder / module
        path.write_text(f"{path.read_text('utf-8')}\nimport {imported}\n", "utf-8")
    command = Path(sys.executable).parent / "lint-imports"
    env = {**os.environ, "PYTHONPATH": str(folder), "NO_COLOR": "1", "COLUMNS": "500"}
    done = subprocess.run(
        [command, "--no-cache"], cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    return done.stdout


@pytest.mark.parametrize("contract", VIOLATIONS)
def test_a_contract_names_each_import_that_breaks_it(contract: str, tmp_path: Path) -> None:
    said = linted(tmp_path, VIOLATIONS[contract])
    assert f"{contract} BROKEN" in said, said
    for module, imported in VIOLATIONS[contract].items():
        name = module.removesuffix(".py").replace("/", ".")
        assert f"{name} -> {imported} (" in said, said


def test_the_packages_as_they_are_keep_every_contract(tmp_path: Path) -> None:
    said = linted(tmp_path, {})
    assert "0 broken" in said, said
    assert [f"{contract} KEPT" in said for contract in VIOLATIONS] == [True] * len(VIOLATIONS), said
