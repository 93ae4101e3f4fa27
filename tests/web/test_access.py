"""Which port answers what, and what the viewer token is good for."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from support.browsing import VIEWER, a_browser
from support.face import ADMIN, GRID


@pytest.mark.parametrize(
    "path", ["/", "/login", "/static", "/waiting", "/api/v1/jobs", "/api/v1/openapi.json", "/metrics", "/live"]
)
async def test_with_an_admin_port_the_public_one_knows_webhooks_and_health_alone(tmp_path: Path, path: str) -> None:
    async with a_browser(tmp_path, role_token=None, admin_port=8001) as browser, browser.face.served() as public:
        async with httpx.AsyncClient(base_url=public) as client:
            for method in ("GET", "POST"):
                answer = await client.request(method, path, headers=ADMIN, content=b"x" * 100_000)
                assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
            assert (await client.get("/healthz")).status_code == 200
            assert (await client.get("/readyz")).status_code == 200
        assert (await browser.face.post(GRID)).status_code == 200


async def test_the_admin_port_answers_everything(tmp_path: Path) -> None:
    async with a_browser(tmp_path, role_token=None, admin_port=8001) as browser:
        transport = browser.face.client
        for path, status in (("/login", 200), ("/api/v1/jobs", 200), ("/healthz", 200), ("/metrics", 200)):
            answer = await transport.get(f"http://gridhook.test:8001{path}", headers=ADMIN)
            assert answer.status_code == status, path


async def test_the_viewer_token_reads_the_api_and_changes_nothing(tmp_path: Path) -> None:
    async with a_browser(tmp_path, role_token=None) as browser:
        headers = {"authorization": f"Bearer {VIEWER}"}
        assert (await browser.client.get("/api/v1/jobs", headers=headers)).status_code == 200
        for path in ("/api/v1/jobs", "/api/v1/jobs/job_0000000000000/pick"):
            answer = await browser.client.post(path, headers=headers, json={})
            assert (answer.status_code, answer.json()["code"]) == (403, "viewer")
