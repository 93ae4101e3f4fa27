"""A program: reads the event, sees nothing of ours, and ends in time with all that it started."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from handlers.http.transport import HttpTransport
from handlers.local.program import CLEAN, Program, check_command, check_variables
from receiver.errors import OptionError
from receiver.lib.signatures import Secret
from receiver.model.deliveries import Again, Dead, Delivered, Outcome, OutgoingEvent
from support.delivering import Bound, outgoing


async def ran(code: str, *arguments: str, sent: OutgoingEvent | None = None, **env: str) -> Outcome:
    """What became of an event at a Python program."""
    command = (sys.executable, "-I", "-c", code, *arguments)
    options = Program.Options(command=command, env={name: Secret(value) for name, value in env.items()})
    return await Bound(Program(options), HttpTransport(), 0).deliver(sent or outgoing())


def wait_until(holds: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def has_text(path: Path) -> bool:
    return path.exists() and bool(path.read_text())


def is_over(pid: str) -> bool:
    """Whether a process is gone, or is only still to be reaped."""
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True


async def test_the_event_stands_on_its_standard_input(tmp_path: Path) -> None:
    code = "import sys; open(sys.argv[1], 'wb').write(sys.stdin.buffer.read())"
    assert await ran(code, str(tmp_path / "x")) == Delivered()
    assert (tmp_path / "x").read_bytes() == outgoing().body


async def test_no_variable_of_ours_reaches_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDHOOK_ADMIN_TOKEN", "hush")
    code = "import os, sys; open(sys.argv[1], 'w').write('\\n'.join(f'{n}={v}' for n, v in os.environ.items()))"
    await ran(code, str(tmp_path / "x"), STUDIO="one")
    seen = dict(line.split("=", 1) for line in (tmp_path / "x").read_text().splitlines())
    # Python itself may add the encoding that it chose.
    assert {name: value for name, value in seen.items() if name != "LC_CTYPE"} == {**CLEAN, "STUDIO": "one"}


@pytest.mark.parametrize(("status", "outcome"), [(1, Again), (75, Again), (65, Dead), (78, Dead)])
async def test_how_it_ends_says_whether_to_try_again(status: int, outcome: type[Outcome]) -> None:
    found = await ran(f"import sys; sys.stderr.write('no\\troom'); sys.exit({status})")
    assert found == outcome(note=f"the program ended with {status}: no room")


async def test_a_program_that_is_not_there_is_final() -> None:
    handler = Bound(Program(Program.Options(command=("/nowhere/x",))), HttpTransport(), 0)
    assert await handler.deliver(outgoing()) == Dead(note="the program cannot be started: No such file or directory")


async def test_what_it_says_is_bounded_and_shows_no_secret() -> None:
    found = await ran("import os, sys; sys.stderr.write(os.environ['KEY'] + 'x' * 10**7); sys.exit(1)", KEY="hush-hush")
    assert isinstance(found, Again)
    assert len(found.note) < 300
    assert "hush" not in found.note


async def test_one_that_reads_nothing_is_no_failure() -> None:
    huge = outgoing(prompt="x" * 2_000_000)
    assert await ran("pass", sent=huge) == Delivered()


async def test_one_that_hangs_ends_with_all_that_it_started(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "open(sys.argv[1], 'w').write(str(child.pid)); time.sleep(600)"
    )
    trying = asyncio.create_task(ran(code, str(tmp_path / "pid")))
    await asyncio.to_thread(wait_until, lambda: has_text(tmp_path / "pid") or trying.done())
    assert not trying.done(), trying.result()
    trying.cancel()
    await asyncio.wait([trying])
    await asyncio.to_thread(wait_until, lambda: is_over((tmp_path / "pid").read_text()))
    assert trying.cancelled()


async def test_what_it_leaves_running_holds_nothing_up(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "open(sys.argv[1], 'w').write(str(child.pid))"
    )
    assert await ran(code, str(tmp_path / "pid")) == Delivered()
    left = (tmp_path / "pid").read_text()
    assert not is_over(left)
    os.kill(int(left), signal.SIGKILL)


async def test_one_that_is_cut_short_while_it_starts_is_ended_too(tmp_path: Path) -> None:
    code = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(600)"
    trying = asyncio.create_task(ran(code, str(tmp_path / "pid")))
    await asyncio.sleep(0)
    trying.cancel()
    await asyncio.wait([trying])
    assert trying.cancelled()
    assert not has_text(tmp_path / "pid") or is_over((tmp_path / "pid").read_text())


@pytest.mark.parametrize("command", [(), ("",), ("a\0b",)])
def test_a_command_that_cannot_be_started_is_told(command: tuple[str, ...]) -> None:
    with pytest.raises(OptionError):
        check_command(command)


@pytest.mark.parametrize("name", ["", "A=B", "A\0"])
def test_a_variable_that_cannot_be_is_told(name: str) -> None:
    with pytest.raises(OptionError):
        check_variables({name: Secret("x")})
