"""Finds the mistakes in templates and conditions before anything happens, each with its place in the text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple, get_args, get_origin, get_type_hints

import msgspec

from receiver.errors import NotJson, OptionError, TemplateWrong, raise_option_errors
from receiver.lib.nearest import nearest
from receiver.lib.sandbox import TextTemplate, evaluate, is_filter, is_test, names_in
from receiver.lib.strict_json import read_json
from receiver.model.events import Event, OperatorData, OperatorEvent
from receiver.model.jobs import Job
from receiver.model.samples import bare_sample, full_samples, with_names
from receiver.model.templates import names_of

#: Tables whose names are the user's or the vendor's.
FREE: Final = frozenset({"tags", "params", "extra"})
#: What a table can be asked for beside its names.
METHODS: Final = frozenset({"items", "keys", "values", "get"})
#: What fails whatever the values are.
ALWAYS_WRONG: Final = frozenset(
    {"SyntaxError", "UndefinedError", "UnknownMethod", "TemplateNotFound", "TooLong", "OutOfFuel"}
)
#: A placeholder as it was written before there were templates.
OLD: Final = re.compile(r"(?<![{\w])\{\s*([a-z_]+)\s*\}")
#: Expressions and statements.
TAG: Final = re.compile(r"\{\{(.*?)\}\}|\{%(.*?)%\}", re.DOTALL)
QUOTED: Final = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'", re.DOTALL)
FILTER: Final = re.compile(r"\|\s*([A-Za-z_]\w*)")
TEST: Final = re.compile(r"\bis\s+(?:not\s+)?([A-Za-z_]\w*)")
WORD: Final = re.compile(r"\w+")
TEXT_REMEDY: Final = 'write it as in "{{ job.action }}: {{ job.status }}"'


class TemplateMistake(NamedTuple):
    """What is wrong, at which character (None: somewhere), and what would be right."""

    at: int | None
    wrong: str
    remedy: str


def check_text(source: str) -> None:
    """Raises OptionErrors (key "") for every mistake in a template of text."""
    _raise(source, list(_text_mistakes(source)))


def check_json_text(source: str) -> None:
    """Raises OptionErrors (key "") for every mistake in a template of JSON; it must be JSON whatever the job says."""
    mistakes = list(_text_mistakes(source))
    _raise(source, mistakes or list(_json_mistakes(source)))


def check_condition(source: str) -> None:
    """Raises OptionErrors (key "") for every mistake in an `if`."""
    mistakes = list(_unreadable(source)) or list(_unknown_in("{{ " + source + " }}", len("{{ ")))
    mistakes = mistakes or list(_first_failure("{% if " + source + " %}{% endif %}", len("{% if ")))
    _raise(source, mistakes, remedy='write an expression such as job.action == "imagine"')


def _unreadable(source: str) -> Iterator[TemplateMistake]:
    try:
        evaluate(source, {})
    except TemplateWrong as wrong:
        if wrong.kind in ("SyntaxError", "TooLong"):
            yield TemplateMistake(wrong.at if source.strip() else None, str(wrong), "")


def _raise(source: str, mistakes: list[TemplateMistake], remedy: str = TEXT_REMEDY) -> None:
    raise_option_errors(
        [OptionError("", _placed(source, one.at) + one.wrong, one.remedy or remedy) for one in mistakes]
    )


def _placed(source: str, at: int | None) -> str:
    if at is None:
        return ""
    before = source[:at]
    line = f"line {before.count(chr(10)) + 1}, " if "\n" in source.rstrip() else ""
    return f"{line}column {at - (before.rfind(chr(10)) + 1) + 1}: "


def _text_mistakes(source: str) -> Iterator[TemplateMistake]:
    mistakes = [*_old_placeholders(source), *_unknown_in(source)]
    yield from mistakes
    if mistakes:
        return
    yield from list(_first_failure(source)) or _nulls(source)


def _old_placeholders(source: str) -> Iterator[TemplateMistake]:
    own = {"type": "event.type", "time": "event.time", "event_id": "event.id"}
    known = own | {name: f"job.{name}" for name in Job.__struct_fields__ if name not in own}
    bare = TAG.sub(lambda found: " " * len(found[0]), source)
    for found in OLD.finditer(bare):
        if found[1] in known:
            yield TemplateMistake(found.start(), f"{found[0]} is plain text", f"write {{{{ {known[found[1]]} }}}}")


# --- names -----------------------------------------------------------------------------------------------------------


def _unknown_in(source: str, shift: int = 0) -> Iterator[TemplateMistake]:
    """Unknown names, filters and tests; `shift` characters before the source are not the user's."""
    try:
        names = sorted(names_in(source))
    except TemplateWrong as wrong:
        yield TemplateMistake(None if wrong.at is None else max(0, wrong.at - shift), str(wrong), "")
        return
    found = [(name, _unknown(name.split("."))) for name in names]
    mistakes = [TemplateMistake(_place_of(name, source), wrong, remedy) for name, (wrong, remedy) in found if wrong]
    for one in [*mistakes, *_unknown_words(source)]:
        yield one._replace(at=None if one.at is None else max(0, one.at - shift))


