"""What holds for the whole HTTP face: addresses, headers, health, numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from structlog.testing import capture_logs

from support.face import ADMIN, GRID, Face, a_face, full_disk
from support.world import Clock

ADDRESSES = ("/", "/healthz", "/readyz", "/metrics", "/nothing", "/in/journey", "/api/v1/jobs", "/api/v1/nothing")


@pytest.mark.parametrize("path", ADDRESSES)
async def test_every_answer_forbids_guessing_its_type_and_keeping_it(tmp_path: Path, path: str) -> None:
    async with a_face(tmp_path) as face:
        answer = await face.client.get(path, headers=ADMIN)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in answer.headers
        assert not answer.is_redirect


@pytest.mark.parametrize("path", ["/nothing", "/api/v1/nothing", "/api/v1/", "/api/v1/jobs/", "/healthz/", "/api/v2"])
async def test_an_unknown_address_is_a_problem_document(tmp_path: Path, path: str) -> None:
    async with a_face(tmp_path) as face:
        answer = await face.client.get(path, headers=ADMIN)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/api/v1/jobs", {"GET", "HEAD", "POST"}),
        ("POST", "/healthz", {"GET", "HEAD"}),
        ("GET", "/api/v1/jobs/x/pick", {"POST"}),
        ("POST", "/", {"GET", "HEAD"}),
        ("BREW", "/metrics", {"GET", "HEAD"}),
    ],
)
async def test_a_wrong_method_is_told_the_right_ones(tmp_path: Path, method: str, path: str, allowed: set[str]) -> None:
    async with a_face(tmp_path) as face:
        answer = await face.client.request(method, path, headers=ADMIN)
        assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
        assert set(answer.headers["allow"].split(", ")) == allowed


async def test_a_fault_of_ours_is_answered_without_details_and_logged(tmp_path: Path) -> None:
    async def broken(_request: Request) -> Response:
        raise RuntimeError("the password is swordfish")

    async with a_face(tmp_path) as face:
        face.app.router.routes.append(Route("/broken", broken))
        with capture_logs() as lines:
            answer = await face.client.get("/broken")
        assert (answer.status_code, answer.json()["code"]) == (500, "internal")
        assert "swordfish" not in answer.text
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert [line["event"] for line in lines] == ["web.broke"]


async def test_a_websocket_is_turned_away(tmp_path: Path) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async with a_face(tmp_path) as face:
        scope = {"type": "websocket", "path": "/in/journey", "headers": [], "query_string": b""}
        await face.app(scope, receive, send)
    assert [message["type"] for message in sent] == ["websocket.close"]


async def test_it_is_alive_and_ready(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        assert (await face.client.get("/healthz")).json() == {"status": "alive"}
        assert (await face.client.get("/readyz")).json() == {"status": "ready"}


async def test_with_a_full_disk_it_is_alive_but_not_ready_until_there_is_room(tmp_path: Path) -> None:
    clock = Clock()
    async with a_face(tmp_path, clock=clock) as face:
        with full_disk():
            answer = await face.client.get("/readyz")
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
            assert "retry-after" in answer.headers
            assert (await face.client.get("/healthz")).status_code == 200
        clock.pass_by(1)
        assert (await face.client.get("/readyz")).status_code == 200


async def test_asking_often_whether_it_is_ready_does_not_write_often(tmp_path: Path) -> None:
    clock = Clock()
    async with a_face(tmp_path, clock=clock) as face:
        await face.client.get("/readyz")
        size = (tmp_path / "a.db-wal").stat().st_size
        for _ in range(20):
            await face.client.get("/readyz")
        assert (tmp_path / "a.db-wal").stat().st_size == size
        clock.pass_by(1)
        await face.client.get("/readyz")
        assert (tmp_path / "a.db-wal").stat().st_size > size


def numbers(answer: httpx.Response) -> dict[str, float]:
    """The samples of a text in Prometheus's format."""
    lines = [line for line in answer.text.splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


async def test_the_numbers_tell_of_requests_deliveries_and_jobs(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        await face.post(GRID)
        await face.post(GRID)
        await face.post(b"nonsense")
        await face.post(GRID, headers={})
        await face.post(GRID, "/in/someone-else")
        await face.submit()
        found = numbers(await face.client.get("/metrics", headers=ADMIN))
        outcomes = {"mapped": 1, "duplicate": 1, "unreadable": 1, "not_verified": 1}
        for outcome, count in outcomes.items():
            assert found[f'gridhook_requests_total{{outcome="{outcome}",source="journey"}}'] == count
        assert found['gridhook_requests_total{outcome="no_such_source",source=""}'] == 1
        assert found['gridhook_deliveries{status="pending"}'] == 2
        assert found['gridhook_deliveries{status="dead"}'] == 0
        assert found['gridhook_jobs_open{source="journey",status="planned"}'] == 1
        assert found["gridhook_store_up"] == 1
        assert found["gridhook_wal_bytes"] == (tmp_path / "a.db-wal").stat().st_size > 0


async def test_looking_at_the_numbers_changes_none(tmp_path: Path) -> None:
    name = 'gridhook_requests_total{outcome="not_verified",source="journey"}'
    async with a_face(tmp_path) as face:
        for wanted in (1, 2):
            await face.post(GRID, headers={})
            assert numbers(await face.client.get("/metrics", headers=ADMIN))[name] == wanted
            assert numbers(await face.client.get("/metrics", headers=ADMIN))[name] == wanted


async def test_what_a_stranger_sends_makes_no_new_label(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        names = set(numbers(await face.client.get("/metrics", headers=ADMIN)))
        for number in range(20):
            await face.post(GRID, f"/in/stranger-{number}")
            await face.client.request(f"M{number}", "/in/journey")
        found = numbers(await face.client.get("/metrics", headers=ADMIN))
        new = {name for name in set(found) - names if name.startswith("gridhook_requests_total")}
        assert new == {
            'gridhook_requests_total{outcome="no_such_source",source=""}',
            'gridhook_requests_total{outcome="method_not_allowed",source="journey"}',
        }


async def test_two_applications_count_apart(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    async with a_face(tmp_path / "one") as one, a_face(tmp_path / "two") as two:
        await one.post(GRID)
        found = numbers(await two.client.get("/metrics", headers=ADMIN))
        assert {count for name, count in found.items() if "requests_total" in name} == {0}


async def closed(face: Face, headers: Any) -> str:
    """The code with which the API turns somebody away."""
    answer = await face.client.get("/api/v1/jobs", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    return str(json.loads(answer.text)["code"])


WRONG: dict[str, Any] = {
    "none": {},
    "empty": {"authorization": ""},
    "no token": {"authorization": "Bearer "},
    "other": {"authorization": "Bearer wrong"},
    "basic": {"authorization": "Basic an-admin-token-of-some-length"},
    "bare": {"authorization": "an-admin-token-of-some-length"},
    "not ascii": [(b"authorization", b"Bearer \xff\xfe")],
    "two": [(b"authorization", b"Bearer wrong"), (b"authorization", b"Bearer an-admin-token-of-some-length")],
}


@pytest.mark.parametrize("headers", WRONG.values(), ids=WRONG.keys())
async def test_without_the_admin_token_the_api_is_closed(tmp_path: Path, headers: Any) -> None:
    async with a_face(tmp_path) as face:
        assert await closed(face, headers) == "unauthorized"


async def test_a_stranger_learns_of_no_address(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        for path in ("/api/v1/nothing", "/api/v1/jobs/job_1", "/api/v1/openapi.json/x", "/api/v1/stream"):
            assert (await face.client.get(path)).status_code == 401


async def test_where_no_token_is_configured_the_api_is_closed_and_says_why(tmp_path: Path) -> None:
    async with a_face(tmp_path, token=None) as face:
        for headers in ({}, {"authorization": "Bearer "}, ADMIN):
            assert await closed(face, headers) == "no_admin_token"
        assert "admin_token" in (await face.client.get("/api/v1/jobs")).json()["detail"]


async def test_a_token_beyond_ascii_works(tmp_path: Path) -> None:
    async with a_face(tmp_path, token="schlüssel-zum-glück") as face:
        headers = [(b"authorization", "bearer schlüssel-zum-glück".encode())]
        assert (await face.client.get("/api/v1/jobs", headers=headers)).status_code == 200
