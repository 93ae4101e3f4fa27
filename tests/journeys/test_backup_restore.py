"""Backups under load, killed in the middle, and put back: all is in them, and nothing is paid twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from bench.measures import past
from cli.parts import GRID, configured, running, webhook
from receiver.lib import ids
from receiver.pretend.loopback import serve
from receiver.store.sqlite.files.copying import DRAFT
from support.picks import parents, pick, task_id, vendor_knowing
from support.server import AUTO_HD, JOURNEY, Server, read, serving, until

WEBHOOKS = 400
BACKUPS = 3


async def gridhook(server: Server, *arguments: str) -> int:
    """Runs a command on the server's configuration; returns its exit code."""
    return await (await server.spawn(*arguments)).wait()


async def load(server: Server, taken: list[str], ended: asyncio.Event) -> None:
    """Posts new picks one after another until it is ended."""
    while not ended.is_set():
        answer = await server.post("/in/journey", pick(task_id(1_000 + len(taken))))
        assert answer.status_code == 200
        taken.append(answer.json()["request"])


@pytest.mark.timeout(120)
async def test_a_backup_under_load_holds_all_that_was_acknowledged_before_it(tmp_path: Path) -> None:
    async with serving(tmp_path, JOURNEY.format(vendor="http://127.0.0.1:9", more="")) as server:
        taken: list[str] = []
        ended = asyncio.Event()
        posting = asyncio.create_task(load(server, taken, ended))
        before: list[set[str]] = []
        for number in range(BACKUPS):
            await until(lambda: len(taken) > 20 * len(before), "some came in")
            before.append(set(taken))
            assert await gridhook(server, "backup", f"backup-{number}.db") == 0
        ended.set()
        await posting
        assert len(taken) > len(before[-1])
    for number, known in enumerate(before):
        backup = tmp_path / f"backup-{number}.db"
        assert read(backup, "PRAGMA integrity_check") == [("ok",)]
        assert known <= {ids.show("req", row[0]) for row in read(backup, "SELECT number FROM requests")}
        assert backup.stat().st_mode & 0o777 == 0o600


def test_a_backup_that_is_killed_leaves_no_half_file_under_its_name(tmp_path: Path) -> None:
    configured(tmp_path)
    webhook(tmp_path, GRID)
    database = tmp_path / "gridhook.db"
    past.fill(database, past.stencil(database), 20_000, lambda _: None)
    with running(tmp_path, "backup", "backup.db") as process:
        while not list(tmp_path.glob(DRAFT.format("*"))):
            assert process.poll() is None
        process.kill()
        process.wait()
    assert not (tmp_path / "backup.db").exists(), "it was not killed in the middle"
    with running(tmp_path, "backup", "backup.db") as process:
        assert process.wait() == 0
    assert not list(tmp_path.glob(DRAFT.format("*")))
    assert read(tmp_path / "backup.db", "SELECT count(*) FROM jobs") == [(20_001,)]


@pytest.mark.timeout(120)
async def test_after_a_restore_nothing_is_paid_twice_that_waited_when_the_backup_was_made(tmp_path: Path) -> None:
    tasks = [task_id(number) for number in range(30)]
    vendor = vendor_knowing(*tasks, order_delay=0.05, lose=True)
    async with (
        serve(vendor.app) as at_vendor,
        serving(tmp_path, JOURNEY.format(vendor=at_vendor, more="concurrency = 40") + AUTO_HD) as server,
    ):
        answers = await asyncio.gather(*(server.post("/in/journey", pick(task)) for task in tasks))
        assert {answer.status_code for answer in answers} == {200}
        assert await gridhook(server, "backup", "backup.db") == 0
        await until(server.calm, "all orders are out")
        assert await gridhook(server, "restore", "backup.db") == 1, "it is refused beside the running server"
        await server.kill9()
        assert await gridhook(server, "restore", "backup.db") == 0
        await server.start()
        await until(server.calm, "nothing is on its way")
        waiting = dict(server.rows("SELECT status, count(*) FROM jobs WHERE action = 'upscale' GROUP BY 1"))
    assert max(Counter(parents(vendor)).values()) == 1
    assert "planned" not in waiting
    assert sum(waiting.values()) == len(tasks)
