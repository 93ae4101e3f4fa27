"""What a change would lead to, without it."""

from __future__ import annotations

from pathlib import Path

import pytest

from receiver.contracts import Store
from receiver.errors import NotFound
from receiver.flows.commands import pick, submit
from receiver.model.submissions import Submission
from receiver.views.trial import Consequences, TrialOrder, tried
from support.face import GRID, a_face
from support.records import NOW


async def test_an_order_is_told_and_none_is_kept(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        await face.post(GRID)
        (grid,) = (await face.get("/jobs"))["items"]

        async def change(store: Store) -> object:
            return await store.write(lambda tx: pick(tx, face.setup, grid["id"], 2, "page:admin", NOW))

        found = await tried(face.store, change)
        (order,) = found.orders
        assert isinstance(order, TrialOrder)
        assert (order.source, order.action, order.status) == ("journey", "pick", "planned")
        assert order.cost is not None
        assert len((await face.get("/jobs"))["items"]) == 1
        assert len((await face.get("/deliveries"))["items"]) == 1


async def test_what_a_change_raises_is_raised_and_reading_leads_to_nothing(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        wish = Submission(source="nobody", action="imagine")

        async def wrong(store: Store) -> object:
            return await store.write(lambda tx: submit(tx, face.setup, wish, NOW))

        async def look(store: Store) -> object:
            return await store.read(lambda tx: tx.counts())

        with pytest.raises(NotFound):
            await tried(face.store, wrong)
        assert await tried(face.store, look) == Consequences()
