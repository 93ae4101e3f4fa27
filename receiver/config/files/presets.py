"""A source's `preset`: a TOML file with further keys, over which those of the source itself win."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from receiver.config.files.toml_file import TomlWrong, read_toml
from receiver.config.findings import Findings, inside
from receiver.config.plugins import make
from receiver.config.reading import Reader, Table, Wrong, keys_of
from receiver.contracts import Provider, preset_folder
from receiver.errors import ConfigError, Problem
from receiver.lib.nearest import nearest

P = TypeVar("P", bound=Provider)

#: The key that names the preset.
KEY: Final = "preset"
_PLACE: Final = re.compile(r"\[[0-9]+\]$")
A_FILE: Final = 'name a preset that gridhook has, or a file: "./mine.toml" stands beside the configuration'


class Preset(msgspec.Struct, frozen=True, kw_only=True):
    """A preset that was read."""

    file: Path
    table: dict[str, Any]

    def under(self, table: Table) -> dict[str, Any]:
        """The keys of a source with those of the preset where it has none, in tables key by key."""
        own = {key: value for key, value in table.items() if key != KEY}
        return _merged(self.table, own)

    def own_mistakes(self, findings: Findings, before: int, table: Table, where: str) -> None:
        """Tells the mistakes from number `before` on that are the preset's by its file, each once.

        `table` is what the source itself has, and `where` its place: what stands there is its own mistake.
        """
        own, theirs = _places(table, where), _places(self.table, where)
        found, findings.problems[before:] = findings.problems[before:], []
        for problem in found:
            if _nearest_place(problem.where, own, theirs) == "preset":
                problem = self.mistake(problem.where.removeprefix(where).lstrip("."), problem)  # noqa: PLW2901
            if problem not in findings.problems:
                findings.problems.append(problem)

    def mistake(self, key: str, problem: Problem) -> Problem:
        """The mistake at a key of the preset's own."""
        return Problem(f"{self.file}, {key}" if key else str(self.file), problem.wrong, problem.remedy)


def shipped_presets(options: type[msgspec.Struct]) -> dict[str, Path]:
    """The presets that come with a provider, by name: the file of each. Empty where it takes none."""
    folder = preset_folder(options)
    return {} if folder is None else {file.stem: file for file in sorted(folder.glob("*.toml"))}


def find_preset(options: type[msgspec.Struct], table: Table, where: str, reader: Reader) -> Preset | None:
    """The preset that a source names; None if it names none. What is wrong with it as a file is noted: raises Wrong."""
    if preset_folder(options) is None or KEY not in table:
        return None
    name, findings = table[KEY], reader.findings
    if not isinstance(name, str) or not name:
        findings.wrong(inside(where, KEY), "is no name of a preset", A_FILE)
        raise Wrong
    shipped = shipped_presets(options)
    is_file = "/" in name or name.endswith(".toml")
    if not is_file and name not in shipped:
        remedy = f'{nearest(name, sorted(shipped))} A file of your own is written "./{name[:60]}.toml"'
        findings.wrong(inside(where, KEY), f"there is no preset {name[:60]!r}", remedy)
        raise Wrong
    file = reader.folder / name if is_file else shipped[name]
    try:
        preset = Preset(file=file, table=read_toml(file, A_FILE))
    except TomlWrong as wrong:
        problem = wrong.problem
        place = str(file) if problem.where == str(file) else f"{file}, {problem.where}"
        findings.wrong(place, problem.wrong, problem.remedy)
        raise Wrong from None
    _judge_keys(options, preset, findings)
    return preset


def make_from_preset(cls: type[P], name: str, folder: Path) -> P:
    """The provider that a preset alone makes: a shipped one by its name, or a file, relative to `folder`.

    Raises ConfigError with every mistake in it.
    """
    reader = Reader(Findings(), {}, folder)
    made: P | None = None
    try:
        preset = find_preset(cls.Options, {KEY: name}, "", reader)
        if preset is not None:
            before = len(reader.findings.problems)
            made = make(cls, Provider, preset.under({}), "", reader)
            preset.own_mistakes(reader.findings, before, {}, "")
    except Wrong:
        pass
    if made is None or reader.findings.problems:
        raise ConfigError(name, reader.findings.problems)
    return made


def _judge_keys(options: type[msgspec.Struct], preset: Preset, findings: Findings) -> None:
    """A preset describes a vendor: it holds nothing of an account, and names no other preset."""
    known = sorted(set(keys_of(options)) - {KEY})
    for key in preset.table:
        if key not in known:
            remedy = nearest(key, known)
            problem = preset.mistake(
                inside("", key), Problem("", "is no key of a preset; an account's keys stand at its source", remedy)
            )
            findings.wrong(*problem)


def _merged(under: Table, over: Table) -> dict[str, Any]:
    merged = dict(under)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _places(table: Table, where: str) -> set[str]:
    """Every key and table in it, as mistakes name them."""
    return set(_each_place(table, where))


def _each_place(table: Table, where: str) -> Iterator[str]:
    for key, value in table.items():
        place = inside(where, key)
        yield place
        if isinstance(value, dict):
            yield from _each_place(value, place)


def _nearest_place(where: str, own: set[str], theirs: set[str]) -> str:
    """Whose the nearest key or table above a mistake is; of one that both have, the source's."""
    place = where
    while place:
        if place in own:
            return "source"
        if place in theirs:
            return "preset"
        shorter = _PLACE.sub("", place)
        place = shorter if shorter != place else place.rpartition(".")[0]
    return "source"
