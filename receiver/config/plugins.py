"""Finds, checks and makes the classes that `provider` and `handler` name.

A name is a short one, in a registry, or `package.module:Class` anywhere. What a class must have is derived from the
contract itself (`receiver.contracts.Provider` or `Handler`): its methods, how they are called, its attributes and their
types. Nothing of that is listed here.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final, get_args, get_origin, get_type_hints

import msgspec

from receiver.config.findings import Findings, inside
from receiver.config.reading import Reader, Table, below, in_words, leaves
from receiver.errors import OptionError

#: A short name to its class, or to where its class is (`package.module:Class`).
Registry = Mapping[str, type[Any] | str]

WHERE_IT_SAYS: Final = "receiver.contracts says what is needed"


class NotAPlugin(Exception):
    """What was named cannot be used; the message says why."""


def find_class(name: str, registry: Registry, contract: type[Any], where: str, reader: Reader) -> type[Any] | None:
    """The class of a provider or handler that keeps to its contract; None if there is none (noted then, all of it)."""
    findings = reader.findings
    entry = registry.get(name, name if ":" in name else None)
    if entry is None:
        findings.not_one_of(where, f"there is no {name!r} here", name, registry)
        return None
    try:
        found = _imported(entry, reader.folder) if isinstance(entry, str) else entry
        if not inspect.isclass(found):
            raise NotAPlugin(f"{name!r} is not a class")
    except NotAPlugin as wrong:
        findings.wrong(where, str(wrong), 'write a name that gridhook has, or "package.module:Class"')
        return None
    mistakes = list(_class_mistakes(found, contract, name))
    for mistake, remedy in mistakes:
        findings.wrong(where, mistake, remedy)
    return None if mistakes else found


def make(cls: type[Any], contract: type[Any], table: Table, where: str, reader: Reader) -> Any:
    """The provider or handler with the options in `table`; None if it cannot be made. Every mistake is noted.

    Its own keys are read and judged, then its constructor is called, whatever was wrong with single values: that may
    find more. `where` is the table's place.
    """
    before = len(reader.findings.problems)
    options = reader.options(cls.Options, table, where)
    if options.made is None:
        return None
    try:
        made = cls(options.made)
        mistakes = list(_attribute_mistakes(made, contract))
    except KeyboardInterrupt:
        raise
    except BaseException as wrong:  # noqa: BLE001  # a plug-in may be anybody's code: what it raises is told as a mistake
        _note_mistakes(wrong, where, before, options.left_out, reader.findings)
        return None
    for mistake in mistakes:
        reader.findings.wrong(where, f"its class {cls.__name__} {mistake}", f"correct it; {WHERE_IT_SAYS}")
    return None if mistakes else made


# --- the class -------------------------------------------------------------------------------------------------------


def _imported(path: str, folder: Path) -> Any:
    """What a dotted path names; the configuration file's folder is searched last, so that it hides no other module."""
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    module_name, _, class_name = path.partition(":")
    try:
        importlib.invalidate_caches()
        module = importlib.import_module(module_name)
    except KeyboardInterrupt:
        raise
    except BaseException as wrong:
        # A foreign module may fail in any way while it is loaded; whichever it is, the configuration cannot be used.
        raise NotAPlugin(f"{module_name!r} cannot be imported: {type(wrong).__name__}: {wrong}") from wrong
    found = getattr(module, class_name, None)
    if found is None:
        raise NotAPlugin(f"{module_name!r} has no {class_name!r}")
    return found


def _class_mistakes(cls: type[Any], contract: type[Any], name: str) -> Iterator[tuple[str, str]]:
    """What of the contract a class does not keep: what is wrong, and what would be right."""
    methods = _methods(contract)
    missing = [method for method in methods if _is_missing(cls, contract, method)]
    options = getattr(cls, "Options", None)
    if not (inspect.isclass(options) and issubclass(options, msgspec.Struct)):
        yield f"{name!r} has no Options that are a msgspec.Struct", "write class Options(msgspec.Struct): ..."
    if missing:
        yield f"{name!r} has no {', '.join(missing)}", f"write them; {WHERE_IT_SAYS} of a {contract.__name__}"
    for method, wanted in methods.items():
        if method not in missing and (wrong := _called_otherwise(cls, method, wanted)) is not None:
            yield f"{name!r}: {wrong}", f"write {_signature_text(method, wanted)}"


def _methods(contract: type[Any]) -> dict[str, Any]:
    """The methods of a contract by name, its constructor included."""
    return {
        name: member
        for name, member in vars(contract).items()
        if inspect.isfunction(member) and (name == "__init__" or not name.startswith("_"))
    }


def _is_missing(cls: type[Any], contract: type[Any], method: str) -> bool:
    """True if a class lacks a method that it must have: it is not there, or is the contract's own empty one."""
    found = getattr(cls, method, None)
    needed = getattr(vars(contract)[method], "__isabstractmethod__", False)
    return not callable(found) or (needed and found is vars(contract)[method])


def _called_otherwise(cls: type[Any], method: str, wanted: Any) -> str | None:
    """Why gridhook cannot call a method as it does, or None."""
    found = getattr(cls, method)
    if inspect.iscoroutinefunction(wanted) != inspect.iscoroutinefunction(found):
        return f"{method} is {'not ' if inspect.iscoroutinefunction(wanted) else ''}async"
    try:
        signature = inspect.signature(found)
    except (ValueError, TypeError):
        return None
    given = len(inspect.signature(wanted).parameters)
    if isinstance(inspect.getattr_static(cls, method), staticmethod | classmethod):
        given -= 1
    try:
        signature.bind(*[None] * given)
    except TypeError:
        return f"{method} takes {signature}"
    return None


def _signature_text(method: str, wanted: Any) -> str:
    prefix = "async def" if inspect.iscoroutinefunction(wanted) else "def"
    return f"{prefix} {method}({', '.join(inspect.signature(wanted).parameters)})"


# --- what was made ---------------------------------------------------------------------------------------------------


def _attribute_mistakes(made: Any, contract: type[Any]) -> Iterator[str]:
    """What is wrong with the attributes of a provider or handler, by the contract's annotations."""
    hints = {name: hint for name, hint in get_type_hints(contract).items() if not name.startswith("_")}
    for name, hint in hints.items():
        kind = get_args(hint)[0] if get_origin(hint) is ClassVar else hint
        if not hasattr(made, name):
            yield f"has no {name}"
        elif get_origin(kind) is not type and not _is_a(getattr(made, name), kind):
            yield f"has a {name} that is not {contract.__annotations__[name].removeprefix('ClassVar[').rstrip(']')}"


def _is_a(value: Any, kind: Any) -> bool:
    try:
        msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError:
        return False
    return True


def _note_mistakes(wrong: BaseException, where: str, before: int, left_out: frozenset[str], findings: Findings) -> None:
    """Notes what a constructor raised, but not once more what was noted of a key already.

    Where keys are `left_out` because they cannot be read, what is said of them, or of the options as a whole, may only
    be so because of that.
    """
    whole = not left_out
    noted = {problem.where for problem in findings.problems[before:]} | {inside(where, key) for key in left_out}
    for one in leaves(wrong):
        if isinstance(one, OptionError):
            place = below(where, one.key)
            if place not in noted and (one.key or whole):
                findings.wrong(place, one.wrong, one.remedy)
        elif whole and not noted:
            findings.wrong(where, in_words(one), "correct the keys of this plug-in")
