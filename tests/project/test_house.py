"""The house is in order: few entries a folder, each class name once, and every public thing says what it is."""

from __future__ import annotations

import ast
from collections import Counter
from functools import cache
from pathlib import Path
from statistics import median
from typing import Final

from receiver.app import HANDLERS

ROOT: Final = Path(__file__).parent.parent.parent
PACKAGES: Final = (ROOT / "receiver", ROOT / "handlers")
#: Methods whose name and class say it all.
SELF_EVIDENT: Final = frozenset({"__call__", "routes"})
MOST_ENTRIES: Final = 20
#: Lines of the module of a sink, its probe included; half of them are shorter.
LINES_OF_A_SINK: Final = 120
Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@cache
def modules() -> tuple[tuple[Path, ast.Module], ...]:
    """Every module of the product, parsed once."""
    paths = [path for package in PACKAGES for path in sorted(package.rglob("*.py"))]
    return tuple((path, ast.parse(path.read_text("utf-8"))) for path in paths)


def test_a_folder_has_at_most_twenty_entries() -> None:
    folders = [folder for package in PACKAGES for folder in (package, *package.rglob("*")) if folder.is_dir()]
    counted = {
        str(folder.relative_to(ROOT)): sum(entry.name != "__pycache__" for entry in folder.iterdir())
        for folder in folders
        # Migrations and pages of the manual are lists: one file for each.
        if folder.name not in ("__pycache__", "migrations", "manual")
    }
    assert {folder: count for folder, count in counted.items() if count > MOST_ENTRIES} == {}


def test_a_sink_is_one_module_and_mostly_a_short_one() -> None:
    modules_of_sinks = [place.partition(":")[0] for place in HANDLERS.values()]
    assert len(set(modules_of_sinks)) == len(HANDLERS)
    lines = [len(_source(name).read_text("utf-8").splitlines()) for name in modules_of_sinks]
    assert median(lines) < LINES_OF_A_SINK
    suite = (ROOT / "tests/contracts/test_every_handler.py").read_text("utf-8")
    # The archive alone may have nothing to tell an event to: it keeps pictures, and has a suite of its own.
    without = [name for name, place in HANDLERS.items() if f"handler={place.partition(':')[2]}," not in suite]
    assert without == ["archive"]


def _source(module: str) -> Path:
    place = ROOT / module.replace(".", "/")
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


def test_a_class_name_occurs_once() -> None:
    names = Counter(
        node.name
        for _, tree in modules()
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name[0] != "_"
    )
    assert [name for name, count in names.items() if count > 1] == []


def test_every_public_method_says_what_it_does() -> None:
    silent = [
        f"{path.relative_to(ROOT)}:{method.lineno} {owner.name}.{method.name}"
        for path, tree in modules()
        if "contracts" not in path.parts  # the small methods of the protocols say what they do by their names
        for owner in tree.body
        if isinstance(owner, ast.ClassDef) and not owner.name.startswith("_")
        for method in owner.body
        if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef)
        if not method.name.startswith("_") and method.name not in SELF_EVIDENT and ast.get_docstring(method) is None
        if not any(isinstance(one, ast.Attribute) and one.attr == "setter" for one in method.decorator_list)
    ]
    assert silent == []


def test_only_provider_code_looks_into_facts() -> None:
    """`KeptJob.facts` and `Report.facts` are handed on whole; what gridhook itself must know has fields of its own."""
    looks = [
        f"{path.relative_to(ROOT)}:{one.lineno}"
        for path, tree in modules()
        if path.relative_to(ROOT).parts[1] not in ("providers", "pretend")
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript | ast.Attribute | ast.Compare | ast.For | ast.comprehension)
        for one in ast.iter_child_nodes(node)
        if isinstance(one, ast.Attribute) and one.attr == "facts"
    ]
    assert looks == []


def test_no_error_is_made_once_and_raised_again_and_again() -> None:
    """One that is would hold on to the way of each time it was raised, and to all that stood there: to bodies too."""
    kept = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.exc.id}"
        for path, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Name) and node.exc.id.isupper()
    ]
    assert kept == []
