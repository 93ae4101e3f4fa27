"""Commands and reloads that are killed with SIGKILL at any moment: what they leave is whole, and the next one works."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Final

import httpx
import pytest

from receiver.lib import ids
from support.kills import MOMENTS, TIMES
from support.picks import pick, task_id
from support.server import JOURNEY, Server, read, serving, until

#: Of each kind, in CI.
KILLS: Final = 3
#: Within so many seconds after its start a command is killed; most take less.
LONGEST: Final = 1.2
VENDOR: Final = JOURNEY.format(vendor="http://127.0.0.1:9", more="")


async def killed(server: Server, *arguments: str) -> int:
    """Runs a command and kills it at some moment; returns how it ended."""
    process = await server.spawn(*arguments)
    try:
        await asyncio.wait_for(process.wait(), MOMENTS.uniform(0, LONGEST))
    except TimeoutError:
        process.send_signal(signal.SIGKILL)
    return await process.wait()


async def gridhook(server: Server, *arguments: str) -> int:
    """Runs a command to its end; returns its exit code."""
    return await (await server.spawn(*arguments)).wait()


async def taken_in(server: Server, numbers: range) -> set[str]:
    """The ids of webhooks that were acknowledged."""
    answers = [await server.post("/in/journey", pick(task_id(number))) for number in numbers]
    assert {answer.status_code for answer in answers} == {200}
    return {answer.json()["request"] for answer in answers}


def kept(database: Path) -> set[str]:
    """The ids of the requests in a file, which is sound."""
    assert read(database, "PRAGMA integrity_check") == [("ok",)]
    return {ids.show("req", number) for (number,) in read(database, "SELECT number FROM requests")}


@pytest.mark.timeout(300 * TIMES)
async def test_a_backup_that_is_killed_is_whole_or_not_there_and_the_server_goes_on(tmp_path: Path) -> None:
    async with serving(tmp_path, VENDOR) as server:
        known: set[str] = set()
        for number in range(KILLS * TIMES):
            known |= await taken_in(server, range(len(known), len(known) + 5))
            backup = tmp_path / f"backup-{number}.db"
            code = await killed(server, "backup", backup.name)
            assert code in (0, -signal.SIGKILL)
            assert backup.exists() or code != 0
            if backup.exists():
                assert kept(backup) == known
                backup.unlink()
        assert await gridhook(server, "backup", "last.db") == 0
        assert kept(server.database) == known
    assert kept(tmp_path / "last.db") == known


@pytest.mark.timeout(300 * TIMES)
async def test_a_restore_that_is_killed_leaves_one_of_the_two_whole_and_can_be_run_again(tmp_path: Path) -> None:
    async with serving(tmp_path, VENDOR) as server:
        early = await taken_in(server, range(5))
        assert await gridhook(server, "backup", "early.db") == 0
        for number in range(KILLS * TIMES):
            late = early | await taken_in(server, range(100 + number * 5, 105 + number * 5))
            await server.kill9()
            assert await killed(server, "restore", "early.db") in (0, -signal.SIGKILL)
            if server.database.exists():
                assert kept(server.database) in (early, late)
            else:
                # The moment between two names: the old file is kept, and the next run puts the backup in its place.
                assert late in [kept(old) for old in old_files(tmp_path)]
            assert await gridhook(server, "restore", "early.db") == 0
            assert kept(server.database) == early
            for old in old_files(tmp_path):
                old.unlink()
            await server.start()


def old_files(folder: Path) -> list[Path]:
    """The databases that were set aside."""
    return [file for file in folder.glob("gridhook.db.before-restore-*") if not file.name.endswith(("-wal", "-shm"))]


async def posting(server: Server, known: set[str], first: int) -> None:
    """Posts one after another until the server is gone."""
    number = first
    while True:
        try:
            known.update(await taken_in(server, range(number, number + 1)))
        except httpx.HTTPError:
            return
        number += 1


@pytest.mark.timeout(300 * TIMES)
async def test_a_server_that_is_killed_while_it_reloads_has_all_it_acknowledged(tmp_path: Path) -> None:
    async with serving(tmp_path, VENDOR) as server:
        known: set[str] = set()
        for number in range(KILLS * TIMES):
            wanted = len(known) + 8
            lanes = [posting(server, known, number * 10_000 + lane * 1_000) for lane in range(4)]
            sending = [asyncio.create_task(lane) for lane in lanes]
            await until(lambda wanted=wanted: len(known) >= wanted, "some came in")  # type: ignore[misc]
            server.send(signal.SIGHUP)
            await asyncio.sleep(MOMENTS.uniform(0, 0.1))
            server.send(signal.SIGKILL)
            await asyncio.gather(*sending)
            await server.ended()
            assert known <= kept(server.database)
            await server.start()
