"""Reads a TOML table into a struct, strictly, field by field, and collects every mistake."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeVar, Union, get_args, get_origin

import msgspec

from receiver.config.environment.env_file import EnvFile
from receiver.config.environment.secret_values import SecretWrong, read_secret
from receiver.config.findings import Findings, inside, shown
from receiver.config.units import UNITS
from receiver.errors import GridhookError, OptionError
from receiver.lib.nearest import nearest
from receiver.lib.signatures import Secret

S = TypeVar("S", bound=msgspec.Struct)

Table = Mapping[str, Any]
#: Whether a secret that cannot be read is a mistake.
Secrets = Literal["needed", "optional"]

WORDS: Final[dict[Any, str]] = {str: "text in quotes", int: "a whole number", bool: "true or false", float: "a number"}


class Wrong(Exception):
    """A value cannot be used; its problem is noted already."""


class OptionsRead(NamedTuple):
    """What came of a plug-in's own keys."""

    #: None if a required key is missing or cannot be read.
    made: msgspec.Struct | None
    #: The keys that are left out because they cannot be read.
    left_out: frozenset[str]


class Reader:
    """Reads tables. `env`, `env_file` and `folder` are where secrets come from; problems go to `findings`."""

    def __init__(
        self,
        findings: Findings,
        env: Mapping[str, str],
        folder: Path,
        secrets: Secrets = "needed",
        env_file: EnvFile | None = None,
    ) -> None:
        self.findings = findings
        #: Every secret that was read.
        self.secrets: list[Secret] = []
        #: Files that secrets were read from (`file:`).
        self.secret_files: list[Path] = []
        #: Whether a secret stands in the configuration as it is.
        self.has_literal_secret = False
        self.folder = folder
        self._secrets = secrets
        self._env = env
        self._env_file = env_file

    def known(self, table: Table, keys: Collection[str], where: str, later: Collection[str] = ()) -> None:
        """Notes every key of the table that is not one of `keys`; those in `later` are for another version."""
        for key in table:
            if key in keys:
                continue
            if key in later:
                self.findings.later(inside(where, key), "this key cannot be used yet")
                continue
            self.findings.wrong(inside(where, key), "unknown key", nearest(key, sorted(keys)))

    def struct(self, spec: type[S], table: Table, where: str) -> S | None:
        """The struct of a table; keys that are none of its fields are left alone (see `known`).

        A value that cannot be read falls back to its default, so that what depends on the rest can still be judged;
        None if a required one is missing or cannot be read. One that can be read but does not pass the check in its
        annotation (`receiver.contracts.options`) is kept. Either way the problem is noted.
        """
        return self._struct(spec, table, where)[0]

    def options(self, spec: type[msgspec.Struct], table: Table, where: str) -> OptionsRead:
        """A plug-in's own keys, as `struct` reads them."""
        return OptionsRead(*self._struct(spec, table, where))

    def _struct(self, spec: type[S], table: Table, where: str) -> tuple[S | None, frozenset[str]]:
        """The struct, and the keys that were left out because they cannot be read."""
        values: dict[str, Any] = {}
        left_out: set[str] = set()
        possible = True
        for field in msgspec.structs.fields(spec):
            key = field.encode_name
            if key not in table:
                if field.required:
                    possible = False
                    self.findings.wrong(inside(where, key), "is missing", f"write {described(field.type)}")
                continue
            try:
                values[field.name] = self.value(table[key], field.type, inside(where, key))
            except Wrong:
                left_out.add(key)
                possible = possible and not field.required
        made = self._made(spec, values, where, whole=not left_out) if possible else None
        return made, frozenset(left_out)

    def _made(self, spec: type[S], values: dict[str, Any], where: str, *, whole: bool) -> S | None:
        """A struct's own checks (`__post_init__`) may raise: a problem, unless it comes from a wrong field left out."""
        try:
            return spec(**values)
        except (ValueError, TypeError, GridhookError) as wrong:
            if whole:
                self.findings.wrong(where, str(wrong), "correct it")
            return None

    def table(self, value: Any, where: str) -> Table:
        """`value` if it is a table; raises Wrong."""
        if isinstance(value, dict):
            return value
        kind = "a list" if isinstance(value, list) else "a single value"
        self.findings.wrong(where, f"is {kind}, not a table", f"write it as [{where}] or as {{ key = value }}")
        raise Wrong

    def value(self, value: Any, kind: Any, where: str) -> Any:
        """A TOML value as `kind`: a Python type, maybe annotated with a unit or a check. Raises Wrong.

        What does not pass the check is noted, and returned all the same.
        """
        kind = _not_none(kind)
        read = self._read(value, kind, where)
        for check in _checks(kind):
            self._judge(check, read, where)
        return read

    def _judge(self, check: Callable[[Any], None], read: Any, where: str) -> None:
        try:
            check(read)
        except Exception as wrong:  # noqa: BLE001  # a plug-in's check may be anybody's code
            for one in leaves(wrong):
                if isinstance(one, OptionError):
                    self.findings.wrong(below(where, one.key), one.wrong, one.remedy)
                else:
                    self.findings.wrong(where, in_words(one), "correct it")

    def _read(self, value: Any, kind: Any, where: str) -> Any:
        bare = get_args(kind)[0] if get_origin(kind) is Annotated else kind
        origin, inner = get_origin(bare), get_args(bare)
        if bare is Secret:
            is_needed = self._secrets == "needed" or _says(kind, "always_needed")
            return self._secret(value, where, is_needed, literal_is_hidden=not _says(kind, "may_be_shown"))
        if isinstance(bare, type) and issubclass(bare, msgspec.Struct):
            return self._nested(value, bare, where)
        if origin is list or (origin is tuple and inner[1:] == (Ellipsis,)):
            return origin(self._many(value, inner[0], where))
        if origin is dict:
            items = self.table(value, where)
            values = self._each([(inside(where, key), item) for key, item in items.items()], inner[1])
            return dict(zip(items, values, strict=True))
        return self._plain(value, kind, where)

    def _many(self, value: Any, kind: Any, where: str) -> list[Any]:
        """A list; a single value stands for a list of one."""
        if not isinstance(value, list):
            return [self.value(value, kind, where)]
        return self._each([(f"{where}[{place}]", item) for place, item in enumerate(value)], kind)

    def _each(self, items: list[tuple[str, Any]], kind: Any) -> list[Any]:
        """Every item is read, also after a wrong one."""
        read = []
        for where, item in items:
            try:
                read.append(self.value(item, kind, where))
            except Wrong:
                continue
        if len(read) < len(items):
            raise Wrong
        return read

    def _nested(self, value: Any, spec: type[msgspec.Struct], where: str) -> msgspec.Struct:
        table = self.table(value, where)
        self.known(table, keys_of(spec), where)
        made = self.struct(spec, table, where)
        if made is None:
            raise Wrong
        return made

    def _secret(self, value: Any, where: str, is_needed: bool, *, literal_is_hidden: bool) -> Secret:
        is_literal = isinstance(value, str) and not value.startswith(("env:", "file:"))
        if literal_is_hidden or not is_literal:
            self._note_origin(value)
        try:
            secret = read_secret(value, self._env, self.folder, self._env_file)
        except SecretWrong as wrong:
            if is_needed:
                self.findings.wrong(where, wrong.wrong, wrong.remedy)
            raise Wrong from None
        if literal_is_hidden or not is_literal:
            self.secrets.append(secret)
        return secret

    def _note_origin(self, value: Any) -> None:
        if not isinstance(value, str) or value.startswith("env:"):
            return
        if value.startswith("file:"):
            self.secret_files.append(self.folder / value.removeprefix("file:"))
        else:
            self.has_literal_secret = True

    def _plain(self, value: Any, kind: Any, where: str) -> Any:
        unit = unit_of(kind)
        try:
            read = UNITS[unit][0](value) if unit else value
        except ValueError as wrong:
            quoted = "" if unit == "address" else f"{shown(value)} "
            self.findings.wrong(where, f"{quoted}{wrong}", f"write {described(kind)}")
            raise Wrong from None
        if kind is str and isinstance(read, str) and read.startswith("env:"):
            self.findings.wrong(where, '"env:" is read for secrets only, and this is none', "write the text itself")
            raise Wrong
        try:
            made = msgspec.convert(read, kind, strict=True)
            return str(self.folder / made) if _says(kind, "beside_the_file") else made
        except msgspec.ValidationError:
            self.findings.wrong(where, f"{shown(value)} cannot stand here", f"write {described(kind)}")
            raise Wrong from None


