"""The file of a running server is removed, replaced or moved: it says so, and acknowledges nothing that is lost."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from receiver.lib import ids
from support.picks import pick, task_id
from support.server import JOURNEY, Server, serving

#: Within so long a lost file is noticed, seconds.
NOTICED = 1.0


def removed(folder: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        (folder / f"gridhook.db{suffix}").unlink()


def without_wal(folder: Path) -> None:
    (folder / "gridhook.db-wal").unlink()


def replaced(folder: Path) -> None:
    shutil.copy(folder / "gridhook.db", folder / "new.db")
    (folder / "new.db").rename(folder / "gridhook.db")


def moved(folder: Path) -> None:
    (folder / "away").mkdir()
    for suffix in ("", "-wal", "-shm"):
        (folder / f"gridhook.db{suffix}").rename(folder / "away" / f"gridhook.db{suffix}")


async def posted(server: Server, number: int) -> httpx.Response:
    return await server.post("/in/journey", pick(task_id(number)))


def lost(server: Server) -> list[str]:
    """The reasons that the log names."""
    lines = [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]
    return [line["reason"] for line in lines if line["event"] == "store.lost"]


@pytest.mark.timeout(90)
@pytest.mark.parametrize("harm", [removed, without_wal, replaced, moved])
async def test_a_lost_file_is_a_503_within_a_second_and_one_clear_line(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    async with serving(tmp_path, JOURNEY.format(vendor="http://127.0.0.1:9", more="")) as server:
        assert [(await posted(server, number)).status_code for number in range(5)] == [200] * 5
        harm(tmp_path)
        assert (await posted(server, 5)).status_code == 503
        began = time.monotonic()
        await server.ready(503)
        assert time.monotonic() - began < NOTICED + 1
        assert {(await posted(server, number)).status_code for number in range(6, 12)} == {503}
        assert (await server.client.get("/healthz")).status_code == 200
        await asyncio.sleep(NOTICED)
        assert len(lost(server)) == 1
        assert str(server.database) in lost(server)[0]


@pytest.mark.timeout(90)
@pytest.mark.parametrize("way", ["kill", "stop"])
async def test_what_was_acknowledged_before_the_wal_was_removed_is_there_after_a_restart(
    tmp_path: Path, way: str
) -> None:
    async with serving(tmp_path, JOURNEY.format(vendor="http://127.0.0.1:9", more="")) as server:
        answers = await asyncio.gather(*(posted(server, number) for number in range(60)))
        (tmp_path / "gridhook.db-wal").unlink()
        answers += await asyncio.gather(*(posted(server, number) for number in range(60, 80)))
        await server.ready(503)
        await asyncio.sleep(NOTICED)
        if way == "kill":
            await server.kill9()
        else:
            assert await server.sigterm() == 0
        await server.start()
        kept = {ids.show("req", number) for (number,) in server.rows("SELECT number FROM requests")}
        assert (await posted(server, 90)).status_code == 200
    taken = {answer.json()["request"] for answer in answers if answer.status_code == 200}
    assert len(taken) >= 60
    assert taken <= kept


@pytest.mark.timeout(90)
async def test_what_is_put_back_is_served_again(tmp_path: Path) -> None:
    async with serving(tmp_path, JOURNEY.format(vendor="http://127.0.0.1:9", more="")) as server:
        first = await posted(server, 1)
        moved(tmp_path)
        await server.ready(503)
        for suffix in ("", "-wal", "-shm"):
            (tmp_path / "away" / f"gridhook.db{suffix}").rename(tmp_path / f"gridhook.db{suffix}")
        await server.ready()
        second = await posted(server, 2)
        await server.kill9()
        await server.start()
        kept = {ids.show("req", number) for (number,) in server.rows("SELECT number FROM requests")}
    assert {first.json()["request"], second.json()["request"]} <= kept


@pytest.mark.timeout(90)
@pytest.mark.parametrize("way", ["symlink", "lock file", "renamed folder"])
async def test_a_second_server_on_the_same_file_is_refused_however_it_names_it(tmp_path: Path, way: str) -> None:
    folder = tmp_path / "first"
    folder.mkdir()
    async with serving(folder, JOURNEY.format(vendor="http://127.0.0.1:9", more="")) as server:
        other, named = folder / "gridhook.toml", "gridhook.db"
        if way == "symlink":
            (folder / "link.db").symlink_to("gridhook.db")
            named = "link.db"
        elif way == "renamed folder":
            os.rename(folder, tmp_path / "second")
            server.folder = tmp_path / "second"
        else:
            (folder / "gridhook.db.lock").unlink(missing_ok=True)
        other = server.folder / "gridhook.toml"
        other.write_text(other.read_text().replace("sqlite:///gridhook.db", f"sqlite:///{named}"))
        server.log = tmp_path / "second.log"
        second = await server.spawn("serve", "--port", "0")
        code = await asyncio.wait_for(second.wait(), 30)
        pid = server.pid
    assert code == 1
    assert f"another gridhook process (pid {pid}) dispatches from" in (tmp_path / "second.log").read_text()
