"""Jobs over HTTP."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from support.face import ADMIN, GRID, Face, a_face, full_disk, with_source
from support.records import a_job
from support.world import PICKED

NOBODY = "job_0000000000000"
GRID_ID = GRID["task_id"]


async def a_grid(face: Face) -> str:
    """The id of a completed grid."""
    await face.post(GRID)
    found = await face.get("/jobs", provider_job_id=str(GRID_ID))
    return str(found["items"][0]["id"])


# --- submit ----------------------------------------------------------------------------------------------------------


async def test_a_submitted_job_is_planned_and_answered_with_202(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        params = {"prompt": "a cat", "version": 7}
        answer = await face.api("/jobs", wish(params=params, tags={"a": "b"}, parent_id=None, then=None))
        assert answer.status_code == 202
        job = answer.json()
        assert answer.headers["location"] == f"/api/v1/jobs/{job['id']}"
        assert (job["status"], job["tags"]) == ("planned", {"a": "b"})
        assert job["params"] == {"prompt": "a cat", "version": "7"}
        assert job["cost"] == {"amount": "4", "unit": "credits", "source": "table"}
        assert await face.get(f"/jobs/{job['id']}") == job
        (delivery,) = (await face.get("/deliveries"))["items"]
        assert (delivery["kind"], delivery["job_id"], delivery["source"]) == ("order", job["id"], "journey")


async def test_the_same_idempotency_key_gives_the_same_job(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        calls = [face.api("/jobs", wish(), **{"idempotency-key": "k-1"}) for _ in range(10)]
        answers = await asyncio.gather(*calls)
        assert {answer.status_code for answer in answers} == {202}
        assert len({answer.json()["id"] for answer in answers}) == 1
        other = await face.api("/jobs", wish(params={"prompt": "a dog"}), **{"idempotency-key": "k-1"})
        assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")
        assert len((await face.get("/deliveries"))["items"]) == 1


async def test_without_a_key_two_orders_are_two_jobs(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        assert (await face.submit())["id"] != (await face.submit())["id"]


def wish(**fields: object) -> dict[str, object]:
    """An order of an imagine, but for what is given."""
    return {"source": "journey", "action": "imagine", "params": {"prompt": "x"}, **fields}


WRONG: list[tuple[str, Any, int, str]] = [
    ("not JSON", b"{", 400, "not_json"),
    ("empty", b"", 400, "not_json"),
    ("deep", b'{"then":' + b"[" * 5000, 400, "not_json"),
    ("a list", [], 400, "invalid_body"),
    ("no source", {"action": "imagine"}, 400, "invalid_body"),
    ("unknown field", wish(sources=1), 400, "invalid_body"),
    ("tag that is no text", wish(tags={"a": 1}), 400, "invalid_body"),
    ("huge number", b'{"source": "journey", "action": "imagine", "params": {"n": 1e999}}', 400, "invalid_body"),
    ("lone surrogate", b'{"source": "\\ud800", "action": "imagine"}', 400, "invalid_body"),
    ("no prompt", wish(params={}), 400, "invalid_params"),
    ("prompt of a kind", wish(action="pan", params={"direction": "up", "prompt": 5}), 400, "invalid_params"),
    ("unknown parameter", wish(params={"prompt": "x", "promt": "y"}), 400, "invalid_params"),
    ("unknown parameter in a chain", wish(then={"action": "pick", "index": 1, "indx": 2}), 400, "invalid_params"),
    ("extra that is no table", wish(extra=5), 400, "invalid_body"),
    ("extra of a chain that is no table", wish(then={"action": "reroll", "extra": 5}), 400, "invalid_params"),
    ("unknown source", wish(source="nobody"), 404, "not_found"),
    ("unknown parent", wish(action="reroll", parent_id=NOBODY), 404, "not_found"),
    ("parent that is no id", wish(action="reroll", parent_id="'; --"), 404, "not_found"),
    ("action it has not", wish(action="zoom", params={"factor": 2}), 409, "unsupported"),
    ("a follow-up without parent", wish(action="reroll"), 409, "unsupported"),
    ("chain to no source", wish(then={"action": "pick", "index": 1, "source": {"a": 1}}), 400, "invalid_params"),
    ("chain without an action", wish(then=[5]), 400, "invalid_params"),
]


@pytest.mark.parametrize(("body", "status", "code"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
async def test_a_wrong_order_is_refused_and_plans_nothing(tmp_path: Path, body: Any, status: int, code: str) -> None:
    async with a_face(tmp_path) as face:
        answer = await face.api("/jobs", body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert (await face.get("/jobs"))["items"] == []


async def test_every_wrong_parameter_of_an_order_is_told_with_what_was_meant(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        answer = await face.api("/jobs", wish(action="upscale", params={"knd": "2x", "kind": "9x", "index": 7}))
        detail = answer.json()["detail"]
        assert "index must be 1, 2, 3 or 4" in detail
        assert "kind must be one of" in detail
        assert "upscale at journey has no parameter 'knd': did you mean \"kind\"?" in detail
        assert "goes into extra" in detail


@pytest.mark.parametrize(
    ("written", "where", "meant"),
    [("knd", "upscale", "kind"), ("sorce", "upscale", "source"), ("extras", "pick", "extra")],
)
async def test_unknown_parameters_in_a_chain_are_told_too(tmp_path: Path, written: str, where: str, meant: str) -> None:
    upscale = {"action": "upscale", "kind": "2x"}
    pick = {"action": "pick", "index": 1, "then": [upscale]}
    (upscale if where == "upscale" else pick)[written] = "x"
    async with a_face(tmp_path) as face:
        answer = await face.api("/jobs", wish(then=pick))
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_params")
        told = f"{where} at journey has no parameter '{written}': did you mean \"{meant}\"?"
        assert told in answer.json()["detail"]
        assert (await face.get("/jobs"))["items"] == []


async def test_many_unknown_parameters_make_no_long_answer(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        answer = await face.api("/jobs", wish(params={"prompt": "x", **{f"n{n}": n for n in range(99)}}))
        assert answer.status_code == 400
        assert "nor 94 others" in answer.json()["detail"]
        assert len(answer.content) < 1500


async def test_the_same_key_means_the_same_order_only_with_the_same_extra(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        first, again, without = [
            await face.api("/jobs", wish(**more), **{"idempotency-key": "k"})
            for more in ({"extra": {"seed": 7}}, {"extra": {"seed": 7}}, {})
        ]
        assert first.json()["id"] == again.json()["id"]
        assert without.status_code == 409


async def test_a_mistake_in_the_body_is_told_with_its_place(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        answer = await face.api("/jobs", {"source": "journey", "action": 5})
        assert "$.action" in answer.json()["detail"]


@pytest.mark.parametrize("key", ["", "k" * 256])
async def test_an_idempotency_key_has_a_sane_length(tmp_path: Path, key: str) -> None:
    async with a_face(tmp_path) as face:
        answer = await face.api("/jobs", wish(), **{"idempotency-key": key})
        assert (answer.status_code, answer.json()["code"]) == (400, "out_of_bounds")


async def test_a_source_without_a_key_takes_no_orders(tmp_path: Path) -> None:
    async with a_face(tmp_path, sources=(with_source("silent", api_key=None),)) as face:
        answer = await face.api("/jobs", wish(source="silent"))
        assert (answer.status_code, answer.json()["code"]) == (409, "no_api_key")


async def test_a_mask_of_twelve_megabytes_is_taken_and_seventeen_are_not(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        await a_grid(face)
        await face.post(PICKED)
        parent = (await face.get("/jobs", provider_job_id=PICKED["task_id"]))["items"][0]["id"]
        masks = [{"mask": "A" * size} for size in (12_000_000, 17_000_000)]
        taken, too_large = [
            await face.api("/jobs", wish(action="inpaint", parent_id=parent, params=mask)) for mask in masks
        ]
        assert taken.status_code == 202
        assert (too_large.status_code, too_large.json()["code"]) == (413, "too_large")


async def test_when_it_cannot_be_kept_the_caller_is_asked_to_come_again(tmp_path: Path, on_sqlite: None) -> None:
    async with a_face(tmp_path) as face:
        with full_disk():
            answer = await face.api("/jobs", wish())
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert "retry-after" in answer.headers
        assert (await face.get("/jobs"))["items"] == []


# --- pick ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("index", [2, "2"])
async def test_a_pick_is_answered_with_the_planned_job(tmp_path: Path, index: object) -> None:
    async with a_face(tmp_path) as face:
        grid = await a_grid(face)
        answer = await face.api(f"/jobs/{grid}/pick", {"index": index})
        assert answer.status_code == 202
        job = answer.json()
        assert (job["action"], job["params"], job["status"]) == ("pick", {"index": 2}, "planned")
        assert job["parent_id"] == grid


async def test_the_same_pick_twice_is_one_job_and_another_tile_is_another(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        grid = await a_grid(face)
        calls = [face.api(f"/jobs/{grid}/pick", {"index": index}) for index in (2, 2, 2, 3)]
        found = [answer.json()["id"] for answer in await asyncio.gather(*calls)]
        assert len(set(found)) == 2
        assert len((await face.get("/jobs", parent_id=grid))["items"]) == 2


@pytest.mark.parametrize("body", [*({"index": index} for index in (0, 5, True, None, [1], "x")), {}, 2, {"i": 1}])
async def test_a_tile_is_one_of_four(tmp_path: Path, body: object) -> None:
    async with a_face(tmp_path) as face:
        grid = await a_grid(face)
        assert (await face.api(f"/jobs/{grid}/pick", body)).status_code == 400


async def test_only_a_completed_grid_can_be_picked_from(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        await face.post({**GRID, "status": "processing"})
        running = (await face.get("/jobs"))["items"][0]["id"]
        answer = await face.api(f"/jobs/{running}/pick", {"index": 1})
        assert (answer.status_code, answer.json()["code"]) == (409, "parent_not_completed")
        assert (await face.api(f"/jobs/{NOBODY}/pick", {"index": 1})).status_code == 404
        grid = await a_grid(face)
        picked = (await face.api(f"/jobs/{grid}/pick", {"index": 1})).json()["id"]
        assert (await face.api(f"/jobs/{picked}/pick", {"index": 1})).status_code == 409


# --- look and wait ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("job_id", [NOBODY, "job_", "x", "evt_0000000000000", "job_zzzzzzzzzzzzz", "%00", "%F0%9F%8E"])
async def test_an_unknown_job_is_not_found(tmp_path: Path, job_id: str) -> None:
    async with a_face(tmp_path) as face:
        answer = await face.client.get(f"/api/v1/jobs/{job_id}", headers=ADMIN)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("status", ["completed", "failed", "canceled", "held", "unsure"])
async def test_waiting_for_a_job_at_rest_is_answered_at_once(tmp_path: Path, status: Any) -> None:
    async with a_face(tmp_path) as face:
        await face.store.write(lambda tx: tx.add_job(a_job(7, status=status)))
        async with asyncio.timeout(10):
            assert (await face.get("/jobs/job_0000000000007", wait="60"))["status"] == status


async def test_waiting_ends_as_soon_as_the_job_does(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        await face.post({**GRID, "status": "processing"})
        job_id = (await face.get("/jobs"))["items"][0]["id"]
        waiting = [asyncio.create_task(face.get(f"/jobs/{job_id}", wait="60")) for _ in range(5)]
        await face.post({**GRID, "status": "processing", "percentage": "50"})
        assert not any(task.done() for task in waiting)
        await face.post(GRID)
        async with asyncio.timeout(10):
            assert {(await task)["status"] for task in waiting} == {"completed"}


async def test_waiting_ends_with_what_the_job_is_then(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        await face.post({**GRID, "status": "processing"})
        job_id = (await face.get("/jobs"))["items"][0]["id"]
        assert (await face.get(f"/jobs/{job_id}", wait="1"))["status"] == "running"
        assert (await face.get(f"/jobs/{job_id}", wait="0"))["status"] == "running"


async def test_waiting_ends_at_shutdown(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        await face.post({**GRID, "status": "processing"})
        job_id = (await face.get("/jobs"))["items"][0]["id"]
        waiting = asyncio.create_task(face.get(f"/jobs/{job_id}", wait="60"))
        face.app.state.stopping.set()
        async with asyncio.timeout(10):
            assert (await waiting)["status"] == "running"


@pytest.mark.parametrize("wait", ["-1", "x", "1.5", "1e3", "", "²", "9" * 5000])
async def test_a_wait_is_a_number_of_seconds(tmp_path: Path, wait: str) -> None:
    async with a_face(tmp_path) as face:
        answer = await face.client.get(f"/api/v1/jobs/{NOBODY}", params={"wait": wait}, headers=ADMIN)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_query")


async def test_an_order_reads_no_query(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        answer = await face.client.post("/api/v1/jobs?dry=1", content=json.dumps({}), headers=ADMIN)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_query")
        assert "dry" in answer.json()["detail"]
