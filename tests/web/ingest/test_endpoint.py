"""`POST /in/{source}[/{ref}]`: every row of the table, and everything that can be wrong with a request."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.types import Message, Scope

from receiver.contracts import Filters, KeptRequest, Source
from receiver.flows import intake
from receiver.lib import ids
from receiver.lib.signatures import Secret
from receiver.model.jobs import Report
from receiver.providers.generic import Generic
from receiver.providers.generic.options import Options as GenericOptions
from receiver.providers.journeyapi import JourneyAPI
from receiver.store import group_commit
from receiver.web.ingest.endpoint import Ingest
from receiver.web.ingest.refused import RefusedRequests
from support.face import GRID, SECRET, Face, a_face, full_disk, with_source
from support.records import a_job, a_source
from support.world import Clock

PROBLEM = "application/problem+json"


async def kept(face: Face) -> list[KeptRequest]:
    """All requests, newest first."""
    return await face.store.read(lambda tx: tx.requests(Filters(limit=500)))


def is_problem(answer: httpx.Response, status: int, code: str) -> bool:
    """Whether it is this problem document."""
    said = answer.json()
    assert (answer.status_code, said["status"], said["code"]) == (status, status, code), answer.text
    return answer.headers["content-type"] == PROBLEM and bool(said["detail"]) and bool(said["title"])


# --- taken -----------------------------------------------------------------------------------------------------------


async def test_a_genuine_webhook_is_kept_verbatim_and_makes_one_event(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        body = json.dumps(GRID, indent=3).encode()
        answer = await face.post(body)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        (request,) = await kept(face)
        said = answer.json()
        assert said == {"request": said["request"], "events": 1, "duplicate": False}
        assert said["request"].startswith("req_")
        assert (request.body, request.state, request.proof) == (body, "mapped", "secret")
        assert request.headers["x-webhook-secret"] == "***"


async def test_a_repeat_changes_nothing(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        await face.post(GRID)
        before = (await face.get("/jobs"))["items"]
        answer = await face.post(GRID)
        assert answer.status_code == 200
        assert {**answer.json(), "request": None} == {"request": None, "events": 0, "duplicate": True}
        assert (await face.get("/jobs"))["items"] == before
        assert len((await face.get("/events"))["items"]) == 1
        assert len((await face.get("/deliveries"))["items"]) == 1
        assert len(await kept(face)) == 2


async def test_the_same_webhook_a_hundred_times_at_once_is_one_event(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        answers = await asyncio.gather(*(face.post(GRID) for _ in range(100)))
        assert {answer.status_code for answer in answers} == {200}
        assert sum(answer.json()["events"] for answer in answers) == 1
        assert sum(answer.json()["duplicate"] for answer in answers) == 99


@pytest.mark.parametrize("path", ["/in/journey", "/in/journey/", "/in/journey/callback", "/in/journey/callback/"])
async def test_a_trailing_slash_or_callback_is_no_redirect(tmp_path: Path, path: str) -> None:
    async with a_face(tmp_path) as face:
        assert (await face.post(GRID, path)).status_code == 200


@pytest.mark.parametrize("ending", ["", "/", "/callback", "/callback/"])
async def test_a_ref_in_the_path_names_the_job(tmp_path: Path, ending: str) -> None:
    async with a_face(tmp_path) as face:
        await face.store.write(lambda tx: tx.add_job(a_job(7, status="submitting")))
        answer = await face.post(GRID, f"/in/journey/{face.ref(7)}{ending}")
        assert answer.json()["events"] == 1
        (request,) = await kept(face)
        assert request.ref_job == 7
        (job,) = (await face.get("/jobs"))["items"]
        assert (job["status"], job["provider_job_id"]) == ("completed", GRID["task_id"])


@pytest.mark.parametrize("body", [b"{}", b"[]", b"null", b"5", b'"x"', b'{"status": "finished"}', b'{"task_id": null}'])
async def test_json_of_an_unknown_shape_is_kept_as_unmapped(tmp_path: Path, body: bytes) -> None:
    async with a_face(tmp_path) as face:
        answer = await face.post(body)
        assert answer.status_code == 200
        assert (answer.json()["events"], answer.json()["duplicate"]) == (0, False)
        (request,) = await kept(face)
        assert (request.state, request.body) == ("unmapped", body)
        assert request.note


async def test_an_unknown_status_keeps_the_request_and_leaves_the_job(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        await face.post({**GRID, "status": "processing", "percentage": "40"})
        answer = await face.post({**GRID, "status": "enchanted"})
        assert (answer.status_code, answer.json()["events"]) == (200, 0)
        (job,) = (await face.get("/jobs"))["items"]
        assert (job["status"], job["progress"]) == ("running", 40)


async def test_the_content_type_is_not_looked_at(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        assert (await face.post(GRID, headers={**SECRET, "content-type": "text/plain"})).json()["events"] == 1


HUGE = b'"seed": 123456789012345678901234567890, "size": 1e999'
TWICE = b'"status": "enchanted", "status": "finished"'


@pytest.mark.parametrize("more", [HUGE, TWICE, b'"prompt": "\\ud800"'])
async def test_huge_numbers_repeated_keys_and_lone_surrogates_are_json(tmp_path: Path, more: bytes) -> None:
    body = b'{"task_id": "t-1", "status": "finished", "image_url": "https://cdn.example.com/1.png", %s}' % more
    async with a_face(tmp_path) as face:
        answer = await face.post(body)
        assert (answer.status_code, answer.json()["events"]) == (200, 1)


async def test_nesting_of_a_hundred_is_json(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        assert (await face.post(b"[" * 100 + b"]" * 100)).status_code == 200


# --- verified, but not JSON ------------------------------------------------------------------------------------------

NOT_JSON = {
    "empty": b"",
    "cut": b'{"task_id": "t-1"',
    "nan": b'{"task_id": "t-1", "status": "finished", "x": NaN}',
    "infinity": b'{"task_id": "t-1", "status": "finished", "x": -Infinity}',
    "utf8": b'{"task_id": "\xff\xfe"}',
    "bom": b"\xef\xbb\xbf" + json.dumps(GRID).encode(),
    "utf16": json.dumps(GRID).encode("utf-16"),
    "deep": b"[" * 101 + b"]" * 101,
    "very deep": b'{"a":' * 100_000,
    "form": b"task_id=t-1&status=finished",
    "nul": b"\0",
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON.keys())
async def test_what_is_not_json_is_kept_as_unreadable_and_refused(tmp_path: Path, body: bytes) -> None:
    async with a_face(tmp_path) as face:
        answer = await face.post(body)
        assert is_problem(answer, 400, "not_json")
        (request,) = await kept(face)
        assert (request.state, request.body) == ("unreadable", body)
        found = (await face.get("/requests"))["items"]
        assert answer.json()["request"] == found[0]["id"]
        assert (await face.get("/jobs"))["items"] == []


# --- not verified ----------------------------------------------------------------------------------------------------

UNVERIFIED: dict[str, Any] = {
    "none": {},
    "wrong": {"x-webhook-secret": "hook-secre"},
    "empty": {"x-webhook-secret": ""},
    "longer": {"x-webhook-secret": "hook-secret1"},
    "not ascii": [(b"x-webhook-secret", b"\xff\xfe\x80")],
    "twice": [(b"x-webhook-secret", b"hook-secret"), (b"x-webhook-secret", b"other")],
    "twice, good one last": [(b"x-webhook-secret", b"other"), (b"x-webhook-secret", b"hook-secret")],
}


@pytest.mark.parametrize("headers", UNVERIFIED.values(), ids=UNVERIFIED.keys())
async def test_without_the_right_secret_nothing_is_kept(tmp_path: Path, headers: Any) -> None:
    async with a_face(tmp_path) as face:
        assert is_problem(await face.post(GRID, headers=headers), 401, "not_verified")
        assert await kept(face) == []
        assert (await face.get("/jobs"))["items"] == []


async def test_the_same_secret_twice_is_one(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        twice = [(b"x-webhook-secret", b"hook-secret")] * 2
        assert (await face.post(GRID, headers=twice)).status_code == 200


async def test_any_of_several_secrets_is_right(tmp_path: Path) -> None:
    rotating = with_source("rotating", secrets=(Secret("new"), Secret("old")))
    async with a_face(tmp_path, sources=(rotating,)) as face:
        for secret, status in (("new", 200), ("old", 200), ("hook-secret", 401)):
            answer = await face.post(GRID, "/in/rotating", {"x-webhook-secret": secret})
            assert answer.status_code == status


async def test_a_right_ref_does_not_replace_a_configured_secret(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        await face.store.write(lambda tx: tx.add_job(a_job(7)))
        assert is_problem(await face.post(GRID, f"/in/journey/{face.ref(7)}", {}), 401, "not_verified")


@pytest.mark.parametrize("ref", ["x", "0" * 39, "%00", "%ff%fe", "%F0%9F%8E%A8", "0" * 13, "callback/callback"])
async def test_a_wrong_ref_is_refused_even_with_the_right_secret(tmp_path: Path, ref: str) -> None:
    async with a_face(tmp_path) as face:
        answer = await face.post(GRID, f"/in/journey/{ref}")
        assert answer.status_code in (401, 404)
        assert await kept(face) == []


async def test_a_ref_of_another_source_is_refused(tmp_path: Path) -> None:
    async with a_face(tmp_path, sources=(with_source("other"),)) as face:
        await face.store.write(lambda tx: tx.add_job(a_job(7)))
        assert is_problem(await face.post(GRID, f"/in/other/{face.ref(7, 'journey')}"), 401, "not_verified")


async def test_each_changed_letter_of_a_ref_makes_it_wrong(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        ref = face.ref(7)
        for place in range(len(ref)):
            forged = ref[:place] + ("1" if ref[place] != "1" else "2") + ref[place + 1 :]
            assert (await face.post(GRID, f"/in/journey/{forged}")).status_code == 401


async def test_a_ref_does_not_speak_for_another_job(tmp_path: Path) -> None:
    bare = with_source("bare", secrets=())
    async with a_face(tmp_path, sources=(bare,)) as face:
        known = a_job(7, source="bare", provider_job_id="task-7")
        await face.store.write(lambda tx: tx.add_job(known))
        answer = await face.post(GRID, f"/in/bare/{face.ref(7, 'bare')}", {})
        assert (answer.status_code, answer.json()["events"]) == (200, 0)
        (request,) = await kept(face)
        assert request.state == "unmapped"
        (job,) = (await face.get("/jobs"))["items"]
        assert job["status"] == "queued"


async def test_without_secrets_and_token_only_a_ref_is_taken(tmp_path: Path) -> None:
    bare = with_source("bare", secrets=())
    async with a_face(tmp_path, sources=(bare,)) as face:
        await face.store.write(lambda tx: tx.add_job(a_job(7, source="bare")))
        assert (await face.post(GRID, "/in/bare", {})).status_code == 401
        assert (await face.post(GRID, "/in/bare", {"x-webhook-secret": ""})).status_code == 401
        assert (await face.post(GRID, f"/in/bare/{face.ref(7, 'bare')}", {})).status_code == 200
        (request,) = await kept(face)
        assert request.proof == "ref"


async def test_a_token_in_the_path_is_taken_where_there_are_no_secrets(tmp_path: Path) -> None:
    tokened = with_source("tokened", secrets=(), token=Secret("a-fixed-token"))
    async with a_face(tmp_path, sources=(tokened,)) as face:
        assert (await face.post(GRID, "/in/tokened", {})).status_code == 401
        assert (await face.post(GRID, "/in/tokened/a-fixed-toke", {})).status_code == 401
        assert (await face.post(GRID, "/in/tokened/a-fixed-token/callback", {})).status_code == 200
        (request,) = await kept(face)
        assert request.proof == "token"


async def test_a_secret_sent_in_any_header_is_not_kept(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        headers = {**SECRET, "authorization": "Bearer abc", "x-copy": "hook-secret", "cookie": "a=b", "x-other": "c"}
        await face.post(GRID, headers=headers)
        assert b':"hook-secret"' not in (tmp_path / "a.db-wal").read_bytes()
        (request,) = await kept(face)
        assert (request.headers["authorization"], request.headers["x-other"]) == ("***", "c")


async def test_a_secret_in_a_body_is_not_kept_and_the_body_can_be_read_again(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        body = {**GRID, "webhook_secret": "hook-secret", "account": {"japi_live_1": ["Bearer japi_live_1"]}}
        taken = (await face.post(body)).json()
        (request,) = await kept(face)
        assert json.loads(request.body) == {**GRID, "webhook_secret": "***", "account": {"***": ["Bearer ***"]}}
        assert b"japi_live_1" not in (tmp_path / "a.db-wal").read_bytes()
        assert taken["request"] == ids.show("req", request.number)
        again = await intake.reparse(face.store, face.setup, request.number, 0)
        assert again is not None
        assert (again.state, again.duplicate) == ("mapped", True)


# --- refused for other reasons ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/in/nobody", "/in/nobody/ref", "/in", "/in/", "/in//", "/in/journey/a/b", "/in/J"])
async def test_there_is_no_such_source(tmp_path: Path, path: str) -> None:
    async with a_face(tmp_path) as face:
        answer = await face.post(GRID, path)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == PROBLEM
        assert await kept(face) == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"])
async def test_webhooks_are_posted(tmp_path: Path, method: str) -> None:
    async with a_face(tmp_path) as face:
        answer = await face.client.request(method, "/in/journey", headers=SECRET)
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_a_body_that_announces_too_much_is_not_read(tmp_path: Path) -> None:
    async with a_face(tmp_path, max_body=100) as face:
        assert is_problem(await face.post(b"x" * 101), 413, "too_large")
        assert (await face.post(b"x" * 100)).status_code == 400
        assert len(await kept(face)) == 1


async def test_a_body_that_grows_too_large_is_cut_off(tmp_path: Path) -> None:
    taken = 0

    async def endless() -> Any:
        nonlocal taken
        while True:
            taken += 40
            yield b"x" * 40

    async with a_face(tmp_path, max_body=100) as face:
        answer = await face.client.post("/in/journey", content=endless(), headers=SECRET)
        assert is_problem(answer, 413, "too_large")
        assert taken <= 160
        assert await kept(face) == []


@pytest.mark.parametrize("length", ["1e9", "-1", "", "²", "0" * 50 + "9", "9" * 5000])
async def test_an_odd_content_length_does_no_harm(tmp_path: Path, length: str) -> None:
    async with a_face(tmp_path) as face:
        headers = [(b"x-webhook-secret", b"hook-secret"), (b"content-length", length.encode())]
        assert (await face.post(GRID, headers=headers)).status_code in (200, 413)


async def called(ingest: Ingest, messages: list[Message]) -> list[Message]:
    """What the raw application sends when it is given these messages, and then nothing more."""
    sent: list[Message] = []

    async def receive() -> Message:
        if messages:
            return messages.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"x-webhook-secret", b"hook-secret")]
    scope: Scope = {"type": "http", "method": "POST", "path": "/in/journey", "root_path": "/in", "headers": headers}
    await ingest(scope, receive, send)
    return sent


class Counted:
    """What was counted: source and outcome, source and reason."""

    def __init__(self) -> None:
        self.outcomes: list[tuple[str, str]] = []
        self.reasons: list[tuple[str, str]] = []

    def count(self, source: str, outcome: str, took_ms: int) -> None:
        assert took_ms >= 0
        self.outcomes.append((source, outcome))

    def count_refused(self, source: str, reason: str) -> None:
        self.reasons.append((source, reason))


async def test_a_sender_that_hangs_up_is_not_taken(tmp_path: Path) -> None:
    counted = Counted()
    async with a_face(tmp_path) as face:
        ingest = Ingest(face.store, face.setup, Clock(), 1000, counted, RefusedRequests(face.store, Clock()))
        whole = json.dumps(GRID).encode()
        await called(ingest, [{"type": "http.request", "body": whole, "more_body": True}, {"type": "http.disconnect"}])
        await called(ingest, [{"type": "http.disconnect"}])
        assert counted.outcomes == counted.reasons == [("journey", "cut_short")] * 2
        assert await kept(face) == []


async def test_a_body_in_pieces_is_put_together(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        ingest = Ingest(face.store, face.setup, Clock(), 1000, Counted(), RefusedRequests(face.store, Clock()))
        whole = json.dumps(GRID).encode()
        pieces = [{"type": "http.request", "body": bytes([byte]), "more_body": True} for byte in whole]
        sent = await called(ingest, [*pieces, {"type": "http.request"}])
        assert sent[0]["status"] == 200


async def test_when_the_disk_is_full_it_says_so_and_takes_the_same_webhook_later(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        with full_disk():
            answer = await face.post(GRID)
            assert is_problem(answer, 503, "unavailable")
            assert int(answer.headers["retry-after"]) > 0
        assert await kept(face) == []
        again = await face.post(GRID)
        assert (again.status_code, again.json()["events"]) == (200, 1)


async def test_a_provider_that_breaks_loses_no_genuine_webhook(tmp_path: Path) -> None:
    class Broken(JourneyAPI):
        def __init__(self) -> None:
            """No options."""

        def parse(self, value: Any, headers: Any) -> list[Report]:
            raise KeyError("task")

    broken = with_source("broken", provider=Broken())
    async with a_face(tmp_path, sources=(broken,)) as face:
        answer = await face.post(GRID, "/in/broken")
        assert (answer.status_code, answer.json()["events"]) == (200, 0)
        (request,) = await kept(face)
        assert (request.state, request.note) == ("unmapped", "the provider code broke: KeyError")


async def test_what_breaks_the_working_in_is_kept_without_a_trace_of_it(tmp_path: Path) -> None:
    class Odd(JourneyAPI):
        def __init__(self) -> None:
            """No options."""

        def parse(self, value: Any, headers: Any) -> list[Report]:
            good = a_source().provider.parse(value, headers)
            return [*good, Report(provider_job_id="x", status="running", facts={"odd": object()})]

    odd = with_source("odd", provider=Odd())
    async with a_face(tmp_path, sources=(odd,)) as face:
        answer = await face.post(GRID, "/in/odd")
        assert (answer.status_code, answer.json()["events"]) == (200, 0)
        (request,) = await kept(face)
        assert request.state == "unmapped"
        assert (await face.get("/jobs"))["items"] == []


class Full(dict[str, Decimal]):
    """Prices that break the working in, and then the store takes nothing more."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(pick=Decimal(1))
        self._monkeypatch = monkeypatch

    def get(self, *_: object) -> Any:
        self._monkeypatch.setattr(group_commit, "MAX_WAITING", 0)
        raise RuntimeError("broken")


