"""Pictures on a terminal, and what terminals can show."""

from __future__ import annotations

import base64
import io

import pytest
from PIL import Image

from receiver.cli.pictures.inline_picture import protocol_of
from receiver.cli.pictures.terminal_pictures import PIECE, drawn
from receiver.errors import ForeignRefused


def a_picture(width: int = 600, height: int = 13) -> bytes:
    """A PNG, left half red and right half blue."""
    picture = Image.new("RGB", (width, height), "red")
    picture.paste("blue", (width // 2, 0, width, height))
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("env", "protocol"),
    [
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, "iterm2"),
        ({"TERM": "foot"}, "sixel"),
        ({"TERM": "xterm-256color"}, None),
        ({"TERM": "tmux-256color", "KITTY_WINDOW_ID": "1"}, None),
        ({"TERM": "xterm-kitty", "TMUX": "default,1,0"}, None),
        ({}, None),
    ],
)
def test_a_terminal_is_known_by_its_environment(env: dict[str, str], protocol: str | None) -> None:
    assert protocol_of(env) == protocol


def test_kitty_gets_a_png_in_pieces() -> None:
    noise = Image.effect_noise((480, 200), 100)
    file = io.BytesIO()
    noise.save(file, "PNG")
    pieces = drawn(file.getvalue(), "kitty").strip().split("\x1b\\")[:-1]
    assert len(pieces) > 1
    assert pieces[0].startswith("\x1b_Ga=T,f=100,m=1;")
    assert pieces[-1].startswith("\x1b_Gm=0;")
    parts = [piece.partition(";")[2] for piece in pieces]
    assert max(map(len, parts)) <= PIECE
    shown = Image.open(io.BytesIO(base64.b64decode("".join(parts))))
    assert (shown.format, shown.size) == ("PNG", (480, 200))


def test_iterm2_gets_a_png_in_one() -> None:
    text = drawn(a_picture(), "iterm2")
    head, _, rest = text.partition(":")
    body = base64.b64decode(rest.strip().removesuffix("\x07"))
    assert head == f"\x1b]1337;File=inline=1;size={len(body)}"
    assert Image.open(io.BytesIO(body)).size == (480, 10)


def test_sixels_are_bands_of_six_lines() -> None:
    text = drawn(a_picture(), "sixel")
    assert text.startswith('\x1bPq"1;1;480;10#0;2;')
    assert text.endswith("\x1b\\\n")
    assert text.count("-") == 1
    assert "!" in text


def test_what_is_no_picture_is_refused() -> None:
    with pytest.raises(ForeignRefused):
        drawn(b"<html>", "kitty")
