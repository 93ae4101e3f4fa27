"""The product knows nothing of the bench, nor of any test; and the bench shares no class name with it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import handlers
import receiver
from cli.parts import bare

ROOT = Path(__file__).parents[3]
#: What people read there may name what a checkout has.
PROSE = Path("manual")
NAMED = re.compile(r"\bbench\b|\btests/|\b(?:from|import) tests\b")


@pytest.mark.parametrize("package", [receiver.__file__, handlers.__file__])
def test_no_file_of_the_wheel_names_the_bench_or_the_tests(package: str) -> None:
    folder = Path(package).parent
    files = [file for file in folder.rglob("*") if file.is_file() and file.suffix != ".pyc"]
    files = [file for file in files if file.relative_to(folder).parent != PROSE or file.suffix != ".md"]
    assert files
    assert [str(file) for file in files if NAMED.search(file.read_text("utf-8", errors="replace"))] == []
    assert not (folder / "bench").exists()


def test_there_is_no_such_command() -> None:
    result = bare("bench")
    assert result.exit_code == 2
    assert "bench" in result.stderr


def classes(folder: Path) -> set[str]:
    """The names of all classes that are defined in a folder's modules."""
    return {
        node.name.lstrip("_")
        for module in folder.rglob("*.py")
        for node in ast.walk(ast.parse(module.read_text("utf-8")))
        if isinstance(node, ast.ClassDef)
    }


def test_no_class_of_the_bench_is_named_like_one_of_the_product() -> None:
    ours = classes(ROOT / "tests" / "bench")
    assert ours
    assert ours & (classes(ROOT / "receiver") | classes(ROOT / "handlers")) == set()
