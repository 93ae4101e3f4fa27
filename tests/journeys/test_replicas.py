"""Three replicas on one PostgreSQL: one is stopped past its leases, one is killed, and the database crashes."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.postgres import running_server
from support.replica_load import ReplicaPlan
from support.replicas import PRICE, replicas_on

PLAN = ReplicaPlan(events=240, lasts_s=13.0)


@pytest.mark.timeout(300)
async def test_replicas_keep_and_tell_everything_and_pay_for_nothing_twice(tmp_path: Path) -> None:
    with running_server() as server:
        async with replicas_on(server, server.address(), tmp_path, PLAN) as (run, vendor, sink):
            await run.happen()
            found = await run.outcome(vendor, sink)
        assert "deadlock detected" not in server.log()
    assert (found.acknowledged, found.missing) == (PLAN.events, 0)
    assert (found.untold, found.unknown) == (0, 0)
    assert found.ordered_twice == 0
    assert found.budget - found.unsure * PRICE <= found.spent <= found.budget