def _unknown(parts: list[str]) -> tuple[str, str]:
    """What is wrong with a dotted name, and what would be right; both empty if it exists."""
    if parts[0] not in ROOTS:
        whole = [f"job.{name}" for name in Job.__struct_fields__] + ["event.type", "event.time"]
        same = [name for name in whole if name.endswith(f".{parts[0]}")]
        return f"there is no {parts[0]}", f"did you mean {same[0]}?" if same else "there are: event, job"
    kinds = ROOTS[parts[0]]
    for place, name in enumerate(parts[1:], 1):
        fields = {field for kind in kinds for field in kind.__struct_fields__}
        if name in METHODS:
            return "", ""
        if name not in fields:
            return f"there is no {'.'.join(parts[: place + 1])}", nearest(name, sorted(fields))
        kinds = tuple(one for kind in kinds for one in _structs(kind, name))
        if name in FREE or not kinds:
            return "", ""
    return "", ""


def _structs(kind: type[msgspec.Struct], field: str) -> list[type[msgspec.Struct]]:
    """The records that a field may hold, if it holds one."""
    hint = get_type_hints(kind).get(field)
    if get_origin(hint) is tuple:
        return []  # what lists hold is found by filling in samples
    return [one for one in (hint, *get_args(hint)) if isinstance(one, type) and issubclass(one, msgspec.Struct)]


ROOTS: Final[dict[str, tuple[type[msgspec.Struct], ...]]] = {"job": (Job,), "event": (Event, OperatorEvent)}


def _place_of(name: str, source: str) -> int | None:
    pattern = r"(?<![\w.])" + r"\s*\.\s*".join(map(re.escape, name.split("."))) + r"(?!\w)"
    for tag in TAG.finditer(source):
        found = re.search(pattern, tag[0])
        if found is not None:
            return tag.start() + found.start()
    return None


def _unknown_words(source: str) -> Iterator[TemplateMistake]:
    """Filters and tests that there are not, wherever they stand: also where a sample never comes to."""
    for tag in TAG.finditer(source):
        bare = QUOTED.sub(lambda found: " " * len(found[0]), tag[0])
        for pattern, exists, noun in ((FILTER, is_filter, "filter"), (TEST, is_test, "test")):
            for found in pattern.finditer(bare):
                if not exists(found[1]):
                    yield TemplateMistake(tag.start() + found.start(1), f"there is no {noun} {found[1]}", "take it out")


# --- what fails ------------------------------------------------------------------------------------------------------


def _samples(source: str) -> list[Event]:
    """Events of every type; whatever word the source holds is a name in the free tables."""
    words = frozenset(WORD.findall(source)) | {quoted[1:-1] for quoted in QUOTED.findall(source)}
    return [with_names(event, words) for event in full_samples()]


def _first_failure(source: str, shift: int = 0) -> Iterator[TemplateMistake]:
    """Where a template cannot be filled in; `shift` characters before the source are not the user's."""
    values_are_ours = not _is_free(source)
    for event in _samples(source):
        try:
            TextTemplate(source, missing="mistake").fill(names_of(event))
        except TemplateWrong as wrong:
            may_be_there = wrong.kind == "UndefinedError" and (_is_free(str(wrong)) or _is_operators(str(wrong)))
            if not may_be_there and (values_are_ours or wrong.kind in ALWAYS_WRONG):
                yield TemplateMistake(None if wrong.at is None else max(0, wrong.at - shift), str(wrong), "")
                return


def _is_free(text: str) -> bool:
    return any(re.search(rf"\b{name}\b", text) for name in FREE)


def _is_operators(text: str) -> bool:
    """Whether it speaks of what only events have that are about no job."""
    found = re.search(r"\bevent\.data\.(\w+)", text)
    return found is not None and found[1] in OperatorData.__struct_fields__


def _nulls(source: str) -> Iterator[TemplateMistake]:
    """A text that fails, or says None, where a job tells little."""
    try:
        said = TextTemplate(source).fill(names_of(bare_sample()))
    except TemplateWrong as wrong:
        remedy = 'write (job.prompt or "") where a value may be missing'
        yield TemplateMistake(wrong.at, f"{wrong} where a job does not tell it", remedy)
        return
    if "None" in said and "None" not in source:
        yield TemplateMistake(
            None, "says None where a job does not tell a value", 'write (job.prompt or "") in its place'
        )


def _json_mistakes(source: str) -> Iterator[TemplateMistake]:
    """A text that is no JSON for one of the samples."""
    template = TextTemplate(source)
    for event in [*_samples(source), bare_sample()]:
        try:
            read_json(template.fill(names_of(event)).encode())
        except (NotJson, TemplateWrong) as wrong:
            told = "whose texts hold quotes" if event.data.prompt else "that tells little"
            remedy = "write each value as {{ job.prompt | tojson }}, without quotes around it"
            yield TemplateMistake(None, f"is no JSON for a job {told}: {wrong}", remedy)
            return
