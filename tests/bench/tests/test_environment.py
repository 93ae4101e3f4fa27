"""What the bench imports is in the environment that `./tests/bench/run` makes: the product, and the extra `bench`."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent.parent
TESTS = ROOT / "tests"


def imported(file: Path) -> Iterator[str]:
    """Yields the modules that a file imports, in full."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def file_of(module: str) -> Path | None:
    """Returns the file below tests/ that a module stands in; None for what does not stand there."""
    place = TESTS.joinpath(*module.split("."))
    return next((file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()), None)


def libraries() -> set[str]:
    """Returns the libraries that the bench and all it stands on import; contestants bring their own."""
    todo = [
        file
        for file in (TESTS / "bench").rglob("*.py")
        if not {"contestants", "tests"} & set(file.parts[len(TESTS.parts) :])
    ]
    seen: set[Path] = set()
    found: set[str] = set()
    while todo:
        file = todo.pop()
        if file in seen:
            continue
        seen.add(file)
        for module in imported(file):
            if own := file_of(module):
                todo.append(own)
            elif not (TESTS / module.split(".")[0]).is_dir():
                found.add(module.split(".")[0])
    return found - sys.stdlib_module_names - {"receiver", "handlers"}


def test_the_bench_finds_all_that_it_imports() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = project["dependencies"] + extras["bench"] + extras["postgres"]
    assert "gridhook[postgres]" in extras["bench"]
    installed = {re.split(r"[\[>=<]", one)[0].replace("-", "_") for one in wanted}
    come_along = {"httpcore"}  # with httpx
    assert libraries() - installed - come_along == set()
