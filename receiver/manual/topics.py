"""The topics of the manual, each one file beside this one."""

from __future__ import annotations

from importlib.resources import files
from typing import Final, NamedTuple

from receiver.errors import NotFound
from receiver.lib.nearest import nearest

#: In the order in which a newcomer reads them.
ORDER: Final = (
    "first-job",
    "going-public",
    "vendors",
    "presets",
    "any-vendor",
    "rules",
    "asking",
    "pages",
    "sinks",
    "slack",
    "discord",
    "telegram",
    "pictures",
    "events",
    "http",
    "configuration",
    "plugins",
    "operation",
    "deployment",
    "metrics",
    "postgresql",
    "capacity",
    "troubleshooting",
    "promises",
    "speed",
    "glossary",
    "changelog",
)


class Topic(NamedTuple):
    """One page of the manual."""

    #: What it is asked for by, such as "first-job".
    name: str
    title: str
    #: The whole page in Markdown, its title included.
    text: str


def topics() -> list[Topic]:
    """Every page, in reading order."""
    return [found for name in ORDER if (found := _read(name)) is not None]


def topic(name: str) -> Topic:
    """One page by its name. Raises NotFound, with the nearest name that there is."""
    if name in ORDER and (found := _read(name)) is not None:
        return found
    raise NotFound(f"the manual has no topic {name[:100]!r}: {nearest(name[:100], [each.name for each in topics()])}")


def _read(name: str) -> Topic | None:
    file = files("receiver.manual") / f"{name}.md"
    if not file.is_file():
        return None
    text = file.read_text("utf-8")
    return Topic(name, text.partition("\n")[0].removeprefix("# "), text)
