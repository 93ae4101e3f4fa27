"""What the demo shows: lines with times; colours on a terminal only, foreign text as text only."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TextIO

from rich.console import Console
from rich.text import Text

from receiver.lib.process.streams import abandon

#: Who speaks to the colour of the name.
COLOURS: Final = {"you": "magenta", "inbox": "green", "channel": "green", "gridhook": "blue"}
#: The colour of a source.
VENDOR: Final = "cyan"
WHO: Final = 9
WHAT: Final = 14


class _Paper(Console):
    """rich's console, but a reader that is gone (closed pipe) is an OSError, not the end of the program."""

    def on_broken_pipe(self) -> None:
        """Raises BrokenPipeError; rich calls it when nobody reads the output any more, and would end the program."""
        raise BrokenPipeError("nobody reads any more")


class Screen:
    """Writes lines to a stream. When that is gone (closed pipe or terminal), the rest is told to nobody."""

    def __init__(self, stream: TextIO | None = None) -> None:
        """`stream` None is standard output."""
        #: Called once when the stream is gone.
        self.on_gone: Callable[[], None] = lambda: None
        self._console = _Paper(file=stream, highlight=False, markup=False, emoji=False)
        self._gone = False
        self._began = time.monotonic()

    def title(self, text: str) -> None:
        """A heading, with an empty line before it."""
        self._print(Text())
        self._print(Text(self._plain(text), "bold"))

    def line(self, text: str = "", style: str = "") -> None:
        """Prints one line; `style` is one of rich's."""
        self._print(Text(self._plain(text), style))

    def start_clock(self) -> None:
        """Times count from here."""
        self._began = time.monotonic()

    def step(self, who: str, what: str, text: str, style: str = "") -> None:
        """One line of the story, with the time since it began."""
        elapsed = time.monotonic() - self._began
        self._print(
            Text.assemble(
                (f"{elapsed:6.1f} s  ", "dim"),
                (f"{self._plain(who):{WHO}}", COLOURS.get(who, VENDOR)),
                (f"{self._plain(what):{WHAT}}  ", style),
                self._plain(text),
            )
        )

    def finding(self, holds: bool, text: str) -> None:
        """Something that was looked into, and whether it is as it should be."""
        mark = ("  ok     ", "green") if holds else ("  WRONG  ", "bold red")
        self._print(Text.assemble(mark, self._plain(text)))

    def _print(self, text: Text) -> None:
        if self._gone:
            return
        try:
            # Not wrapped: an address or a command that is broken over two lines cannot be copied.
            self._console.print(text, soft_wrap=True)
        except OSError:
            self._gone = True
            abandon(self._console.file)
            self.on_gone()

    def _plain(self, text: str) -> str:
        return plain(text).encode(self._console.encoding, "replace").decode(self._console.encoding)


def plain(text: str) -> str:
    """Foreign text as one line without control characters, which could steer a terminal."""
    return "".join(post if post.isprintable() else " " for post in text)
