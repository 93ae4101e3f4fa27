"""Status queries of a vendor that is described in TOML."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import msgspec
import pytest

from receiver.contracts import Answer, Source
from receiver.errors import Unmapped, Unsupported
from receiver.lib.signatures import Secret
from receiver.model.jobs import Job, KeptJob, Report
from receiver.providers.generic import Generic
from receiver.providers.generic.options import Options

AT = "2026-11-21T10:00:00.000Z"
HERON = """
each = "results[*]"
[paths]
id = "id"
status = "state"
images = "files[*]"
error = "problem"
[query]
method = "POST"
url = "https://api.heron.example/pieces/{id}"
headers = { authorization = "Bearer {key}" }
body = '{"ids": ["{id}"]}'
[query.paths]
images = "output[*].url"
"""


def described(toml: str = HERON) -> Generic:
    return Generic(msgspec.convert(tomllib.loads(toml), Options))


def running(job_id: str = "p1") -> KeptJob:
    job = Job(
        id="job_1",
        source="heron",
        provider="generic",
        action="imagine",
        root_id="job_1",
        created_at=AT,
        status="running",
        provider_job_id=job_id,
        params={},
    )
    return KeptJob(number=1, job=job, intent="i")


def read(value: Any, status: int = 200) -> list[Report]:
    return described().read(Answer(status=status, body=json.dumps(value).encode()), [running()])


def test_the_question_carries_id_and_key() -> None:
    source = Source(name="heron", provider=described(), base_url="", api_key=Secret("the-key"))
    call = described().query([running("a/b ?")], source)
    assert (call.method, call.url) == ("POST", "https://api.heron.example/pieces/a%2Fb%20%3F")
    assert call.headers["authorization"] == "Bearer the-key"
    assert json.loads(call.body or b"") == {"ids": ["a/b ?"]}
    assert "the-key" not in repr(call)


@pytest.mark.parametrize("job_id", ["..", ".", ""])
def test_an_id_that_would_lead_elsewhere_is_not_asked_for(job_id: str) -> None:
    source = Source(name="heron", provider=described(), base_url="", api_key=Secret("the-key"))
    with pytest.raises(Unsupported, match="job_1 cannot be asked for"):
        described().query([running(job_id)], source)


def test_the_answer_may_be_shaped_like_a_webhook_or_be_the_job_itself() -> None:
    done = {"id": "p1", "state": "done", "output": [{"url": "https://x.example/1.png"}]}
    for value in ({"results": [done]}, done):
        [report] = read(value)
        assert (report.provider_job_id, report.status, len(report.images)) == ("p1", "completed", 1)
    reports = read({"results": [done, {"id": "p2", "state": "running"}]})
    assert [report.provider_job_id for report in reports] == ["p1", "p2"]


def test_the_answer_need_not_repeat_the_id() -> None:
    [report] = read({"state": "running"})
    assert (report.provider_job_id, report.status) == ("p1", "running")


def test_an_error_about_the_question_does_not_fail_the_job() -> None:
    with pytest.raises(Unmapped):
        read({"problem": "rate limited"})
    for refused in (
        {"state": "error", "problem": "Rate limit exceeded"},
        {"state": "failed", "problem": "Invalid API key"},
    ):
        with pytest.raises(Unmapped, match="the question was refused"):
            read(refused)
        [report] = read({"id": "p1", **refused})
        assert report.status == "failed"
    [report] = read({"state": "failed", "problem": "it broke"})
    assert report.status == "failed"
    [report] = read({"id": "p1", "problem": "Content policy"})
    assert report.error is not None
    assert report.error.code == "moderated"


@pytest.mark.parametrize("status", [404, 410])
def test_a_job_that_is_not_known_is_left_out(status: int) -> None:
    assert read({}, status) == []


@pytest.mark.parametrize("status", [302, 401, 429, 500])
def test_no_other_status_tells_anything(status: int) -> None:
    with pytest.raises(Unmapped, match=f"HTTP {status}"):
        read({"id": "p1", "state": "done"}, status)


def test_without_a_query_it_cannot_be_asked() -> None:
    provider = described("")
    assert provider.query_batch == 0
    with pytest.raises(Unmapped):
        provider.read(Answer(status=200, body=b"{}"), [running()])