async def test_a_store_that_takes_nothing_more_is_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with a_face(tmp_path, sources=(with_source("full", prices=Full(monkeypatch)),)) as face:
        assert is_problem(await face.post(GRID, "/in/full"), 503, "unavailable")
        assert is_problem(await face.post(GRID), 503, "unavailable")
        monkeypatch.undo()
        assert await kept(face) == []
        assert (await face.post(GRID)).status_code == 200


async def test_a_fault_of_ours_is_told_to_nobody(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        face.store.ref_key = None  # type: ignore[assignment]  # whatever it is that breaks
        answer = await face.post(GRID, "/in/journey/0123456789")
        assert is_problem(answer, 500, "internal")
        assert "TypeError" not in answer.text


# --- anything at all -------------------------------------------------------------------------------------------------

WORDS = st.sampled_from(["task_id", "status", "finished", "failed", "image_urls", "image_url", "task_type", "error"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=4), inner, max_size=5),
    max_leaves=8,
)
BODIES = st.binary(max_size=200) | VALUES.map(lambda value: json.dumps(value).encode())
NAMES = st.sampled_from([b"x-webhook-secret", b"content-length", b"content-type", b"x-other"])
HEADERS = st.lists(st.tuples(NAMES, st.binary(max_size=40)), max_size=3)
PATHS = st.sampled_from(["/in/journey", "/in/journey/callback", "/in/bare"]) | st.text(max_size=12).map("/in/{}".format)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(requests=st.lists(st.tuples(PATHS, BODIES, HEADERS, st.booleans()), min_size=5, max_size=12))
def test_no_request_whatever_breaks_the_intake(tmp_path_factory: pytest.TempPathFactory, requests: Any) -> None:
    async def run() -> None:
        bare = with_source("bare", secrets=())
        async with a_face(tmp_path_factory.mktemp("any"), sources=(bare,)) as face:
            for path, body, headers, genuine in requests:
                given = [*headers, (b"x-webhook-secret", b"hook-secret")] if genuine else headers
                sent = await asgi(face.app, path, body, given)
                assert sent[0]["status"] in (200, 400, 401, 404, 413, 431)

    asyncio.run(run())


