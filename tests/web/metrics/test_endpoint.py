"""`/metrics`: who sees it, that the official parsers take it, and that it stays as small as the configuration."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx

from receiver.contracts.counts import AttemptCounts
from receiver.model.deliveries import Delivery
from support.browsing import VIEWER, a_browser
from support.face import ADMIN, GRID, Face, a_face, full_disk
from support.prometheus_rules import families, faults
from support.records import NOW


async def page(face: Face, **headers: str) -> str:
    """The page as an admin sees it."""
    answer = await face.client.get("/metrics", headers={**ADMIN, **headers})
    assert answer.status_code == 200
    return answer.text


async def test_it_wants_a_token_or_a_session(tmp_path: Path) -> None:
    async with a_browser(tmp_path, role_token=None) as browser:
        client = browser.client
        closed = await client.get("/metrics")
        assert (closed.status_code, closed.json()["code"]) == (401, "unauthorized")
        assert closed.headers["www-authenticate"].startswith("Bearer")
        wrong = await client.get("/metrics", headers={"authorization": "Bearer x", "cookie": "gridhook_session=1.x.y"})
        assert wrong.status_code == 401
        assert (await client.get("/metrics", headers={"authorization": f"Bearer {VIEWER}"})).status_code == 200
        await browser.sign_in(VIEWER)
        assert (await client.get("/metrics")).status_code == 200


async def test_without_a_token_only_this_machine_sees_it(tmp_path: Path) -> None:
    async with a_face(tmp_path, token=None) as face, face.served() as url, httpx.AsyncClient(base_url=url) as client:
        assert (await client.get("/metrics")).status_code == 200
        for headers in ({"host": "hooks.example.com"}, {"x-forwarded-for": "203.0.113.9"}):
            answer = await client.get("/metrics", headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (401, "no_admin_token")


async def test_the_official_parsers_and_the_rules_of_prometheus_find_nothing_wrong(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        await face.post(GRID)
        await face.post(GRID, headers={})
        await face.submit()
        text = await page(face)
        assert faults(text) == []
        in_open_metrics = await page(face, accept="application/openmetrics-text; version=1.0.0")
        assert in_open_metrics.endswith("# EOF\n")
        assert families(in_open_metrics, open_metrics=True).keys() == families(text).keys()


async def test_times_and_batches_are_counted_in_buckets(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        await asyncio.gather(*(face.post(dict(GRID, jobId=f"job-{number}")) for number in range(5)))
        found = families(await page(face))
        values = {sample.name: sample.value for one in found.values() for sample in one.samples if not sample.labels}
        assert values["gridhook_request_duration_seconds_count"] == 5
        assert values["gridhook_commit_writes_sum"] >= 5
        assert values["gridhook_commit_duration_seconds_count"] == values["gridhook_commit_writes_count"] > 0
        assert values["gridhook_commit_duration_seconds_sum"] > 0


async def test_what_there_is_none_of_is_shown_as_zero(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        found = families(await page(face))
        jobs = {sample.labels["status"]: sample.value for sample in found["gridhook_jobs_open"].samples}
        assert jobs == dict.fromkeys(("held", "planned", "queued", "running", "submitting", "unsure"), 0)
        events = {sample.labels["type"]: sample.value for sample in found["gridhook_events"].samples}
        assert events["job.failed"] == events["job.unsure"] == 0
        # An alert goes by the increase of a counter: one that appears with its first number has none.
        for family, number in (("requests", 5), ("requests_refused", 8), ("order_attempts", 5)):
            assert [one.value for one in found[f"gridhook_{family}"].samples] == [0] * number, family
        assert [sample.value for sample in found["gridhook_source_stopped"].samples] == [0]
        await face.post(GRID)
        (heard,) = families(await page(face))["gridhook_source_last_webhook_timestamp_seconds"].samples
        assert heard.labels == {"source": "journey"}
        assert abs(heard.value - NOW / 1000) < 5


async def test_tries_are_told_by_sink_source_and_outcome(tmp_path: Path) -> None:
    counts = AttemptCounts()
    to_sink = Delivery(number=1, lane="sink:team", job=1, event=1, due_at=0)
    order = Delivery(number=2, lane="order:journey", job=1, due_at=0)
    for delivery, outcome in ((to_sink, "delivered"), (to_sink, "again"), (to_sink, "again"), (order, "accepted")):
        counts.attempted(delivery, outcome, NOW, 20)
    assert counts.deliveries == {("team", "delivered"): 1, ("team", "again"): 2}
    assert counts.orders == {("journey", "accepted"): 1}
    assert (counts.delivery_ms["team"].total, counts.order_ms["journey"].sum) == (3, 20)


async def test_it_answers_while_the_store_cannot_be_written(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        await face.post(GRID)
        with full_disk():
            assert (await face.post(dict(GRID, jobId="other"))).status_code == 503
            found = families(await page(face))
        outcomes = {one.labels["outcome"]: one.value for one in found["gridhook_requests"].samples if one.value}
        assert outcomes == {"mapped": 1, "unavailable": 1}
