"""`doctor`: what works and what does not, and an exit code that says so."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cli.parts import configured, run
from receiver.pretend.loopback import serve


def unreached(file: Path) -> None:
    """Nobody answers at the configuration's public address; it is on this machine."""
    file.write_text(file.read_text().replace("https://hooks.example.com", "http://127.0.0.1:9"))


def test_what_does_not_work_is_told_and_is_exit_one(tmp_path: Path) -> None:
    unreached(configured(tmp_path))
    ended = run(tmp_path, "doctor")
    assert ended.exit_code == 1
    lines = ended.stdout.splitlines()
    assert any(line.startswith("database") and " ok " in line for line in lines)
    assert any(line.startswith("public_url") and " bad " in line for line in lines)
    assert any(line.startswith("source journey") and " bad " in line for line in lines)
    assert lines[-1].endswith("do not work")
    assert "japi_live_1" not in ended.output


async def test_a_vendor_that_refuses_the_key_is_told_from_one_that_answers(tmp_path: Path) -> None:
    asked: list[str] = []

    async def vendor(request: Request) -> Response:
        asked.append(request.headers.get("x-api-key", "") + request.headers.get("authorization", ""))
        return JSONResponse({"error": "no"}, statuses.pop(0))

    statuses = [401, 404]
    app = Starlette(routes=[Route("/{path:path}", vendor, methods=["GET", "POST"])])
    async with serve(app) as url:
        unreached(configured(tmp_path, base_url=f"{url}/api/v1"))
        found = []
        for _ in range(2):
            ended = await asyncio.to_thread(run, tmp_path, "doctor", "--json")
            told = [json.loads(line) for line in ended.stdout.splitlines()]
            found += [one for one in told if one["what"] == "source journey"]
    assert [one["verdict"] for one in found] == ["bad", "ok"]
    assert "api_key is refused" in found[0]["said"]
    assert all("japi_live_1" in one for one in asked)
