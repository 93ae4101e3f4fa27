"""`preset test`: what a preset makes of a real body, so that one of your own is written in minutes."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
import typer

from receiver.cli.screen import clean, emit, emit_pretty, fail, say, table
from receiver.cli.session import AsJson
from receiver.config.environment.secret_values import SecretWrong, read_secret
from receiver.config.files.presets import make_from_preset
from receiver.contracts import Seal
from receiver.errors import NotJson
from receiver.lib.signatures import Secret
from receiver.lib.strict_json import read_json
from receiver.lib.times import system_clock
from receiver.providers.generic import Generic
from receiver.providers.generic.trial import PathTrial
from receiver.views.preset_trial import PresetTrial, Proven, try_preset

#: The largest files that are read, bytes.
MOST_BODY: Final = 16 * 1024 * 1024
MOST_HEADERS: Final = 256 * 1024
#: Characters of a found value that are shown, and how many values.
LONGEST: Final = 60
MOST_SHOWN: Final = 3
SEALS: Final[dict[Seal, str]] = {
    "valid": "it is right",
    "wrong": "it is NOT right with this secret: the request would get 401",
    "absent": "it is not there: the request would get 401",
    "too_old": "the signature is right, but was made too long ago, as in every kept sample: it would get 401 today",
    "too_new": "the signature is right, but made in the future: it would get 401",
}

Body = Annotated[
    str, typer.Option("--body", metavar="FILE", help='A webhook\'s body as it came; "-" = standard input.')
]
HeaderFile = Annotated[
    Path | None,
    typer.Option("--headers", metavar="FILE", help='Its headers: lines of "Name: value", or a JSON object.'),
]
SecretText = Annotated[
    str | None,
    typer.Option("--secret", metavar="SECRET", help='What verifies it: "env:NAME", "file:/path" or the text itself.'),
]


def preset(
    do: Annotated[Literal["test"], typer.Argument(metavar="test", help="What to do: test.")],
    file: Annotated[str, typer.Argument(metavar="FILE", help="The preset: a file, or the name of a shipped one.")],
    body: Body,
    headers: HeaderFile = None,
    secret: SecretText = None,
    json: AsJson = False,
) -> None:
    """Show what a preset makes of a real body, path by path. Nothing is sent or kept.

    Exit 1 if it makes nothing of it, 2 if the preset has mistakes.
    """
    made = make_from_preset(Generic, file, Path.cwd())
    given = None if headers is None else _headers(_read(str(headers), MOST_HEADERS), str(headers))
    try:
        found = try_preset(made, _read(body, MOST_BODY), given, _secret(secret), system_clock())
    except NotJson as wrong:
        fail(f"{body}: {wrong}", 2)
    if json:
        emit(found)
    else:
        _show(found)
    if not found.events and found.note:
        raise typer.Exit(1)


def _read(name: str, most: int) -> bytes:
    try:
        if name == "-":
            raw = sys.stdin.buffer.read(most + 1)
        else:
            with Path(name).open("rb") as opened:
                raw = opened.read(most + 1)
    except OSError as wrong:
        fail(f"{name} cannot be read: {wrong.strerror}", 2)
    if len(raw) > most:
        fail(f"{name} is larger than {most} bytes", 2)
    return raw


def _headers(raw: bytes, name: str) -> dict[str, str]:
    """Headers by lower-case name; several of one name have their values in one text, joined with ", "."""
    text = raw.decode("utf-8", "surrogateescape")
    if text.lstrip().startswith("{"):
        try:
            value = read_json(raw)
        except NotJson as wrong:
            fail(f"{name}: {wrong}", 2)
        pairs = [(key, one) for key, one in value.items() if isinstance(one, str)]
    else:
        split = [line.partition(":") for line in text.splitlines() if ":" in line.lstrip(":")]
        pairs = [(key, one) for key, _, one in split]
    found: dict[str, str] = {}
    for key, one in pairs:
        known = found.get(key.strip().lower())
        found[key.strip().lower()] = one.strip() if known is None else f"{known}, {one.strip()}"
    return found


def _secret(text: str | None) -> Secret | None:
    if text is None:
        return None
    try:
        return read_secret(text, os.environ, Path.cwd())
    except SecretWrong as wrong:
        raise typer.BadParameter(f"--secret {clean(wrong.wrong)}; {clean(wrong.remedy)}") from None


# --- for reading -----------------------------------------------------------------------------------------------------


def _show(found: PresetTrial) -> None:
    if found.proven is not None:
        say(clean(f"verified by {found.proven.header}: {_proof(found.proven)}"))
    for place, paths in enumerate(found.jobs, 1):
        say()
        if len(found.jobs) > 1:
            say(f"job {place}")
        table(["", "KEY", "PATH", "FOUND"], [_row(one) for one in paths])
    if found.note is not None:
        say(f"\nno event: {clean(found.note)}")
    for event in found.events:
        say(f"\n{clean(event.type)}")
        emit_pretty(msgspec.json.encode(event.data))


def _proof(proven: Proven) -> str:
    if proven.seal is not None:
        return SEALS[proven.seal]
    return f"it is {'there' if proven.is_there else 'not there'}; with --secret it is judged"


def _row(one: PathTrial) -> tuple[str, str, str, str]:
    return "*" if one.used else "", one.name, one.path, _values(one.found)


def _values(found: list[Any]) -> str:
    """What stands at a path, cut short."""
    shown = [_cut(msgspec.json.encode(value).decode()) for value in found[:MOST_SHOWN]]
    more = [f"and {len(found) - MOST_SHOWN} more"] if len(found) > MOST_SHOWN else []
    return ", ".join([*shown, *more]) or "-"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
