"""Teams: an Adaptive Card an event, within what a Workflows webhook takes."""

from __future__ import annotations

import httpx

from handlers.http.transport import HttpTransport
from handlers.teams import Teams
from receiver.lib.signatures import Secret
from receiver.model.deliveries import Delivered
from support.delivering import Bound, outgoing, strange_event
from support.strict_sinks import StrictTeams

URL = "https://x.environment.api.powerplatform.com/powerautomate/invoke?api-version=1&sig=hushhushhushhushhush"


def teams(side: StrictTeams, text: str | None = None) -> Bound:
    return Bound(Teams(Teams.Options(url=Secret(URL), text=text)), HttpTransport(httpx.MockTransport(side)), 0)


def texts(card: dict[str, list[dict[str, str]]]) -> list[str]:
    return [part["text"] for part in card["body"] if part["type"] == "TextBlock"]


async def test_a_job_is_a_card_with_its_picture_and_links() -> None:
    side = StrictTeams()
    assert await teams(side).deliver(outgoing()) == Delivered(status=202)
    (card,) = side.cards
    assert texts(card)[:2] == ["pick of journey: completed", "Prompt: a garden"]
    assert card["body"][-1]["url"] == card["actions"][0]["url"] == "https://cdn.example.com/1.png"


async def test_the_operators_own_text_takes_the_place_of_the_lines_and_foreign_text_is_text() -> None:
    side = StrictTeams()
    await teams(side, "{{ job.prompt }}!").deliver(outgoing(prompt="[x](https://evil.example) *b*"))
    assert texts(side.cards[0])[1:] == ["\\[x\\]\\(https://evil.example\\) \\*b\\*!"]


async def test_whatever_a_vendor_says_stays_within_28_kb() -> None:
    side = StrictTeams()
    assert await teams(side).deliver(outgoing(strange_event())) == Delivered(status=202)
    assert await teams(side, "{{ job.prompt }}").deliver(outgoing(strange_event())) == Delivered(status=202)
