"""JetStream: what a stream gets, what its answers mean, and that no key shows; by a real server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from handlers.http.transport import HttpTransport
from handlers.nats import Nats, check_server, subject_of
from handlers.text import template_of
from receiver.errors import OptionError
from receiver.lib.signatures import Secret
from receiver.model.deliveries import Again, Dead, Delivered
from receiver.model.events import OperatorData, OperatorEvent
from support.delivering import Bound, job_event, outgoing, strange_event
from support.nats_server import MAX_PAYLOAD, add_stream, kept_in, nats_server, remove_streams


@pytest.fixture(scope="module")
def running() -> Iterator[str]:
    with nats_server() as address:
        yield address


@pytest.fixture
async def server(running: str) -> str:
    """The server, without a stream."""
    await remove_streams(running)
    return running


def nats(*servers: str, timeout: float = 20.0, **options: Any) -> Bound:
    made = Nats(Nats.Options(servers=tuple(map(Secret, servers)), **options))
    return Bound(made, HttpTransport(), 0, timeout)


async def test_an_event_is_kept_once_whatever_is_repeated(server: str) -> None:
    await add_stream(server, "EVENTS", "gridhook.>")
    sink, sent = nats(server), outgoing()
    assert await sink.deliver(sent) == Delivered(note="EVENTS 1")
    assert await sink.deliver(sent) == Delivered(note="EVENTS had it already")
    ((subject, headers, body),) = await kept_in(server, "EVENTS")
    assert (subject, headers["Nats-Msg-Id"], body) == ("gridhook.job.completed", "evt_01.pictures", sent.body)


async def test_what_no_stream_takes_waits_for_one(server: str) -> None:
    sink = nats(server, subject="studio.{{ job.source }}.{{ job.status }}")
    assert await sink.deliver(outgoing()) == Again(note="studio.journey.completed: no stream takes this subject")
    await add_stream(server, "STUDIO", "studio.>")
    assert isinstance(await sink.deliver(outgoing()), Delivered)


async def test_what_the_stream_can_never_take_is_final(server: str) -> None:
    await add_stream(server, "SMALL", "gridhook.>", max_msg_size=64)
    outcome = await nats(server).deliver(outgoing())
    assert isinstance(outcome, Dead)
    assert outcome.status == 400
    large = msgspec.structs.replace(outgoing(), body=b"x" * (MAX_PAYLOAD + 1))
    assert isinstance(await nats(server).deliver(large), Dead)


async def test_a_wrong_key_is_final_and_none_is_shown() -> None:
    with nats_server("--user", "gridhook", "--pass", "hush-of-nats") as server:
        right = server.replace("://", "://gridhook:hush-of-nats@")
        await add_stream(right, "EVENTS", "gridhook.>")
        assert isinstance(await nats(right).deliver(outgoing()), Delivered)
        wrong = nats(server.replace("://", "://gridhook:not-that-hush@"))
        outcome = await wrong.deliver(outgoing())
    assert isinstance(outcome, Dead)
    assert "not-that-hush" not in f"{outcome} {wrong!r}"


async def test_the_next_server_is_asked_and_none_at_all_is_for_later(server: str) -> None:
    await add_stream(server, "EVENTS", "gridhook.>")
    assert isinstance(await nats("nats://127.0.0.1:1", server).deliver(outgoing()), Delivered)
    outcome = await nats("nats://bot:hush-hush@127.0.0.1:1").deliver(outgoing())
    assert isinstance(outcome, Again)
    assert "hush-hush" not in outcome.note


@pytest.mark.parametrize(
    ("source", "event", "subject"),
    [
        (None, job_event(), "gridhook.job.completed"),
        ("a.{{ job.prompt }}.b", job_event(prompt="x > * y\n\x00"), "a.x_y_.b"),
        ("{{ job.tags.team }}.{{ event.type }}", job_event(), "_.job.completed"),
        ("a..b. c", job_event(), "a._.b._c"),
    ],
)
def test_every_subject_is_a_valid_one(source: str | None, event: Any, subject: str) -> None:
    found = subject_of(event, Nats(Nats.Options(servers=(Secret("nats://x"),), subject=source))._template)
    assert found == subject


def test_what_is_strange_or_not_about_a_job_has_a_subject() -> None:
    data = OperatorData(sink="team", reason="HTTP 500", since="2026-11-21T10:00:00.000Z")
    told = OperatorEvent(id="evt_2", source="gridhook", type="sink.failing", subject="team", time="2026", data=data)
    assert subject_of(told, None) == "gridhook.sink.failing"
    assert subject_of(told, template_of("pictures.{{ job.source }}")) == "pictures._"
    assert subject_of(told, template_of("pictures.{{ event.type }}")) == "pictures.sink.failing"
    assert len(subject_of(strange_event(), template_of("{{ job.prompt }}"))) <= 255


@pytest.mark.parametrize(
    "text", ["nats.example.com", "http://x", "nats://", "nats://x:0", "nats://x:y", "nats://x/hush"]
)
def test_what_is_no_server_is_told(text: str) -> None:
    with pytest.raises(OptionError) as caught:
        check_server(Secret(text))
    assert "hush" not in str(caught.value)
