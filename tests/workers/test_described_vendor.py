"""A vendor that is described in TOML goes through the same protocol: confirmed, never paid twice, held by a budget."""

from __future__ import annotations

import json
import tomllib
from decimal import Decimal
from pathlib import Path

import httpx
import msgspec
import pytest

from receiver.contracts import Budget, Source
from receiver.contracts.setup import Limits
from receiver.lib.signatures import Secret
from receiver.model.jobs import Job, Then
from receiver.model.rules import Rule
from receiver.providers.generic import Generic
from receiver.providers.generic.options import Options
from support.world import world

HERON = """
[paths]
id = "id"
status = "state"
images = "files[*]"
action = "kind"
[query]
url = "https://api.heron.test/pieces/{id}"
[orders.upscale]
url = "https://api.heron.test/enlarge"
body = '{"picture": "{parent.image}", "key": "{key}"}'
parents = ["imagine"]
price = "3"
"""
HONOURED = HERON + 'idempotency_header = "x-once"\n'
LARGE = Rule(
    name="large",
    when={"type": "job.completed", "action": "imagine"},
    to=(),
    then=(Then(action="upscale", params={"index": 2, "kind": "2x"}),),
)
GRID = {"id": "p1", "state": "done", "kind": "imagine", "files": [f"https://x.example/{n}.png" for n in (1, 2, 3, 4)]}


def heron(toml: str = HERON, **more: object) -> Source:
    provider = Generic(msgspec.convert(tomllib.loads(toml), Options, strict=False))
    source = Source(name="heron", provider=provider, base_url="", api_key=Secret("heron-key-0123"))
    return msgspec.structs.replace(source, **{"secrets": (Secret("hook-secret"),), **more})


def large(jobs: list[Job]) -> Job:
    """The enlargement."""
    return next(job for job in jobs if job.action == "upscale")


def whole(folder: Path) -> bytes:
    """All that its files hold."""
    return b"".join(file.read_bytes() for file in folder.iterdir())


@pytest.mark.parametrize(("state", "status"), [("done", "queued"), ("running", "failed")])
async def test_an_unsigned_result_is_read_back_before_anything_is_paid(tmp_path: Path, state: str, status: str) -> None:
    source = heron(secrets=(), token=Secret("a-token"))
    async with world(tmp_path, rules=(LARGE,), sources=(source,)) as here:

        def vendor(request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, json={"id": "p2"} if request.method == "POST" else GRID | {"state": state})

        here.answer = vendor
        await here.webhook(GRID, "heron", token="a-token")
        await here.until(lambda jobs: large(jobs).status == status)
        paths = [(call.method, call.url.path) for call in here.calls]
        assert paths == [("GET", "/pieces/p1"), ("POST", "/enlarge")][: 1 + (state == "done")]


@pytest.mark.parametrize("toml", [HERON, HONOURED])
async def test_an_order_of_unknown_fate_is_sent_again_only_with_a_key_that_the_vendor_honours(
    tmp_path: Path, toml: str
) -> None:
    async with world(tmp_path, rules=(LARGE,), sources=(heron(toml),)) as here:
        here.answer = lambda request: httpx.Response(502)
        await here.webhook(GRID, "heron")
        await here.until(lambda jobs: large(jobs).status == "unsure")
        here.answer = lambda request: httpx.Response(200, json={"id": "p2"})
        await here.tick(60)
        if toml == HERON:
            assert len(here.calls) == 1
            assert large(await here.jobs()).status == "unsure"
            return
        await here.until(lambda jobs: large(jobs).status == "queued")
        first, second = here.calls
        assert first.headers["x-once"] == second.headers["x-once"] == large(await here.jobs()).id
        assert json.loads(first.content) == json.loads(second.content)


async def test_its_price_counts_against_a_budget(tmp_path: Path) -> None:
    limits = Limits(budgets={"heron": Budget(amount=Decimal(2), unit="credits", per="day")})
    async with world(tmp_path, rules=(LARGE,), sources=(heron(),), limits=limits) as here:
        await here.webhook(GRID, "heron")
        job = large(await here.until(lambda jobs: large(jobs).status == "held"))
        assert job.hold is not None
        assert job.hold.reason == "budget"
        assert here.calls == []


async def test_its_key_is_struck_out_of_what_is_kept(tmp_path: Path) -> None:
    async with world(tmp_path, rules=(), sources=(heron(),), dispatch=False) as here:
        await here.webhook(GRID | {"echo": "Bearer heron-key-0123"}, "heron")
    assert b"heron-key-0123" not in whole(tmp_path)
