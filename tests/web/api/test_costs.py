"""Costs over HTTP."""

from __future__ import annotations

from pathlib import Path

import jsonschema_rs
import pytest

from receiver.contracts import Breaker
from receiver.views.schemas import schemas
from support.face import ADMIN, a_face
from support.records import NOW


async def test_costs_are_told_in_the_published_shape(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        await face.submit()
        breaker = Breaker(source="journey", code="auth", note="no", since=NOW, probe_at=NOW + 1, failures=1)
        await face.store.write(lambda tx: tx.put_breaker(breaker))
        found = await face.get("/costs")
        jsonschema_rs.validate(schemas()["Costs"], found)
        line = {
            "unit": "credits",
            "source": "journey",
            "spent": "0",
            "reserved": "4",
            "released": "0",
            "unknown": 0,
            "jobs": 1,
        }
        assert found["by_source"] == [{"name": "journey", **line}]
        assert found["by_rule"] == [{"name": None, **line}]
        assert found["by_day"] == [{"name": "2026-11-18", **line}]
        assert found["since"] == "2026-11-01T00:00:00.000Z"
        assert [stopped["source"] for stopped in found["stopped"]] == ["journey"]


async def test_a_span_can_be_asked_for(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        await face.submit()
        assert (await face.get("/costs", until="2026-11-18"))["total"] == []
        assert (await face.get("/costs", since="2026-11-18"))["total"][0]["jobs"] == 1
        long_ago = await face.get("/costs", since="0001-01-01T00:00:00Z", until="9999-12-31")
        assert (long_ago["since"], long_ago["total"][0]["jobs"]) == ("1970-01-01T00:00:00.000Z", 1)


@pytest.mark.parametrize("query", ["since=yesterday", "until=", "since=2026-01-01&since=2026-01-02", "source=journey"])
async def test_what_cannot_be_asked_is_refused(tmp_path: Path, query: str) -> None:
    async with a_face(tmp_path) as face:
        answer = await face.client.get(f"/api/v1/costs?{query}", headers=ADMIN)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_query")
        assert (await face.client.get("/api/v1/costs")).status_code == 401
