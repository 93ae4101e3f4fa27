"""What is shown: tables and fields on a terminal, plain aligned text elsewhere, JSON for programs."""

from __future__ import annotations

import codecs
import io
import json
import re
import sys
from collections.abc import Sequence
from typing import Any, Final, NoReturn

import msgspec
import typer

from receiver.lib.process.streams import abandon

#: Status or outcome to its colour on a terminal.
STYLES: Final[dict[str, str]] = {
    "completed": "green",
    "done": "green",
    "mapped": "green",
    "failed": "red",
    "dead": "red",
    "unreadable": "red",
    "canceled": "yellow",
    "unsure": "yellow",
    "held": "yellow",
    "unmapped": "yellow",
    "queued": "cyan",
    "running": "cyan",
    "submitting": "cyan",
}
#: Characters that could steer a terminal or turn its text around; within JSON they can be written as `\\u....`.
STEERING: Final = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
#: What stands for bytes that are no UTF-8, as in arguments and in names of files.
LONE: Final = re.compile("[\ud800-\udfff]")
#: The column that gives way on a narrow terminal; its end is then marked with an ellipsis.
LONG: Final = "PROMPT"


def show_everything() -> None:
    """From now on a character that the output's encoding does not have is written as JSON escapes it."""
    codecs.register_error("json", _escaped)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="json")


def _escaped(wrong: UnicodeError) -> tuple[str, int]:
    if not isinstance(wrong, UnicodeEncodeError):
        raise wrong
    return json.dumps(wrong.object[wrong.start : wrong.end])[1:-1], wrong.end


def end_without_output(wrong: OSError) -> NoReturn:
    """Ends the program with a sentence, since what it has to say cannot be written. Exit 1."""
    abandon(sys.stdout)
    what = "the output cannot be written" if wrong.filename is None else str(wrong.filename)
    tell(f"gridhook: {clean(what)}: {wrong.strerror or wrong}")
    sys.exit(1)


def say(text: str = "") -> None:
    """One line (or several) for the reader."""
    print(text, flush=True)


def tell(text: str) -> None:
    """One line beside the result, on standard error; lost where that takes nothing."""
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        abandon(sys.stderr)


def fail(text: str, code: int = 1) -> NoReturn:
    """Ends the command with a sentence on standard error."""
    tell(f"gridhook: {clean(text)}")
    raise typer.Exit(code)


def emit(value: Any) -> None:
    """A value as one line of JSON; bytes that are no text, as in names of files, become U+FFFD."""
    try:
        emit_raw(msgspec.json.encode(value))
    except UnicodeEncodeError:
        emit_raw(msgspec.json.encode(_as_text(msgspec.to_builtins(value))))


def _as_text(value: Any) -> Any:
    if isinstance(value, str):
        return LONE.sub("\ufffd", value)
    if isinstance(value, list | tuple):
        return [_as_text(item) for item in value]
    return {_as_text(name): _as_text(item) for name, item in value.items()} if isinstance(value, dict) else value


def emit_raw(body: bytes) -> None:
    """JSON as one line, as it was kept."""
    say(harmless_json(body.decode()))


def emit_pretty(body: bytes) -> None:
    """JSON on many lines, for reading."""
    say(harmless_json(msgspec.json.format(body, indent=2).decode()))


def harmless_json(text: str) -> str:
    """The same JSON without a character that a terminal would obey."""
    return STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def clean(text: object) -> str:
    """Foreign text as one line: white space is a blank, control characters are gone, what is no text is U+FFFD."""
    if text is None:
        return "-"
    letters = LONE.sub("\ufffd", str(text))
    return "".join(
        " " if letter.isspace() else letter for letter in letters if letter.isprintable() or letter.isspace()
    )


def clean_lines(text: str) -> str:
    """Foreign text with its lines; control characters are gone."""
    return "\n".join(clean(line.expandtabs()) for line in text.splitlines())


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Rows under their columns: coloured on a terminal, else plain text in which nothing is cut."""
    cells = [[clean(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _coloured(columns, cells)
    else:
        for line in aligned([list(columns), *cells]):
            say(line)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines whose cells stand under each other; the last cell is as long as it is."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def fields(pairs: Sequence[tuple[str, object]], indent: str = "") -> None:
    """Names and values under each other; a value that is None or empty is left out."""
    shown = [[f"{indent}{name}", clean(value)] for name, value in pairs if value is not None and value != ""]
    for line in aligned(shown) if shown else []:
        say(line)


def _coloured(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    from rich.console import Console  # noqa: PLC0415  # only a terminal pays for loading it
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    shown = Table(box=None, pad_edge=False, header_style="bold")
    for place, column in enumerate(columns):
        width = max((len(row[place]) for row in cells), default=0) if place == 0 else None
        shown.add_column(
            column, min_width=width, no_wrap=column == LONG, overflow="ellipsis" if column == LONG else "fold"
        )
    for row in cells:
        shown.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in row))
    Console().print(shown)
