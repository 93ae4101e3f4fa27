from __future__ import annotations

import time
from pathlib import Path

import msgspec

from receiver.pretend.loopback import serve
from support.picks import parents, pick, task_id, vendor_knowing
from support.server import AUTO_HD, JOURNEY, serving, until
from support.slow_sink import SLOW, SlowSink

DELIVERIES = """
    SELECT deliveries.state, deliveries.attempt - deliveries.base
    FROM deliveries JOIN jobs ON jobs.number = deliveries.job
    WHERE lane = 'sink:backend' ORDER BY deliveries.number
"""
FATES = """
    SELECT pick.provider_job_id, jobs.status, deliveries.state FROM jobs JOIN jobs AS pick ON pick.number = jobs.parent
    JOIN deliveries ON deliveries.job = jobs.number AND deliveries.event IS NULL
    ORDER BY jobs.number
"""


async def test_sigterm_ends_in_good_order_while_an_order_and_a_sink_hang(tmp_path: Path) -> None:
    quick, hanging = task_id(1), task_id(2)
    vendor, sink = vendor_knowing(quick, hanging, order_delay=1.5, lose=True), SlowSink()
    async with serve(vendor.app) as at_vendor, serve(sink.app) as at_sink:
        toml = JOURNEY.format(vendor=at_vendor, more="") + SLOW.format(sink=at_sink) + AUTO_HD
        async with serving(tmp_path, toml) as server:
            assert (await server.post("/in/journey", pick(quick))).status_code == 200
            await until(lambda: len(vendor.bills) == 1, "the first order is at the vendor")
            vendor.options = msgspec.structs.replace(vendor.options, order_delay=600.0)
            assert (await server.post("/in/journey", pick(hanging))).status_code == 200
            await until(lambda: len(vendor.bills) == 2 and len(sink.ids) == 2, "everything hangs")
            started = time.monotonic()
            assert await server.sigterm() == 0
            took = time.monotonic() - started
            fates = server.rows(FATES)
            deliveries = server.rows(DELIVERIES)
            sink.open.set()
            await server.start()
            await until(server.calm, "the sink has what it was owed")
            await until(lambda: server.rows(FATES)[0][1] == "completed", "what is open is asked for after a start")
            after = server.rows(FATES)
            delivered = server.rows(DELIVERIES)
    assert took < 8, "the order and the sink have the same time, not one after the other"
    assert fates == [(quick, "queued", "done"), (hanging, "unsure", "done")]
    assert after == [(quick, "completed", "done"), (hanging, "unsure", "done")]
    assert deliveries == [("pending", 0), ("pending", 0)]
    assert delivered == [("done", 1), ("done", 1)]
    assert sorted(sink.ids) == sorted([*sink.ids[:2]] * 2)
    assert parents(vendor) == [quick, hanging]
