"""A file: one line an event, on disk before it counts as delivered, rotated."""

from __future__ import annotations

import fcntl
import os
import stat
from pathlib import Path

import msgspec
import pytest

from handlers.http.transport import HttpTransport
from handlers.local.json_lines import KEPT, JsonLines
from receiver.model.deliveries import Again, Delivered
from support.delivering import Bound, outgoing


def lines_at(path: Path, rotate: int = 100 * 1024**2) -> Bound:
    return Bound(JsonLines(JsonLines.Options(path=str(path), rotate=rotate)), HttpTransport(), 0)


def ids_in(folder: Path) -> dict[str, str]:
    """The event's id in each file of one line."""
    return {file.name: msgspec.json.decode(file.read_bytes())["id"] for file in folder.iterdir()}


async def test_each_event_is_a_line_as_it_was_kept_and_the_file_is_the_owners(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    sink = lines_at(path)
    assert [await sink.deliver(outgoing()), await sink.deliver(outgoing())] == [Delivered(), Delivered()]
    assert path.read_bytes() == (outgoing().body + b"\n") * 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_an_event_with_line_breaks_is_one_line(tmp_path: Path) -> None:
    sent = msgspec.structs.replace(outgoing(), body=b'{\n "a":\r\n 1}')
    await lines_at(tmp_path / "x").deliver(sent)
    (line,) = (tmp_path / "x").read_text().splitlines()
    assert msgspec.json.decode(line) == {"a": 1}


async def test_a_full_file_is_put_aside_and_the_oldest_goes(tmp_path: Path) -> None:
    path = tmp_path / "x"
    sink = lines_at(path, rotate=len(outgoing().body) * 2)
    for place in range(KEPT + 3):
        sent = msgspec.structs.replace(outgoing(), body=outgoing().body.replace(b"evt_01", b"evt_%02d" % place))
        await sink.deliver(sent)
    found = ids_in(tmp_path)
    newest = KEPT + 2
    assert found == {"x": f"evt_{newest}"} | {f"x.{one}": f"evt_{newest - one:02d}" for one in range(1, KEPT + 1)}


@pytest.mark.parametrize("kind", ["folder", "pipe", "nowhere"])
async def test_what_is_no_file_is_for_later_and_holds_nothing_up(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x" if kind != "nowhere" else tmp_path / "gone" / "x"
    if kind == "folder":
        path.mkdir()
    if kind == "pipe":
        os.mkfifo(path)
    outcome = await lines_at(path).deliver(outgoing())
    assert isinstance(outcome, Again)
    assert outcome.note.startswith("x cannot be written")


async def test_a_full_disk_leaves_no_half_line() -> None:
    assert isinstance(await lines_at(Path("/dev/full")).deliver(outgoing()), Again)


async def test_another_writer_of_the_file_is_waited_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handlers.local.json_lines.LOCK_TRIES", 2)
    sink = lines_at(tmp_path / "x")
    with (tmp_path / "x").open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert await sink.deliver(outgoing()) == Again(note="x cannot be written: another program holds it")
    assert await sink.deliver(outgoing()) == Delivered()


async def test_what_another_writer_put_aside_meanwhile_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x"
    lock, calls = fcntl.flock, 0

    def put_aside_before_the_lock(descriptor: int, how: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            path.replace(tmp_path / "x.1")
        lock(descriptor, how)

    monkeypatch.setattr("fcntl.flock", put_aside_before_the_lock)
    assert await lines_at(path).deliver(outgoing()) == Delivered()
    assert path.read_bytes() == outgoing().body + b"\n"
    assert (tmp_path / "x.1").read_bytes() == b""
