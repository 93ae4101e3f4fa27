"""Refused webhooks: why, from where, and with which headers; told to the operator, never to the sender."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from receiver.contracts.options import NoOptions
from receiver.lib.signatures import Secret
from receiver.providers.apiframe import Apiframe
from receiver.providers.apimart import APIMart
from receiver.web.ingest import refused as refused_requests
from receiver.web.ingest.refused import NEWEST, RefusedRequests
from support.face import GRID, Face, a_face, with_source

REF = "0" * 39


def others() -> tuple[Any, ...]:
    """A source that signs, and one that can do neither."""
    frame = with_source("frame", provider=Apiframe(NoOptions()), secrets=(), api_key=Secret("key"))
    mart = with_source("mart", provider=APIMart(NoOptions()), secrets=(), token=Secret("a-path-token"))
    return frame, mart


async def refused(face: Face) -> list[Any]:
    """What the operator is told."""
    found = await face.get("/refused")
    assert found["next"] is None
    return list(found["items"])


@pytest.mark.parametrize(
    ("path", "headers", "reason"),
    [
        ("/in/journey", {}, "no_header"),
        ("/in/journey", {"x-webhook-secret": "other"}, "header_differs"),
        ("/in/journey", [("x-webhook-secret", "hook-secret"), ("x-webhook-secret", "other")], "header_differs"),
        (f"/in/journey/{REF}", {"x-webhook-secret": "hook-secret"}, "unknown_ref"),
        ("/in/frame", {"x-webhook-signature": "00"}, "signature_differs"),
        ("/in/frame", {}, "no_proof"),
        ("/in/mart", {}, "no_proof"),
        ("/in/mart/another", {}, "unknown_ref"),
        ("/in/nobody", {}, "no_such_source"),
    ],
)
async def test_why_a_webhook_was_refused_is_told(tmp_path: Path, path: str, headers: Any, reason: str) -> None:
    async with a_face(tmp_path, sources=others()) as face:
        with capture_logs() as lines:
            answer = await face.post(GRID, path, headers)
        source = path.split("/")[2]
        known = None if source == "nobody" else source
        (one,) = await refused(face)
        assert (one["source"], one["reason"], one["sender"]) == (known, reason, "127.0.0.1")
        assert "content-length" in one["headers"]
        assert reason not in answer.text or reason == "no_such_source"
        (line,) = [line for line in lines if line["event"] == "request.received"]
        assert (line["reason"], line["sender"]) == (reason, "127.0.0.1")
        assert not {"'hook-secret'", "'other'"} & set(f"{line} {one}".replace(",", " ").split())
        numbers = (await face.client.get("/metrics")).text
        assert f'gridhook_requests_refused_total{{reason="{reason}",source="{known or ""}"}} 1.0' in numbers


async def test_where_secrets_are_configured_a_missing_signature_is_told(tmp_path: Path) -> None:
    frame = with_source("frame", provider=Apiframe(NoOptions()), api_key=Secret("key"))
    async with a_face(tmp_path, sources=(frame,)) as face:
        await face.post(GRID, "/in/frame", {})
        assert [one["reason"] for one in await refused(face)] == ["signature_missing"]


async def test_the_newest_are_remembered_the_latest_first(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        for number in range(NEWEST + 3):
            await face.post(GRID, headers={f"x-number-{number}": "1", "x-webhook-secret": "other"})
        found = await refused(face)
        assert len(found) == NEWEST
        numbered = [name for one in found for name in one["headers"] if name.startswith("x-number-")]
        assert numbered == [f"x-number-{number}" for number in range(NEWEST + 2, 2, -1)]


async def test_what_is_remembered_of_one_is_bounded() -> None:
    newest = RefusedRequests()
    newest.add("journey", "no_header", "192.0.2.1", [f"x-{'y' * 5000}-{number}" for number in range(1000)], 0)
    (one,) = newest.newest()
    assert sum(map(len, one.headers)) <= 3000


async def test_a_flood_is_one_line_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refused_requests, "LINE_SECONDS", 0.01)
    newest = RefusedRequests()
    with capture_logs() as lines:
        due = [newest.add("journey", reason, "192.0.2.1", [], 0) for reason in ["no_header"] * 50 + ["header_differs"]]
        assert due == [True] + [False] * 50
        assert newest.add("other", "no_header", "192.0.2.1", [], 0)
        async with asyncio.timeout(10):
            while newest._silent:  # noqa: ASYNC110  # a timer ends it
                await asyncio.sleep(0.001)
    assert lines == [
        {
            "event": "requests.refused",
            "log_level": "info",
            "source": "journey",
            "number": 50,
            "reasons": {"no_header": 49, "header_differs": 1},
        }
    ]
    assert newest.add("journey", "no_header", "192.0.2.1", [], 0)
