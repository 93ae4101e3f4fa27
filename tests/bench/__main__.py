"""The command line of `./tests/bench/run`: measures the installed gridhook on this machine, beside others."""

from __future__ import annotations

import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final, Literal, NoReturn

import typer

from bench.contestants.entrants import OURS
from bench.report.chapter import chapter as as_chapter
from bench.report.figures import Figures
from bench.report.plot import plot as drawn
from bench.report.tables import tables
from bench.session import Choices, run
from receiver.cli.screen import (
    clean,
    emit,
    say,
    table,
    tell,
)
from receiver.errors import GridhookError

#: What ends the run as Ctrl-C does: otherwise its servers would run on.
SIGNALS: Final = (signal.SIGTERM, signal.SIGHUP)

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def bench(
    rounds: Annotated[int, typer.Option("--rounds", min=1, max=50, help="Rounds of the contest, and kills.")] = 3,
    seconds: Annotated[float, typer.Option("--seconds", min=0.1, max=600, help="Load in each round.")] = 3.0,
    connections: Annotated[int, typer.Option("--connections", min=1, max=2000, help="Open at once.")] = 64,
    load: Annotated[
        Literal["auto", "wrk", "own"], typer.Option("--load", help="The load generator; auto = wrk if installed.")
    ] = "auto",
    contest: Annotated[
        bool, typer.Option("--contest/--no-contest", help="Contest, kill -9 and latency at half load.")
    ] = True,
    only: Annotated[list[str] | None, typer.Option("--only", metavar="NAME", help="Only this contestant.")] = None,
    contestants: Annotated[
        Path,
        typer.Option(
            "--contestants", metavar="DIR", help="Further contestants: contestant_*.py.", show_default="our own"
        ),
    ] = OURS,
    fsync_ms: Annotated[
        str, typer.Option("--fsync-ms", metavar="MS,MS", help="The contest once more with each sync slowed.")
    ] = "",
    dispatch: Annotated[
        bool, typer.Option("--dispatch", help="End to end: to a sink, to the vendor; a backlog to sinks.")
    ] = False,
    neighbours: Annotated[
        bool, typer.Option("--neighbours", help="A healthy sink beside ones that hang, fail and flood.")
    ] = False,
    growth: Annotated[
        int | None, typer.Option("--growth", metavar="N", min=100, help="Single steps on a database of N events.")
    ] = None,
    retention: Annotated[
        int | None, typer.Option("--retention", metavar="N", min=100, help="Prune N old events under load.")
    ] = None,
    replicas: Annotated[
        int | None,
        typer.Option("--replicas", metavar="N", min=100, help="N webhooks to replicas on PostgreSQL, with faults."),
    ] = None,
    memory: Annotated[
        int | None, typer.Option("--memory", metavar="N", min=100, help="Memory and start, with N events.")
    ] = None,
    postgres: Annotated[
        str | None,
        typer.Option("--postgres", metavar="URL", help="SQLite beside this empty PostgreSQL: store alone, HTTP."),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--folder", metavar="DIR", help="On the disk to measure; else the temporary one.")
    ] = None,
    plot: Annotated[Path | None, typer.Option("--plot", metavar="FILE", help="Write a bar chart as SVG.")] = None,
    chapter: Annotated[
        Path | None, typer.Option("--chapter", metavar="FILE", help="Write tables and machine as Markdown.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all figures as one JSON value.")] = False,
) -> None:
    """Measure gridhook beside no-ops and other receivers; about a minute.

    Starts real servers on loopback with databases in a temporary folder, and ends them all.
    """
    choices = Choices(
        rounds=rounds,
        seconds=seconds,
        connections=connections,
        load=load,
        contest=contest,
        only=tuple(only or ()),
        contestants=contestants,
        folder=folder,
        fsync_ms=milliseconds(fsync_ms),
        dispatch=dispatch,
        neighbours=neighbours,
        growth=growth,
        retention=retention,
        replicas=replicas,
        memory=memory,
        postgres=postgres,
    )
    try:
        with ended_by_signals():
            figures = run(choices, tell)
        if plot is not None:
            _draw(figures, plot)
        if chapter is not None:
            command = " ".join(["./tests/bench/run", *(shlex.quote(word) for word in sys.argv[1:])])
            chapter.write_text(as_chapter(figures, command), encoding="utf-8")
    except (GridhookError, OSError) as wrong:
        tell(f"bench: cannot measure: {clean(wrong)}")
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    if as_json:
        emit(figures)
    else:
        _show(figures)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """What ends a process raises KeyboardInterrupt meanwhile, so that whatever was started is ended too."""
    # One that is ignored stays so: that is what `nohup` is for.
    heard = [one for one in SIGNALS if signal.getsignal(one) is not signal.SIG_IGN]
    before = {one: signal.signal(one, _interrupt) for one in heard}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _interrupt(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def milliseconds(text: str) -> tuple[float, ...]:
    """Returns the delays of `--fsync-ms`: numbers with commas between them. Raises typer.BadParameter."""
    try:
        found = tuple(float(one) for one in text.split(",") if one.strip())
    except ValueError:
        found = (-1.0,)
    if any(not 0 < one <= 1000 for one in found):
        raise typer.BadParameter("--fsync-ms takes milliseconds from above 0 to 1000, like 2,10")
    return found


def _draw(figures: Figures, file: Path) -> None:
    if not figures.contest:
        tell("--plot draws the contest, which was left out")
        return
    machine = figures.machine
    caption = (
        f"{machine.processor}, {machine.cores} cores, {machine.file_system}, sync {machine.sync_ms:g} ms; "
        f"{figures.connections} connections, 1.2 KB; {machine.date[:10]}"
    )
    file.write_text(drawn(figures.contest, caption), encoding="utf-8")


def _show(figures: Figures) -> None:
    machine = figures.machine
    for one in tables(figures):
        say(f"\n{one.title}")
        table(one.columns, one.rows)
        for note in one.notes:
            say(f"  {note}")
    for reason in figures.left_out:
        tell(f"left out: {reason}")
    apart = ", server and load apart" if machine.pinned else ""
    say(f"\n{machine.processor}, {machine.cores} cores{apart}, {machine.memory_gb:g} GB, Linux {machine.kernel}")
    say(f"Python {machine.python}, SQLite {machine.sqlite}, {machine.file_system}, {machine.sync_ms:g} ms for a sync")
    say(f"load generator: {machine.generator}; load average before: {machine.load_average:.1f}; {machine.date}")
    if machine.load_average > 1:
        say("Other work was going on: compare ratios within this run only, or measure again when the machine is quiet.")


if __name__ == "__main__":
    app(prog_name="tests/bench/run")
