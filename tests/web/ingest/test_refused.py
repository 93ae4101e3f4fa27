"""Refused webhooks: why, from where, and with which headers; told to the operator, never to the sender."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar, get_args

import pytest
from structlog.testing import capture_logs

from receiver import web
from receiver.contracts import Filters, Transaction
from receiver.contracts.options import NoOptions
from receiver.flows.operator.refused_requests import KEPT as NEWEST
from receiver.lib.signatures import Secret
from receiver.lib.times import stamp
from receiver.model.events import OperatorEvent, decode_event
from receiver.model.requests import RefusalCode
from receiver.model.rules import Rule
from receiver.providers.apiframe import Apiframe
from receiver.providers.apimart import APIMart
from receiver.providers.generic import Generic
from receiver.providers.generic.options import Options, Verify
from receiver.web.ingest import refused as refused_requests
from receiver.web.ingest.bursts import BURST
from receiver.web.ingest.refused import RefusedRequests
from support.face import ADMIN, GRID, Face, a_face, full_disk, with_source
from support.records import NOW
from support.world import Clock

T = TypeVar("T")
TOLD: Final = "source.refused_requests"
REF = "0" * 39


def others() -> tuple[Any, ...]:
    """A source that signs, one that can do neither, and one that signs with the time."""
    frame = with_source("frame", provider=Apiframe(NoOptions()), secrets=(), api_key=Secret("key"))
    mart = with_source("mart", provider=APIMart(NoOptions()), secrets=(), token=Secret("a-path-token"))
    timed = Verify(
        header="x-signature",
        scheme="hmac-sha256-hex",
        signed="{header:x-time}.{body}",
        timestamp="header:x-time",
    )
    shop = with_source("shop", provider=Generic(Options(verify=timed)), secrets=(Secret("key"),), api_key=None)
    return frame, mart, shop


def signed_shop(seconds: int) -> dict[str, str]:
    """The headers of a webhook that `shop` signed so long from now."""
    time = str(NOW // 1000 + seconds)
    mac = hmac.digest(b"key", f"{time}.{json.dumps(GRID)}".encode(), hashlib.sha256)
    return {"x-time": time, "x-signature": mac.hex()}


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
        ("/in/shop", signed_shop(0) | {"x-signature": "00"}, "signature_differs"),
        ("/in/shop", signed_shop(-301), "too_old"),
        ("/in/shop", signed_shop(301), "too_new"),
        ("/in/shop", {}, "signature_missing"),
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
        numbers = (await face.client.get("/metrics", headers=ADMIN)).text
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


async def test_what_is_kept_of_one_is_bounded(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        newest = RefusedRequests(face.store, Clock())
        add(newest, names=[f"x-{'y' * 5000}-{number}" for number in range(1000)])
        (one,) = await newest.newest()
        assert sum(map(len, one.headers)) <= 3000


def add(
    newest: RefusedRequests,
    reason: str = "no_header",
    source: str | None = "journey",
    names: Sequence[str] = (),
    sender: str = "192.0.2.1",
) -> bool:
    """Refuses a webhook that was not verified."""
    return newest.add(source, reason, sender, list(names), is_unverified=True)


async def once(face: Face, ready: Callable[[Transaction], T]) -> T:
    """What `ready` finds in the store, as soon as it finds something."""
    watch = face.store.watch()
    try:
        async with asyncio.timeout(20):
            while not (found := await face.store.read(ready)):
                await watch.wait()
            return found
    finally:
        watch.close()


async def test_they_are_kept_and_found_again_after_a_restart(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        await face.post(GRID, headers={"x-webhook-secret": "other"})
        await once(face, lambda tx: tx.refused())
    async with a_face(tmp_path) as face:
        assert [(one["reason"], one["sender"]) for one in await refused(face)] == [("header_differs", "127.0.0.1")]


async def test_a_flood_is_kept_in_bounds_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refused_requests, "KEEP_SECONDS", 0.01)
    async with a_face(tmp_path) as face:
        newest = RefusedRequests(face.store, Clock())
        newest.adopt(face.setup)
        for _ in range(1000):
            add(newest)
        kept = await once(face, lambda tx: tx.refused())
        assert (len(kept), kept[0][0], len(await newest.newest())) == (NEWEST, 1000, NEWEST)


async def test_what_cannot_be_kept_now_is_shown_and_kept_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refused_requests, "KEEP_SECONDS", 0.01)
    async with a_face(tmp_path) as face:
        newest = RefusedRequests(face.store, Clock())
        with full_disk():
            for _ in range(NEWEST + 5):
                add(newest)
            add(newest, "header_differs")
            for _ in range(3):  # between two looks it was tried
                assert (await newest.newest())[0].reason == "header_differs"
            assert await face.store.read(lambda tx: tx.refused()) == []
        kept = await once(face, lambda tx: tx.refused())
        assert (len(kept), kept[0][0], kept[0][1].reason) == (NEWEST, NEWEST + 6, "header_differs")


async def test_the_list_is_narrowed(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        await face.post(GRID, headers={})
        await face.post(GRID, "/in/nobody", {})
        await face.post(GRID, headers={"x-webhook-secret": "other"})
        for query, reasons in (
            ({"limit": "1"}, ["header_differs"]),
            ({"source": "journey"}, ["header_differs", "no_header"]),
            ({"reason": "no_such_source"}, ["no_such_source"]),
            ({"until": stamp(NOW)}, []),
            ({"since": stamp(NOW)}, ["header_differs", "no_such_source", "no_header"]),
        ):
            assert [one["reason"] for one in (await face.get("/refused", **query))["items"]] == reasons
        for wrong in ({"reason": "because"}, {"limit": "0"}, {"since": "yesterday"}, {"status": "dead"}):
            answer = await face.client.get("/api/v1/refused", headers=ADMIN, params=wrong)
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid_query")


async def test_every_code_that_a_webhook_is_refused_with_can_be_asked_for() -> None:
    #: Those that are told before there is a webhook, or are counted as what they are.
    others = {"not_verified", "unavailable", "internal", "too_many_connections", "head_too_slow", "bad_host"}
    folder = Path(web.__file__).parent
    texts = [file.read_text() for part in ("http", "ingest") for file in (folder / part).glob("*.py")]
    codes = {code for text in texts for code in re.findall(r'Refusal\(\d+, "(\w+)"', text)}
    assert codes - others == set(get_args(RefusalCode))


async def test_a_burst_is_told_to_the_sinks_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refused_requests, "KEEP_SECONDS", 0.01)
    rule = Rule(name="sources", when={"type": "source.*"}, to=("team",))
    async with a_face(tmp_path, rules=(rule,)) as face:
        for _ in range(BURST - 1):
            await face.post(GRID, headers={"x-webhook-secret": "other"})
        await face.post(GRID, "/in/nobody", {})
        await once(face, lambda tx: len(tx.refused()) == BURST)
        assert await face.store.read(lambda tx: tx.events(Filters())) == []
        await face.post(GRID, headers={})
        (body,) = await once(face, lambda tx: tx.events(Filters()))
        event = decode_event(body)
        assert isinstance(event, OperatorEvent)
        assert (event.type, event.source_name, event.source) == (TOLD, "journey", "gridhook/journey")
        for text in ("header_differs 9, no_header 1", "from 127.0.0.1", "`secrets`", "gridhook requests --refused"):
            assert text in event.data.reason
        for _ in range(50):
            await face.post(GRID, headers={})
        await once(face, lambda tx: len(tx.refused()) == BURST + 51)
        assert len(await face.store.read(lambda tx: tx.events(Filters()))) == 1
        assert [one.lane for one in await face.store.read(lambda tx: tx.deliveries(Filters()))] == ["sink:team"]


async def test_a_flood_is_one_line_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refused_requests, "LINE_SECONDS", 0.01)
    async with a_face(tmp_path) as face:
        newest = RefusedRequests(face.store, Clock())
        await flood(newest)


async def flood(newest: RefusedRequests) -> None:
    """Fifty and one of one source, and one of another: three lines."""
    with capture_logs() as lines:
        due = [add(newest, reason) for reason in ["no_header"] * 50 + ["header_differs"]]
        assert due == [True] + [False] * 50
        assert add(newest, source="other")
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
    assert add(newest)
