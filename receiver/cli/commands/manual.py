"""`manual`: the user's manual in the terminal."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from receiver.cli.screen import say, table
from receiver.manual.topics import Topic, topic, topics


def manual(
    name: Annotated[
        str | None, typer.Argument(metavar="[TOPIC]", help="Such as first-job; left out: the list.")
    ] = None,
) -> None:
    """Show a page of the manual, or which pages there are.

    The same pages are at /manual of a running gridhook. Elsewhere than on a terminal they are printed as Markdown.
    """
    if name is None:
        table(("TOPIC", "TITLE"), [(each.name, each.title) for each in topics()])
    else:
        _show(topic(name))


def _show(found: Topic) -> None:
    if not sys.stdout.isatty():
        say(found.text.rstrip())
        return
    from rich.console import Console  # noqa: PLC0415  # only a terminal pays for loading it
    from rich.markdown import Markdown  # noqa: PLC0415

    console = Console()
    console.width = min(console.width, 100)
    console.print(Markdown(found.text))
