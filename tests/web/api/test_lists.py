"""Lists over HTTP: pages, filters, and what stands behind each item."""

from __future__ import annotations

import asyncio
import base64
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from receiver.contracts import Transaction
from receiver.lib import ids
from receiver.model.deliveries import Attempt, Delivery
from receiver.model.events import KeptEvent
from receiver.store.sql import lists
from support.face import ADMIN, GRID, Face, a_face, with_source
from support.records import NOW, a_job
from support.world import Clock

WRONG = (
    *("limit=0", "limit=501", "limit=x", "limit=", "limit=1&limit=2", "cursor=x", "cursor=", "status=odd"),
    *("since=yesterday", "until=", "statuss=done", "tag.=x", "tag=x", "root_id=1", "parent_id=evt_0000000000000"),
    *("%00=1", "source=%00", "tag.%00=1"),
)
LISTS = ("jobs", "events", "requests", "deliveries")


async def refusal(face: Face, path: str) -> str:
    """The words with which a question is refused; it must be a 400 about the query."""
    answer = await face.client.get(f"/api/v1{path}", headers=ADMIN)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_query"), answer.text
    return str(answer.json()["detail"])


def put_job(number: int, tx: Transaction) -> None:
    """Keeps a job with this number."""
    tx.add_job(a_job(number, intent=str(number)))


async def a_history(face: Face, count: int = 5) -> None:
    """So many finished jobs, each with a request, an event and a delivery; a pick of the last one."""
    for number in range(count):
        await face.post({**GRID, "task_id": f"task-{number}"})
    grid = (await face.get("/jobs", limit="1"))["items"][0]["id"]
    await face.api(f"/jobs/{grid}/pick", {"index": 1})


@pytest.mark.parametrize("name", LISTS)
async def test_pages_show_everything_once_newest_first(tmp_path: Path, name: str) -> None:
    async with a_face(tmp_path) as face:
        await a_history(face)
        whole = await face.get(f"/{name}")
        assert whole["next"] is None
        found: list[Any] = []
        cursor: dict[str, str] = {}
        while True:
            page = await face.get(f"/{name}", limit="2", **cursor)
            assert len(page["items"]) <= 2
            found += page["items"]
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}
        assert found == whole["items"]
        shown = [item["id"] for item in found]
        assert shown == sorted(shown, reverse=True)
        assert len(shown) >= 5


