"""Output whose reader stands still costs output, never the work."""

from __future__ import annotations

import asyncio
import fcntl
import os
import threading
import time
from collections.abc import Iterator

import pytest

from receiver.lib.process.outlet import MOST_BYTES, Descriptor, Outlet

LINE = b"x" * 99 + b"\n"


def lost(count: int) -> bytes:
    return b"lost %d\n" % count


class Pipe:
    """A pipe that holds little, and an outlet into it."""

    def __init__(self) -> None:
        self.out, self._in = os.pipe()
        fcntl.fcntl(self._in, fcntl.F_SETPIPE_SZ, 4096)
        self.outlet = Outlet(Descriptor(self._in), lost)
        self.read = b""

    def drain(self) -> None:
        """Reads until the outlet has written all it has, and what that was."""
        reader = threading.Thread(target=self._read_all)
        reader.start()
        try:
            assert self.outlet.flush(20)
            self.outlet.close(20)
        finally:
            os.close(self._in)
        reader.join(20)

    def _read_all(self) -> None:
        while piece := os.read(self.out, 65536):
            self.read += piece


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    os.close(made.out)


def test_a_reader_that_stands_still_holds_nobody_up_and_what_is_lost_is_counted(pipe: Pipe) -> None:
    sent = 4 * MOST_BYTES // len(LINE)
    began = time.monotonic()
    for _ in range(sent):
        pipe.outlet.put(LINE)
    assert time.monotonic() - began < 5
    pipe.drain()
    lines = pipe.read.splitlines(keepends=True)
    told = [int(line.split()[1]) for line in lines if line != LINE]
    assert told
    assert lines.count(LINE) + sum(told) == sent
    assert lines.count(LINE) * len(LINE) <= 2 * MOST_BYTES


def test_a_flush_ends_in_its_time(pipe: Pipe) -> None:
    for _ in range(100):
        pipe.outlet.put(LINE)
    assert not pipe.outlet.flush(0.05)
    pipe.drain()
    assert pipe.read == LINE * 100


async def test_who_waits_for_his_line_waits_until_it_is_written(pipe: Pipe) -> None:
    pipe.outlet.put(b"y" * 8000 + b"\n")
    waiting = asyncio.create_task(pipe.outlet.written(b"mine\n"))
    done, _ = await asyncio.wait({waiting}, timeout=0.3)
    assert not done
    await asyncio.to_thread(pipe.drain)
    await waiting
    assert pipe.read.endswith(b"mine\n")


async def test_a_line_that_was_given_up_is_not_written_later(pipe: Pipe) -> None:
    pipe.outlet.put(b"y" * 8000 + b"\n")
    assert not await asyncio.to_thread(pipe.outlet.flush, 0.05)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await pipe.outlet.written(b"mine\n")
    await asyncio.to_thread(pipe.drain)
    assert b"mine" not in pipe.read


async def test_a_line_for_which_there_is_no_room_is_refused(pipe: Pipe) -> None:
    for _ in range(3):
        pipe.outlet.put(b"y" * MOST_BYTES)
    with pytest.raises(BlockingIOError):
        await pipe.outlet.written(b"mine\n")
    await asyncio.to_thread(pipe.drain)


async def test_lines_that_cannot_be_written_are_counted_and_told_when_it_goes_again() -> None:
    class Full:
        """A disk that is full at first."""

        def __init__(self) -> None:
            self.full = True
            self.got = b""

        def write(self, data: bytes) -> None:
            if self.full:
                raise OSError(28, "No space left on device")
            self.got += data

    disk = Full()
    outlet = Outlet(disk, lost)
    for number in range(3):
        outlet.put(b"early %d\n" % number)
        assert outlet.flush(10)
    with pytest.raises(OSError, match="No space left"):
        await outlet.written(b"awaited\n")
    disk.full = False
    outlet.put(b"late\n")
    outlet.close(10)
    assert disk.got == b"lost 3\nlate\n"


def test_what_follows_a_line_that_was_cut_short_stands_on_its_own_line(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bytes] = []

    def write(_number: int, data: bytes) -> int:
        if len(written) == 1:
            written.append(b"")
            raise OSError(28, "No space left on device")
        written.append(bytes(data[:4]) if not written else bytes(data))
        return len(written[-1])

    monkeypatch.setattr("receiver.lib.process.outlet.os.write", write)
    target = Descriptor(-1)
    with pytest.raises(OSError, match="No space left"):
        target.write(b"first\n")
    target.write(b"second\n")
    assert written == [b"firs", b"", b"\nsecond\n"]
