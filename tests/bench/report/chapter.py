"""One run as a chapter in Markdown: the tables, the machine, and how to make it again."""

from __future__ import annotations

from collections.abc import Sequence

from bench.machine.facts import Machine
from bench.report.figures import Figures
from bench.report.tables import FigureTable, tables


def chapter(figures: Figures, command: str) -> str:
    """Returns the chapter. `command` is what made it."""
    parts = [machine_text(figures.machine), f"Made by `{command}`."]
    parts += [_table(one) for one in tables(figures)]
    parts += [f"Left out: {reason}." for reason in figures.left_out]
    return "\n\n".join(parts) + "\n"


def machine_text(machine: Machine) -> str:
    """Returns the machine in two sentences."""
    apart = ", server and load on a core each" if machine.pinned else ""
    where = f"{machine.processor}, {machine.cores} cores{apart}, {machine.memory_gb:g} GB, Linux {machine.kernel}"
    disk = f"{machine.file_system} ({machine.sync_ms:g} ms for a sync)"
    return (
        f"Measured on {where}, {disk}, Python {machine.python}, SQLite {machine.sqlite}, on {machine.date[:10]}. "
        f"The load average before was {machine.load_average:.1f}."
    )


def _table(one: FigureTable) -> str:
    rows = [one.columns, tuple("---" for _ in one.columns), *one.rows]
    lines = [f"### {one.title}", "", *map(_row, rows)]
    return "\n".join([*lines, *(("", *one.notes) if one.notes else ())])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