async def test_a_page_that_ends_with_the_last_item_has_no_next(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        await a_history(face, 4)
        assert (await face.get("/requests", limit="4"))["next"] is None
        assert (await face.get("/requests", limit="3"))["next"] is not None


@pytest.mark.parametrize("name", LISTS)
async def test_a_page_may_be_empty_though_more_follow(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "LOOK", 2)
    async with a_face(tmp_path, sources=(with_source("other"),)) as face:
        await face.post({**GRID, "task_id": "theirs"}, "/in/other")
        for number in range(3):
            await face.post({**GRID, "task_id": f"task-{number}"})
        first = await face.get(f"/{name}", source="other", limit="2")
        assert first["items"] == []
        second = await face.get(f"/{name}", source="other", limit="2", cursor=first["next"])
        assert (len(second["items"]), second["next"]) == (1, None)


async def test_a_page_has_fifty_items_if_nothing_is_said_and_at_most_five_hundred(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        for number in range(1, 52):
            await face.store.write(partial(put_job, number))
        assert len((await face.get("/jobs"))["items"]) == 50
        assert len((await face.get("/jobs", limit="500"))["items"]) == 51


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("query", WRONG)
async def test_a_wrong_question_is_refused_by_name(tmp_path: Path, name: str, query: str) -> None:
    async with a_face(tmp_path) as face:
        assert query.partition("=")[0].replace("%00", "") in await refusal(face, f"/{name}?{query}")


@pytest.mark.parametrize("query", ["type=job.completed", "sink=team", "job_id=job_0000000000000"])
async def test_a_list_of_jobs_knows_no_filters_of_the_others(tmp_path: Path, query: str) -> None:
    async with a_face(tmp_path) as face:
        await refusal(face, f"/jobs?{query}")


@pytest.mark.parametrize("path", ["/events/evt_0000000000000?a=1", "/jobs/job_0000000000000?wait=1&a=1", "/stream?a=1"])
async def test_what_is_no_list_takes_no_unknown_question_either(tmp_path: Path, path: str) -> None:
    async with a_face(tmp_path) as face:
        assert "'a'" in await refusal(face, path)


# --- filters ---------------------------------------------------------------------------------------------------------

ODD_TAGS = {'a"b': 'c"d', "x.y": "z", "$": "1", "]'--": "';", "ä\\": "ö", "n n": ""}


@pytest.mark.parametrize("tag", list(ODD_TAGS))
@pytest.mark.parametrize("name", LISTS)
async def test_a_tag_of_any_name_finds_its_jobs_and_what_is_about_them(tmp_path: Path, name: str, tag: str) -> None:
    async with a_face(tmp_path) as face:
        job = await face.submit(tags=ODD_TAGS)
        other = await face.submit(tags={tag: "other"})
        for one in (job, other):
            number = ids.read("job", one["id"])
            assert number is not None
            await face.post({**GRID, "task_id": one["id"]}, f"/in/journey/{face.ref(number)}")
        query = {f"tag.{tag}": ODD_TAGS[tag]}
        found = (await face.get(f"/{name}", **query))["items"]
        whose = {"jobs": "id", "events": "subject"}.get(name, "job_id")
        assert {item[whose] for item in found} == {job["id"]}
        assert (await face.get(f"/{name}", **query, **{"tag.not": "there"}))["items"] == []


async def test_each_filter_shows_what_fits_it(tmp_path: Path) -> None:
    clock = Clock()
    async with a_face(tmp_path, sources=(with_source("other"),), clock=clock) as face:
        await face.post(GRID)
        grid = (await face.get("/jobs"))["items"][0]["id"]
        clock.pass_by(60)
        pick = (await face.api(f"/jobs/{grid}/pick", {"index": 1})).json()["id"]
        await face.post({**GRID, "task_id": "theirs", "status": "failed", "error": "no"}, "/in/other")
        theirs = (await face.get("/jobs", source="other"))["items"][0]["id"]
        expected = {
            "status=completed": {grid},
            "status=planned": {pick},
            "source=journey": {grid, pick},
            "source=nobody": set(),
            "action=pick": {pick},
            "provider_job_id=theirs": {theirs},
            f"root_id={grid}": {grid, pick},
            f"root_id={pick}": set(),
            f"parent_id={grid}": {pick},
            f"parent_id={grid}&action=upscale": set(),
            "since=2000-01-01": {grid, pick, theirs},
            "since=9999-12-31T23:59:59Z": set(),
            "until=0001-01-01": set(),
            "until=9999-12-31": {grid, pick, theirs},
        }
        for query, wanted in expected.items():
            found = (await face.get(f"/jobs?{query}"))["items"]
            assert {job["id"] for job in found} == wanted, query
        made = (await face.get(f"/jobs/{pick}"))["created_at"]
        assert {job["id"] for job in (await face.get("/jobs", since=made))["items"]} == {pick, theirs}
        assert {job["id"] for job in (await face.get("/jobs", until=made))["items"]} == {grid}
        assert {one["subject"] for one in (await face.get("/events", type="job.failed"))["items"]} == {theirs}
        assert {one["subject"] for one in (await face.get("/events", job_id=grid))["items"]} == {grid}
        assert {one["job_id"] for one in (await face.get("/deliveries", sink="team"))["items"]} == {grid, theirs}
        assert {one["job_id"] for one in (await face.get("/deliveries", source="other"))["items"]} == {theirs}
        assert {one["job_id"] for one in (await face.get("/deliveries", type="job.failed"))["items"]} == {theirs}
        assert len((await face.get("/requests", job_id=grid))["items"]) == 1
        assert len((await face.get("/requests", provider_job_id="theirs"))["items"]) == 1
        assert len((await face.get("/requests", status="unmapped"))["items"]) == 0


QUERY = st.dictionaries(
    st.sampled_from(["limit", "cursor", "status", "source", "since", "until", "root_id", "tag.a", 'tag."', "x"]),
    st.text(max_size=20)
    | st.sampled_from(["1", "done", "completed", "job_0000000000001", "2026-01-01", "0001-01-01T00:00:00+14:00"])
    | st.datetimes().map(str),
    max_size=3,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(queries=st.lists(st.tuples(st.sampled_from(LISTS), QUERY), min_size=5, max_size=20))
def test_no_question_whatever_breaks_a_list(tmp_path_factory: pytest.TempPathFactory, queries: Any) -> None:
    async def run() -> None:
        async with a_face(tmp_path_factory.mktemp("any")) as face:
            await face.post(GRID)
            for name, query in queries:
                answer = await face.client.get(f"/api/v1/{name}", params=query, headers=ADMIN)
                assert answer.status_code in (200, 400), answer.text

    asyncio.run(run())


# --- items -----------------------------------------------------------------------------------------------------------


async def test_an_event_is_the_cloud_event_as_sinks_get_it(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        await face.post(GRID)
        (event,) = (await face.get("/events"))["items"]
        assert (event["specversion"], event["type"], event["source"]) == ("1.0", "job.completed", "gridhook/journey")
        assert event["data"] == (await face.get("/jobs"))["items"][0]
        number = ids.read("evt", event["id"]) or 0
        kept = await face.store.read(lambda tx: tx.event(number))
        answer = await face.client.get(f"/api/v1/events/{event['id']}", headers=ADMIN)
        assert answer.content == kept


@pytest.mark.parametrize(
    ("body", "encoding"), [(b'<script>alert("x")</script>', "utf-8"), (b"\xff\x00", "base64"), (b"", "utf-8")]
)
async def test_a_request_is_shown_whole_and_only_as_json(tmp_path: Path, body: bytes, encoding: str) -> None:
    async with a_face(tmp_path) as face:
        request_id = (await face.post(body, headers={"x-webhook-secret": "hook-secret", "x-a": "b"})).json()["request"]
        answer = await face.client.get(f"/api/v1/requests/{request_id}", headers=ADMIN)
        assert answer.headers["content-type"] == "application/json"
        found = answer.json()
        assert (found["id"], found["source"]) == (request_id, "journey")
        assert (found["status"], found["proof"]) == ("unreadable", "secret")
        assert (found["size"], found["encoding"]) == (len(body), encoding)
        shown = found["body"]
        assert (shown.encode() if encoding == "utf-8" else base64.b64decode(shown)) == body
        assert (found["headers"]["x-webhook-secret"], found["headers"]["x-a"]) == ("***", "b")
        (listed,) = (await face.get("/requests"))["items"]
        assert listed == {name: value for name, value in found.items() if name not in ("headers", "body", "encoding")}


async def test_a_delivery_is_shown_with_its_tries(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        await face.post(GRID)
        (listed,) = (await face.get("/deliveries"))["items"]
        number = ids.read("dlv", listed["id"]) or 0
        tried = Attempt(number=1, started_at="2026-11-21T10:00:00.000Z", took_ms=12, outcome="again", status=500)
        await face.store.write(lambda tx: tx.add_attempt(number, tried))
        found = await face.get(f"/deliveries/{listed['id']}")
        (attempt,) = found.pop("attempts")
        assert found == listed
        assert (attempt["outcome"], attempt["status"], attempt["took_ms"]) == ("again", 500, 12)
        assert (listed["kind"], listed["sink"], listed["source"], listed["status"]) == (
            "event",
            "team",
            None,
            "pending",
        )
        (event,) = (await face.get("/events"))["items"]
        assert listed["due_at"] == listed["created_at"] == event["time"]
        assert (listed["event_id"], listed["event_type"]) == (event["id"], "job.completed")


@pytest.mark.parametrize("kind", ["events", "requests", "deliveries"])
@pytest.mark.parametrize("name", ["x", *(f"{kind}_0000000000000" for kind in ("job", "evt", "req", "dlv"))])
async def test_what_is_not_there_is_not_found(tmp_path: Path, kind: str, name: str) -> None:
    async with a_face(tmp_path) as face:
        answer = await face.client.get(f"/api/v1/{kind}/{name}", headers=ADMIN)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


# --- redeliver and reparse -------------------------------------------------------------------------------------------


async def put_delivery(face: Face, **fields: Any) -> None:
    """A delivery with the number 9."""
    values = {"number": 9, "lane": "sink:team", "job": 7, "event": 8, "due_at": NOW, **fields}
    await face.store.write(lambda tx: tx.add_job(a_job(7)))
    await face.store.write(lambda tx: tx.add_delivery(Delivery(**values)))


@pytest.mark.parametrize("state", ["dead", "done", "pending"])
async def test_a_delivery_is_due_again_after_redeliver(tmp_path: Path, state: Any) -> None:
    async with a_face(tmp_path) as face:
        await put_delivery(face, state=state, attempt=8)
        answer = await face.api("/deliveries/dlv_0000000000009/redeliver")
        assert answer.status_code == 202
        assert (answer.json()["status"], answer.json()["attempt"]) == ("pending", 8)


async def test_a_kept_event_is_sent_to_any_sink_there_is(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        await put_delivery(face)
        gone = await face.api("/events/evt_0000000000001/resend", {"sink": "team"})
        assert gone.status_code == 404
        job = a_job(7).job
        told = KeptEvent(number=8, job=7, type="job.completed", key=1000, at=NOW, data=job)
        await face.store.write(lambda tx: tx.add_event(told))
        (event,) = (await face.get("/events"))["items"]
        made = await face.api(f"/events/{event['id']}/resend", {"sink": "team"})
        assert (made.status_code, made.json()["status"], made.json()["sink"]) == (202, "pending", "team")
        assert made.json()["event_id"] == event["id"]
        unknown = await face.api(f"/events/{event['id']}/resend", {"sink": "nowhere"})
        assert (unknown.status_code, unknown.json()["code"]) == (409, "no_such_sink")


async def test_a_dead_letter_that_is_left_waits_for_nobody_until_it_dies_again(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        await put_delivery(face, state="dead")
        answer = await face.api("/deliveries/dlv_0000000000009/leave")
        left = answer.json()
        assert (answer.status_code, left["status"]) == (200, "dead")
        assert left["left_at"] is not None
        assert (await face.api("/deliveries/dlv_0000000000009/leave")).json() == left
        unseen = await face.store.read(lambda tx: (tx.counts().deliveries, tx.dead_letters(10)))
        assert (unseen[0]["dead"], unseen[0]["unseen"], unseen[1]) == (1, 0, [])
        again = await face.api("/deliveries/dlv_0000000000009/redeliver")
        assert again.json()["left_at"] is None
        kept = await face.store.read(lambda tx: tx.delivery(9))
        assert kept is not None
        await face.store.write(lambda tx: tx.put_delivery(msgspec.structs.replace(kept, state="dead")))
        assert [one.number for one in await face.store.read(lambda tx: tx.dead_letters(10))] == [9]


async def test_only_what_was_given_up_is_left(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        await put_delivery(face, state="done")
        done = await face.api("/deliveries/dlv_0000000000009/leave")
        assert (done.status_code, done.json()["code"]) == (409, "not_dead")
        assert (await face.api("/deliveries/dlv_0000000000001/leave")).status_code == 404


async def test_what_is_on_its_way_or_an_order_is_not_redelivered(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        await put_delivery(face, state="running")
        running = await face.api("/deliveries/dlv_0000000000009/redeliver")
        assert (running.status_code, running.json()["code"]) == (409, "running")
        await face.submit()
        (order,) = (await face.get("/deliveries", source="journey", limit="1"))["items"]
        ordered = await face.api(f"/deliveries/{order['id']}/redeliver")
        assert (ordered.status_code, ordered.json()["code"]) == (409, "order")
        assert (await face.api("/deliveries/dlv_0000000000001/redeliver")).status_code == 404


async def test_nothing_is_redelivered_to_a_sink_that_is_gone(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        await put_delivery(face, lane="sink:gone", state="dead")
        answer = await face.api("/deliveries/dlv_0000000000009/redeliver")
        assert (answer.status_code, answer.json()["code"]) == (409, "sink_gone")
        assert (await face.get("/deliveries/dlv_0000000000009"))["status"] == "dead"


async def test_a_request_that_was_not_understood_is_once_the_code_knows_it(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        odd = (await face.post({**GRID, "status": "enchanted"})).json()["request"]
        answer = await face.api(f"/requests/{odd}/reparse")
        assert (answer.status_code, answer.json()["status"]) == (200, "unmapped")
        good = (await face.post(GRID)).json()["request"]
        again = (await face.api(f"/requests/{good}/reparse")).json()
        assert (again["status"], again["events"], again["duplicate"]) == ("mapped", 0, True)
        assert (await face.api("/requests/req_0000000000001/reparse")).status_code == 404


async def test_a_request_of_a_source_that_is_gone_cannot_be_reparsed(tmp_path: Path) -> None:
    async with a_face(tmp_path, sources=(with_source("gone"),)) as face:
        kept = (await face.post(GRID, "/in/gone")).json()["request"]
    async with a_face(tmp_path) as face:
        answer = await face.api(f"/requests/{kept}/reparse")
        assert (answer.status_code, answer.json()["code"]) == (409, "source_gone")
