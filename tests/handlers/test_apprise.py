"""Apprise: what services get, what is told again and to whom, and that no address shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from handlers.apprise import Apprise
from handlers.http.transport import HttpTransport
from receiver.errors import OptionError
from receiver.lib.signatures import Secret
from receiver.model.deliveries import Again, Delivered
from support.delivering import Bound, outgoing, strange_event
from support.json_services import JsonServices, json_services


@pytest.fixture
def services() -> Iterator[JsonServices]:
    with json_services() as running:
        yield running


def apprise(*urls: str, timeout: float = 30.0, **options: Any) -> Bound:
    return Bound(Apprise(Apprise.Options(urls=tuple(map(Secret, urls)), **options)), HttpTransport(), 0, timeout)


async def test_every_service_is_told_as_plain_text(services: JsonServices) -> None:
    sink = apprise(services.url("one"), services.url("two"))
    assert await sink.deliver(outgoing()) == Delivered()
    assert sorted(path for path, _ in services.messages) == ["one", "two"]
    said = services.messages[0][1]
    assert said["title"] == "pick of journey: completed"
    assert said["message"] == "Prompt: a garden\nJob: job_01\nhttps://cdn.example.com/1.png"
    assert said["attachments"] == []


async def test_a_further_try_goes_only_to_those_that_were_not_reached(services: JsonServices) -> None:
    sink = apprise(services.url("one"), services.url("two"), text="{{ job.prompt }}")
    services.broken.add("two")
    assert await sink.deliver(outgoing()) == Again(note="not reached: JSON")
    services.broken.clear()
    assert await sink.deliver(outgoing()) == Delivered()
    assert [path for path, _ in services.messages] == ["one", "two"]


async def test_a_service_that_hangs_is_given_up_in_time_and_holds_up_no_other(services: JsonServices) -> None:
    services.hanging.add("slow")
    outcome = await apprise(services.url("slow"), services.url("quick"), timeout=0.5).deliver(outgoing())
    assert outcome == Again(note="not reached: JSON")
    assert [path for path, _ in services.messages] == ["quick"]


async def test_what_is_strange_is_cut_and_is_never_an_attachment_or_a_template(services: JsonServices) -> None:
    assert await apprise(services.url("one")).deliver(outgoing(strange_event())) == Delivered()
    ((_, said),) = services.messages
    assert len(said["message"].encode()) <= 4_000
    assert said["attachments"] == []


def test_addresses_that_apprise_does_not_know_are_told_together_and_not_shown() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        apprise("json://x", "hush://hush", "slack://hush")
    told = [str(one) for one in caught.value.exceptions]
    assert [one.key for one in caught.value.exceptions if isinstance(one, OptionError)] == ["urls[1]", "urls[2]"]
    assert "hush" not in " ".join(told)
