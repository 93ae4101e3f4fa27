"""ntfy: one message an event, within what the server documents."""

from __future__ import annotations

import httpx
import pytest

from handlers.http.transport import HttpTransport
from handlers.ntfy import Ntfy
from receiver.errors import OptionError
from receiver.lib.signatures import Secret
from receiver.model.deliveries import Dead, Delivered
from receiver.model.events import OperatorData, OperatorEvent
from support.delivering import Bound, outgoing, strange_event
from support.strict_sinks import StrictNtfy

URL = "https://ntfy.example/studio"


def ntfy(side: StrictNtfy, **options: object) -> Bound:
    made = Ntfy(Ntfy.Options(**{"url": Secret(URL), **options}))  # type: ignore[arg-type]
    return Bound(made, HttpTransport(httpx.MockTransport(side)), 0)


async def test_a_job_is_a_message_with_its_picture() -> None:
    side = StrictNtfy("tk_1")
    assert await ntfy(side, token=Secret("tk_1")).deliver(outgoing()) == Delivered(status=200)
    (message,) = side.messages
    assert (message["topic"], message["title"]) == ("studio", "pick of journey: completed")
    assert message["message"].startswith("Prompt: a garden\n")
    assert message["attach"] == message["click"] == "https://cdn.example.com/1.png"


async def test_the_operators_own_text_is_the_message_about_a_job() -> None:
    side = StrictNtfy()
    await ntfy(side, text="{{ job.prompt }} is {{ job.status }}").deliver(outgoing())
    assert side.messages[0]["message"].startswith("a garden is completed\n")


async def test_an_operator_event_says_why_and_is_urgent() -> None:
    side = StrictNtfy()
    data = OperatorData(sink="team", reason="it is down")
    event = OperatorEvent(id="evt_1", source="gridhook", type="sink.failing", subject="team", time="2026", data=data)
    await ntfy(side, text="{{ job.prompt }}").deliver(outgoing(event))
    (message,) = side.messages
    assert (message["title"], message["message"], message["priority"]) == ("sink team: failing", "it is down", 4)


async def test_whatever_a_vendor_says_stays_within_the_limits() -> None:
    side = StrictNtfy()
    assert await ntfy(side).deliver(outgoing(strange_event())) == Delivered(status=200)
    assert await ntfy(side, text="{{ job.prompt }}").deliver(outgoing(strange_event())) == Delivered(status=200)


async def test_a_wrong_token_is_final_and_not_shown() -> None:
    outcome = await ntfy(StrictNtfy("tk_1"), token=Secret("tk_hush")).deliver(outgoing())
    assert isinstance(outcome, Dead)
    assert (outcome.status, "hush" in outcome.note) == (401, False)


@pytest.mark.parametrize("url", ["https://ntfy.example", "https://ntfy.example/", "https://ntfy.example/a?b=c"])
def test_an_address_without_a_topic_is_refused_at_once(url: str) -> None:
    with pytest.raises(OptionError, match="names no topic"):
        ntfy(StrictNtfy(), url=Secret(url))