async def asgi(app: Any, path: str, body: bytes, headers: list[tuple[bytes, bytes]]) -> list[Message]:
    """What an ASGI application answers to a POST, without a client that would tidy it up first."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode("utf-8", "replace"),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
    }
    await app(scope, receive, send)
    return sent


# --- a vendor tries out its address ----------------------------------------------------------------------------------


def asking(name: str, **fields: Any) -> Source:
    """A vendor that wants a challenge echoed."""
    provider = Generic(GenericOptions(challenge="challenge"))
    return Source(name=name, provider=provider, base_url="", **fields)


async def test_a_challenge_in_the_query_of_a_post_is_echoed_too(tmp_path: Path) -> None:
    async with a_face(tmp_path, sources=(asking("open", token=Secret("a-token")),)) as face:
        for body in (b"", b"{}"):
            answer = await face.client.post("/in/open/a-token?challenge=abc", content=body)
            assert (answer.status_code, answer.json()) == (200, {"challenge": "abc"})


async def test_a_body_that_tells_of_a_job_is_more_than_its_challenge(tmp_path: Path) -> None:
    async with a_face(tmp_path, sources=(asking("open", token=Secret("a-token")),)) as face:
        answer = await face.post({"id": "j", "status": "done", "challenge": "abc"}, "/in/open/a-token", {})
        assert answer.json()["events"] == 1
        assert [job["provider_job_id"] for job in (await face.get("/jobs"))["items"]] == ["j"]


async def test_a_challenge_is_echoed_once_the_sender_is_verified(tmp_path: Path) -> None:
    sources = (asking("open", token=Secret("a-token")), asking("closed", secrets=(Secret("hook-secret"),)))
    async with a_face(tmp_path, sources=sources) as face:
        echo = {"challenge": "abc"}
        for answer in (
            await face.post(echo, "/in/open/a-token", {}),
            await face.post(echo, "/in/closed"),
            await face.client.get("/in/open/a-token?challenge=abc&x=1"),
            await face.client.get("/in/closed?challenge=abc"),
        ):
            assert (answer.status_code, answer.json()) == (200, echo)
        for answer in (
            await face.post(echo, "/in/open", {}),
            await face.post(echo, "/in/open/another", {}),
            await face.post(echo, "/in/closed", {}),
            await face.client.get("/in/open?challenge=abc"),
            await face.client.get("/in/open/another?challenge=abc"),
        ):
            assert is_problem(answer, 401, "not_verified")
        for path in ("/in/open/a-token", "/in/journey?challenge=abc"):
            assert (await face.client.get(path)).status_code == 405
        assert [request.state for request in await kept(face)] == ["mapped", "mapped"]
        assert (await face.get("/jobs"))["items"] == []