def keys_of(spec: type[msgspec.Struct]) -> list[str]:
    """The keys that a struct has in a file."""
    return [field.encode_name for field in msgspec.structs.fields(spec)]


def _not_none(kind: Any) -> Any:
    """The type without `| None`: TOML has no null, a missing key takes its place."""
    if get_origin(kind) not in (Union, UnionType):
        return kind
    others = [one for one in get_args(kind) if one is not NoneType]
    return others[0] if len(others) == 1 else kind


def unit_of(kind: Any) -> str | None:
    """The unit in a type's annotation, if it has one that we know; plain decimals are amounts."""
    if kind is Decimal:
        return "amount"
    for meta in _metas(kind):
        unit = (meta.extra or {}).get("unit")
        if unit in UNITS:
            return str(unit)
    return None


def _metas(kind: Any) -> list[msgspec.Meta]:
    return [one for one in get_args(kind)[1:] if isinstance(one, msgspec.Meta)] if get_origin(kind) is Annotated else []


def _says(kind: Any, word: str) -> bool:
    """Whether a type's annotation has this word."""
    return any((meta.extra or {}).get(word) for meta in _metas(kind))


def _checks(kind: Any) -> list[Callable[[Any], None]]:
    """The checks in a type's annotation."""
    return [meta.extra["check"] for meta in _metas(kind) if meta.extra and "check" in meta.extra]


