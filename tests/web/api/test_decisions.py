"""A person's word on a job, over HTTP: resolve and cancel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from receiver.contracts import Transaction
from receiver.lib import ids
from receiver.lib.times import stamp
from receiver.model.jobs import Job
from support.face import ADMIN, GRID, Face, a_face
from support.questions import asking
from support.records import NOW
from support.unsure import lose_the_answer

NOBODY = "job_0000000000000"


async def unsure(face: Face) -> str:
    """The id of a job whose order was sent and whose answer was lost."""
    await face.submit()

    def work(tx: Transaction) -> Job:
        return lose_the_answer(tx, face.setup, "journey", NOW)

    return (await face.store.write(work)).id


def a_folder(within: Path, name: str) -> Path:
    """A new folder."""
    (within / name).mkdir()
    return within / name


async def running(face: Face) -> str:
    """The id of a job that its vendor works on."""
    job = await face.submit()

    def work(tx: Transaction) -> None:
        kept = tx.job(ids.read("job", job["id"]) or 0)
        assert kept is not None
        said = msgspec.structs.replace(kept.job, status="running", provider_job_id="task-1")
        tx.put_job(msgspec.structs.replace(kept, job=said))

    await face.store.write(work)
    return str(job["id"])


async def resolve(face: Face, job: str, decision: object) -> httpx.Response:
    """The answer to a decision."""
    return await face.api(f"/jobs/{job}/resolve", {"decision": decision})


async def statuses(face: Face) -> list[str]:
    """Of all jobs."""
    return [job["status"] for job in (await face.get("/jobs"))["items"]]


async def test_an_unsure_job_is_sent_again_by_a_persons_word(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        job = await unsure(face)
        answer = await resolve(face, job, "send")
        assert (answer.status_code, answer.json()["status"]) == (202, "planned")
        assert answer.headers["location"] == f"/api/v1/jobs/{job}"
        orders = [one for one in (await face.get("/deliveries"))["items"] if one["kind"] == "order"]
        assert [(order["job_id"], order["status"]) for order in orders] == [(job, "pending")]
        assert (await face.get("/costs"))["total"][0]["reserved"] == "8"


async def test_an_unsure_job_says_why_how_often_it_was_asked_and_when_next(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        job = await unsure(face)
        found = await face.get(f"/jobs/{job}")
        assert found.pop("checks") == {"asked": 0, "next_at": None}
        why = "it is not known whether journey took the order: the answer was lost"
        assert (found["error"]["code"], found["error"]["message"]) == ("provider_timeout", why)
        assert found["error"]["retryable"] is False
        (event,) = (await face.get("/events", type="job.unsure"))["items"]
        assert event["data"] == found == (await face.get("/jobs"))["items"][0]

        def asked_twice(tx: Transaction) -> None:
            kept = tx.job(ids.read("job", job) or 0)
            assert kept is not None
            tx.put_job(msgspec.structs.replace(kept, missed_checks=2, check_at=NOW + 1000))

        await face.store.write(asked_twice)
        checks = (await face.get(f"/jobs/{job}"))["checks"]
        assert checks == {"asked": 2, "next_at": stamp(NOW + 1000)}


async def test_what_is_settled_says_no_more_why_it_was_unsure(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        again = await unsure(face)
        assert (await resolve(face, again, "send")).json()["error"] is None
    async with a_face(a_folder(tmp_path, "other")) as face:
        job = await unsure(face)
        path = f"/in/journey/{face.ref(ids.read('job', job) or 0)}"
        for status in ("processing", "finished"):
            assert (await face.post({**GRID, "status": status}, path)).status_code == 200
            found = await face.get(f"/jobs/{job}")
            assert found["error"] is None
            assert "checks" not in found
    async with a_face(a_folder(tmp_path, "third")) as face:
        job = await unsure(face)
        path = f"/in/journey/{face.ref(ids.read('job', job) or 0)}"
        await face.post({"task_id": GRID["task_id"], "task_type": "imagine", "status": "failed"}, path)
        assert "not known whether" not in (await face.get(f"/jobs/{job}"))["error"]["message"]


async def test_an_unsure_job_is_given_up_by_a_persons_word(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        answer = await resolve(face, await unsure(face), "give-up")
        assert (answer.status_code, answer.json()["status"]) == (202, "failed")
        assert answer.json()["error"]["message"] == "given up by a person"
        (event,) = (await face.get("/events", type="job.failed"))["items"]
        assert event["data"] == answer.json()


async def test_a_job_that_its_vendor_works_on_can_be_checked(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        job = await running(face)
        answer = await resolve(face, job, "check")
        assert (answer.status_code, answer.json()["status"]) == (202, "running")
        due = await face.store.read(lambda tx: tx.due_checks("journey", NOW, 10))
        assert [kept.job.id for kept in due] == [job]


async def test_a_job_that_is_not_ordered_yet_is_canceled(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        job = (await face.submit())["id"]
        answer = await face.api(f"/jobs/{job}/cancel")
        assert (answer.status_code, answer.json()["status"]) == (202, "canceled")
        assert answer.headers["location"] == f"/api/v1/jobs/{job}"
        again = await face.api(f"/jobs/{job}/cancel")
        assert (again.status_code, again.json()["code"]) == (409, "not_open")
        assert (await face.get("/costs"))["total"][0]["released"] == "4"


REFUSED: list[tuple[str, Any, int, str]] = [
    ("unknown decision", {"decision": "resend"}, 400, "invalid_body"),
    ("no decision", {}, 400, "invalid_body"),
    ("more than a decision", {"decision": "check", "force": True}, 400, "invalid_body"),
    ("no JSON", b"check", 400, "not_json"),
    ("too large", b" " * 5000, 413, "too_large"),
    ("cannot be asked", {"decision": "check"}, 409, "cannot_ask"),
]


@pytest.mark.parametrize(("body", "status", "code"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
async def test_a_wrong_decision_is_refused_and_changes_nothing(
    tmp_path: Path, body: Any, status: int, code: str
) -> None:
    async with a_face(tmp_path) as face:
        job = await unsure(face)
        answer = await face.api(f"/jobs/{job}/resolve", body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
        assert await statuses(face) == ["unsure"]


@pytest.mark.parametrize("decision", ["check", "send", "give-up"])
async def test_a_finished_job_needs_no_decision(tmp_path: Path, decision: str) -> None:
    async with a_face(tmp_path) as face:
        job = (await face.submit())["id"]
        await face.api(f"/jobs/{job}/cancel")
        answer = await resolve(face, job, decision)
        assert (answer.status_code, answer.json()["code"]) == (409, "not_waiting" if decision == "send" else "not_open")


async def test_a_vendor_that_cannot_stop_a_job_is_told_of(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        answer = await face.api(f"/jobs/{await running(face)}/cancel")
        assert (answer.status_code, answer.json()["code"]) == (409, "cannot_cancel")


async def test_what_is_not_there_cannot_be_decided(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        for answer in (await resolve(face, NOBODY, "send"), await face.api("/jobs/x/cancel")):
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert (await face.client.post(f"/api/v1/jobs/{NOBODY}/cancel")).status_code == 401


async def test_what_waits_for_a_person_is_counted_for_prometheus(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        await unsure(face)
        text = (await face.client.get("/metrics", headers=ADMIN)).text
        assert 'gridhook_jobs_open{source="journey",status="unsure"} 1.0' in text


async def test_a_question_is_answered_once_through_the_api(tmp_path: Path) -> None:
    async with a_face(tmp_path, rules=(asking(),)) as face:
        await face.post(GRID)
        question, grid = (await face.get("/jobs"))["items"]
        assert (question["status"], question["params"], question["decided_by"]) == ("held", {}, None)
        first = await face.api(f"/jobs/{grid['id']}/pick", {"index": 2})
        again = await face.api(f"/jobs/{question['id']}/pick", {"index": "2"})
        assert [(one.status_code, one.json()["id"]) for one in (first, again)] == [(202, question["id"])] * 2
        assert first.json()["decided_by"] == "api"
        late = await face.api(f"/jobs/{question['id']}/pick", {"index": 3})
        assert (late.status_code, late.json()["code"]) == (409, "already_answered")
        further = await face.api(f"/jobs/{grid['id']}/pick", {"index": 3})
        assert (further.status_code, further.json()["id"] == question["id"]) == (202, False)
        assert (await face.get(f"/jobs/{question['id']}"))["decided_by"] == "api"


async def test_a_question_that_is_canceled_takes_no_answer(tmp_path: Path) -> None:
    async with a_face(tmp_path, rules=(asking(),)) as face:
        await face.post(GRID)
        question = (await face.get("/jobs"))["items"][0]
        assert (await face.api(f"/jobs/{question['id']}/cancel")).json()["status"] == "canceled"
        late = await face.api(f"/jobs/{question['id']}/pick", {"index": 3})
        assert (late.status_code, late.json()["code"]) == (409, "question_over")
