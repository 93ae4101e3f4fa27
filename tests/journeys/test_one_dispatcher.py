from __future__ import annotations

from pathlib import Path

from receiver.pretend.loopback import serve
from support.picks import parents, pick, task_id, vendor_knowing
from support.server import AUTO_HD, JOURNEY, serving, until


async def test_a_second_dispatcher_on_the_same_file_is_refused_with_a_clear_word(tmp_path: Path) -> None:
    task = task_id(1)
    vendor = vendor_knowing(task)
    async with (
        serve(vendor.app) as at_vendor,
        serving(tmp_path, JOURNEY.format(vendor=at_vendor, more="") + AUTO_HD) as server,
    ):
        second = await server.spawn("serve", "--port", "0")
        code = await second.wait()
        log = server.log.read_text()
        assert (await server.post("/in/journey", pick(task))).status_code == 200
        await until(server.calm, "the first one still dispatches")
        pid = server.pid
    assert code == 1
    assert f"another gridhook process (pid {pid}) dispatches from {server.database}" in log
    assert "Traceback" not in log
    assert parents(vendor) == [task]