def leaves(wrong: BaseException) -> Iterator[BaseException]:
    """The single exceptions in a group; one that is no group is its own."""
    if isinstance(wrong, BaseExceptionGroup):
        for one in wrong.exceptions:
            yield from leaves(one)
    else:
        yield wrong


def in_words(wrong: BaseException) -> str:
    """What an exception says of a value: its message, with its name where that was not written for a person."""
    return str(wrong) if isinstance(wrong, GridhookError | ValueError) else f"{type(wrong).__name__}: {wrong}"


def below(where: str, key: str) -> str:
    """The place of a key that a plug-in names, which may be dotted; the table itself for ""."""
    for part in key.split(".") if key else ():
        where = inside(where, part)
    return where


def described(kind: Any) -> str:
    """How a value of this type is written, in words."""
    kind = _not_none(kind)
    bare = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    unit = unit_of(kind)
    return (UNITS[unit][1] if unit else _words(bare)) + _bounds(kind, "seconds" if unit == "duration" else "")


def _words(bare: Any) -> str:
    origin = get_origin(bare)
    if bare is Secret:
        return 'a secret: "env:NAME", "file:/path" or the text itself'
    if origin is Literal:
        return "one of " + ", ".join(f'"{one}"' for one in get_args(bare))
    if origin in (list, tuple):
        return f"a list, each of it {described(get_args(bare)[0])}"
    if origin is dict or (isinstance(bare, type) and issubclass(bare, msgspec.Struct)):
        return "a table: { key = value }"
    if origin in (Union, UnionType):
        return " or ".join(described(one) for one in get_args(bare))
    return WORDS.get(bare, "another kind of value")


def _bounds(kind: Any, unit: str) -> str:
    parts = [
        f"{word} {limit:g}"
        for meta in _metas(kind)
        for word, limit in (("above", meta.gt), ("at least", meta.ge), ("below", meta.lt), ("at most", meta.le))
        if limit is not None
    ]
    return f" ({' and '.join(parts)}{' ' + unit if unit else ''})" if parts else ""
