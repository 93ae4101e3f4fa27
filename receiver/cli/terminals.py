"""What a terminal can show, by its environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

PictureProtocol = Literal["kitty", "iterm2", "sixel"]
KITTY: Final = frozenset({"xterm-kitty", "xterm-ghostty"})
ITERM2: Final = frozenset({"iTerm.app", "WezTerm"})
SIXEL: Final = frozenset({"foot", "foot-extra", "mlterm", "yaft-256color", "xterm-sixel"})


def protocol_of(env: Mapping[str, str]) -> PictureProtocol | None:
    """What the terminal that this environment tells of understands; None = nothing that is known.

    Within tmux and screen it is nothing: they show their own screen.
    """
    term = env.get("TERM", "")
    if "TMUX" in env or term.startswith(("screen", "tmux")):
        return None
    if term in KITTY or "KITTY_WINDOW_ID" in env:
        return "kitty"
    if env.get("TERM_PROGRAM") in ITERM2:
        return "iterm2"
    return "sixel" if term in SIXEL else None
