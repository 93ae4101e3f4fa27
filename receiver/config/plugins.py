"""Finds the classes that `provider` and `handler` name: in a registry, or anywhere as `package.module:Class`."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from receiver.config.findings import Findings

#: A short name to its class, or to where its class is (`package.module:Class`).
Registry = Mapping[str, type[Any] | str]


class NotAPlugin(Exception):
    """What was named cannot be used; the message says why."""


def find_class(
    name: str, registry: Registry, needs: Collection[str], where: str, findings: Findings
) -> type[Any] | None:
    """The class of a provider or handler; None if there is none (the problem is noted then).

    It must have `Options`, a struct type, and the methods `needs`.
    """
    entry = registry.get(name, name if ":" in name else None)
    if entry is None:
        findings.not_one_of(where, f"there is no {name!r} here", name, registry)
        return None
    try:
        return _checked(_imported(entry) if isinstance(entry, str) else entry, name, needs)
    except NotAPlugin as wrong:
        findings.wrong(where, str(wrong), 'write a name that gridhook has, or "package.module:Class"')
        return None


def _imported(path: str) -> Any:
    module_name, _, class_name = path.partition(":")
    try:
        module = importlib.import_module(module_name)
    except Exception as wrong:
        # A foreign module may fail in any way while it is loaded; whichever it is, the configuration cannot be used.
        raise NotAPlugin(f"{module_name!r} cannot be imported: {type(wrong).__name__}: {wrong}") from wrong
    found = getattr(module, class_name, None)
    if found is None:
        raise NotAPlugin(f"{module_name!r} has no {class_name!r}")
    return found


def _checked(found: Any, name: str, needs: Collection[str]) -> type[Any]:
    if not inspect.isclass(found):
        raise NotAPlugin(f"{name!r} is not a class")
    options = getattr(found, "Options", None)
    if not (inspect.isclass(options) and issubclass(options, msgspec.Struct)):
        raise NotAPlugin(f"{name!r} has no Options that are a msgspec.Struct")
    missing = [method for method in needs if not callable(getattr(found, method, None))]
    if missing:
        raise NotAPlugin(f"{name!r} has no {', '.join(missing)}")
    return found
