"""A program as a sink: it is started for each event and reads it from its standard input."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, ClassVar, Final

import msgspec

from handlers.http.answers import quote
from handlers.wording import one_line
from receiver.contracts import DeliveryContext, Handler, MaybeSecret, SinkProbe
from receiver.errors import OptionError
from receiver.lib.signatures import Secret
from receiver.model.deliveries import Again, Dead, Delivered, Outcome, OutgoingEvent

#: All that a program sees of ours, beside `env`: no secret, no proxy, no path of Python.
CLEAN: Final = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
#: Bytes of its standard error that a note may quote from; the rest is read and dropped.
MAX_SAID: Final = 4096
#: Bytes that a pipe holds, so that one read empties it.
PIPE_SIZE: Final = 64 * 1024
#: It says so if trying again would be the same (sysexits.h: EX_DATAERR, EX_CONFIG).
PERMANENT: Final = frozenset({65, 78})


def check_command(command: tuple[str, ...]) -> None:
    """Raises OptionError for a command that cannot be started."""
    if not command or not command[0]:
        raise OptionError("", "is empty", 'write it as a list: ["python3", "/path/to/program.py"]')
    if any("\0" in part for part in command):
        raise OptionError("", "holds a zero character", "take it out")


def check_variables(env: Mapping[str, Secret]) -> None:
    """Raises OptionError for a name that no variable of an environment can have."""
    for name in env:
        if not name or "=" in name or "\0" in name:
            raise OptionError("", f"{name[:60]!r} is no name of a variable", "write names such as STUDIO")


class Program(Handler):
    """Starts a program with the event (CloudEvents JSON) on its standard input, without a shell.

    0 is delivered, 65 and 78 are final, all else is tried again. At the sink's `timeout` it is ended with its children.
    """

    class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Keys of an `exec` sink."""

        #: The program and its arguments.
        command: Annotated[tuple[str, ...], msgspec.Meta(extra={"check": check_command})]
        #: Its environment, beside PATH and LANG; nothing of gridhook's own reaches it.
        env: Annotated[dict[str, MaybeSecret], msgspec.Meta(extra={"check": check_variables})] = {}

    default_concurrency: ClassVar[int] = 1

    def __init__(self, options: Options) -> None:
        self._command = options.command
        self._env = CLEAN | {name: value.reveal() for name, value in options.env.items()}
        self._hidden = tuple(options.env.values())

    async def deliver(self, outgoing: OutgoingEvent, context: DeliveryContext) -> Outcome:
        """Runs the program once and returns what its exit status means."""
        with _ErrorPipe() as errors:
            try:
                process = await self._started(errors.write_end)
            except OSError as wrong:
                return Dead(note=f"the program cannot be started: {wrong.strerror}")
            try:
                await _feed(process.stdin, outgoing.body)
                status = await process.wait()
            finally:
                if process.returncode is None:
                    _kill_all(process.pid)
                    await process.wait()
            return _outcome(status, quote(errors.said(), self._hidden))

    async def probe(self, context: DeliveryContext) -> SinkProbe:
        """Whether the program is there and may be run; it is not."""
        name = self._command[0]
        found = await asyncio.to_thread(shutil.which, name, path=self._env["PATH"])
        if found is None:
            return SinkProbe(works=False, said=f"{one_line(name)} is no program that can be run from here")
        return SinkProbe(works=True, said=f"{one_line(name)} can be run; it was not")

    async def _started(self, errors: int) -> asyncio.subprocess.Process:
        """The program, running. Raises OSError. If it is cut short, what was started by then is ended."""
        starting = asyncio.ensure_future(
            asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=errors,
                env=self._env,
                start_new_session=True,
            )
        )
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            process = await starting
            _kill_all(process.pid)
            await process.wait()
            raise


class _ErrorPipe:
    """What a program says on its standard error: read as it comes, the first of it kept.

    A pipe of our own, because asyncio's holds up the end of a program until all that it left running has closed it.
    """

    def __enter__(self) -> _ErrorPipe:
        self._kept = bytearray()
        self._read_end, self.write_end = os.pipe()
        os.set_blocking(self._read_end, False)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._read_end, self._read)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.remove_reader(self._read_end)
        os.close(self._read_end)
        os.close(self.write_end)

    def said(self) -> bytes:
        """What it said, the first 4,096 bytes of it at most."""
        self._read()
        return bytes(self._kept)

    def _read(self) -> None:
        with suppress(BlockingIOError):
            self._kept += os.read(self._read_end, PIPE_SIZE)[: MAX_SAID - len(self._kept)]


async def _feed(stdin: asyncio.StreamWriter | None, body: bytes) -> None:
    """The event to its standard input; a program may end without reading it."""
    if stdin is None:
        return
    with suppress(BrokenPipeError, ConnectionResetError):
        stdin.write(body)
        await stdin.drain()
    with suppress(BrokenPipeError, ConnectionResetError):
        stdin.close()
        await stdin.wait_closed()


def _kill_all(leader: int) -> None:
    """Ends the program and what it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def _outcome(status: int, said: str) -> Outcome:
    if status == 0:
        return Delivered()
    how = f"ended by signal {-status}" if status < 0 else f"ended with {status}"
    note = f"the program {how}: {said}" if said else f"the program {how}"
    return Dead(note=note) if status in PERMANENT else Again(note=note)
