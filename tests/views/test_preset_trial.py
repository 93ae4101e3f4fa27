"""What a preset makes of a body: paths, proof, events; nothing is kept."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from receiver.errors import NotJson
from receiver.lib.signatures import Secret
from receiver.providers.generic import Generic
from receiver.providers.generic.options import Options
from receiver.views.preset_trial import PresetTrial, Proven, try_preset

NOW = 1_795_255_200_000


def tried(body: Any, headers: dict[str, str] | None = None, secret: str | None = None, **keys: Any) -> PresetTrial:
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    provider = Generic(msgspec.convert(keys, Options))
    return try_preset(provider, raw, headers, None if secret is None else Secret(secret), NOW)


def test_it_tells_the_event_that_would_be_made() -> None:
    found = tried({"id": "7", "status": "done", "images": ["https://x.example/1.png"]}, action="imagine")
    [event] = found.events
    assert (event.type, event.data.provider_job_id, event.data.action) == ("job.completed", "7", "imagine")
    assert event.time.startswith("2026-11-21T")
    assert found.note is None
    assert {one.path for one in found.jobs[0] if one.used} == {"id", "status", "images[*]"}


def test_what_is_not_understood_says_why_and_still_where_the_paths_lead() -> None:
    found = tried({"id": "7", "status": "HUNG"})
    assert found.events == ()
    assert found.note == "unknown status 'HUNG': name it in words"
    assert [one.path for one in found.jobs[0] if one.used] == ["id", "status"]
    assert tried({"x": 1}, each="data[*]").jobs == ()


def test_several_jobs_of_one_post_are_several_events() -> None:
    body = {"data": [{"id": "1", "status": "done"}, {"id": "2", "status": "failed"}]}
    found = tried(body, each="data[*]")
    assert [event.type for event in found.events] == ["job.completed", "job.failed"]
    assert len(found.jobs) == 2


@pytest.mark.parametrize(
    ("headers", "secret", "proven"),
    [
        (None, "s", None),
        ({"x-word": "s"}, None, Proven(header="x-word", is_there=True, seal=None)),
        ({"x-word": "s"}, "s", Proven(header="x-word", is_there=True, seal="valid")),
        ({"x-word": "t"}, "s", Proven(header="x-word", is_there=True, seal="wrong")),
        ({}, "s", Proven(header="x-word", is_there=False, seal="absent")),
    ],
)
def test_what_the_headers_prove(headers: dict[str, str] | None, secret: str | None, proven: Proven | None) -> None:
    assert tried({"id": "7", "status": "done"}, headers, secret, verify={"header": "X-Word"}).proven == proven


def test_a_challenge_is_no_event() -> None:
    found = tried({"challenge": "abc"}, challenge="challenge")
    assert (found.events, found.note) == ((), "a challenge, which is echoed")


def test_a_form_is_read_where_the_preset_expects_one() -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    found = tried(b"id=7&status=done", headers, form=True)
    assert [event.data.provider_job_id for event in found.events] == ["7"]
    with pytest.raises(NotJson):
        tried(b"id=7&status=done")
