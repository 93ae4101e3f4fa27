"""Slack: what the message shows, how an incoming webhook and a bot carry it, what refusals mean."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import Any

import httpx
import msgspec
import pytest

from handlers.http.transport import HttpTransport
from handlers.slack import Slack
from handlers.slack.bot import GONE
from handlers.slack.message import Message, message
from handlers.slack.refusals import PASSING
from handlers.slack.wording import MAX_SECTION, foreign
from handlers.text import template_of
from receiver.errors import OptionError
from receiver.lib.signatures import Secret
from receiver.model.deliveries import (
    Again,
    Dead,
    Delivered,
    Outcome,
    OutgoingEvent,
    QuestionButton,
)
from receiver.model.events import Event, EventType
from receiver.model.jobs import (
    Cost,
    Hold,
    Image,
    Job,
    JobError,
)
from receiver.model.templates import EventTemplate
from receiver.pretend.platforms.slack.blocks import is_too_long
from support.delivering import Bound

NOW = 1_800_000_000_000
HOOK = "https://hooks.example.com/services/T0/B0/hushhushhushhushhush"
GRID = "https://cdn.example.com/grid.png?a=1&b=2"


def job(**changes: object) -> Job:
    plain = Job(
        id="job_01",
        source="journey",
        provider="journeyapi",
        provider_job_id="550e8400",
        action="pick",
        params={"index": 2},
        status="completed",
        progress=100,
        root_id="job_01",
        tags={"project": "poster"},
        prompt="a garden",
        images=(Image(index=1, url="https://cdn.example.com/1.png"),),
        cost=Cost(amount=Decimal(2), unit="credits", source="table"),
        created_at="2026-11-21T10:00:00.000Z",
    )
    return msgspec.structs.replace(plain, **changes)


def event(data: Job | None = None, kind: EventType = "job.completed", number: int = 1) -> Event:
    about = data or job()
    return Event(
        id=f"evt_{number:02}",
        source="gridhook/journey",
        type=kind,
        subject=about.id,
        time="2026-11-21T10:00:00.000Z",
        data=about,
    )


def outgoing(about: Event | None = None, receipt: str | None = None) -> OutgoingEvent:
    return OutgoingEvent(delivery_id="dlv_01", attempt=1, event=about or event(), body=b"{}", receipt=receipt)


def texts(shown: Message) -> list[str]:
    """The text of every section and context."""
    parts = [part for block in shown.blocks for part in (block.get("text"), *_elements(block)) if part]
    return [str(part["text"]) for part in parts if isinstance(part, dict)]


def _elements(block: dict[str, object]) -> list[object]:
    elements = block.get("elements", [])
    return elements if isinstance(elements, list) else []


def pictures(shown: Message) -> list[object]:
    return [block["image_url"] for block in shown.blocks if block["type"] == "image"]


# --- the message -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "changes", "line"),
    [
        ("job.completed", {}, "✅ pick 2 of journey completed"),
        ("job.failed", {"status": "failed"}, "❌ pick 2 of journey failed"),
        ("job.canceled", {"status": "canceled"}, "⛔ pick 2 of journey canceled"),
        ("job.progress", {"progress": 46}, "⏳ pick 2 of journey is at 46 %"),
        ("job.submitted", {"status": "queued"}, "📤 pick 2 of journey is on its way"),
        ("job.held", {"status": "held"}, "✋ pick 2 of journey waits"),
        ("job.unsure", {"status": "unsure"}, "❔ It is not known whether journey took the order: pick 2"),
        ("job.completed", {"action": None}, "✅ a job of journey completed"),
        (
            "job.completed",
            {"action": "upscale", "params": {"kind": "2x"}},
            "✅ upscale 2x of journey completed",
        ),
    ],
)
def test_the_first_line_says_what_happened(kind: EventType, changes: dict[str, object], line: str) -> None:
    shown = message(event(job(**changes), kind))
    assert shown.text == line
    assert texts(shown)[0] == line


def test_prompt_cost_tags_and_ids_are_told() -> None:
    told = "\n".join(texts(message(event())))
    for part in ("Prompt: a garden", "cost 2 credits", "project=poster", "job job_01", "550e8400"):
        assert part in told


def test_a_failure_tells_its_reason() -> None:
    failed = job(status="failed", error=JobError(code="moderated", provider_code="E7", message="not <allowed>"))
    assert "Reason: moderated (E7): not &lt;allowed&gt;" in texts(message(event(failed, "job.failed")))


def test_a_job_without_its_picture_says_so() -> None:
    assert any("told no picture" in text for text in texts(message(event(job(images=(), warning="no_picture")))))
    assert not any("told no picture" in text for text in texts(message(event())))


def test_a_hold_tells_what_it_waits_for() -> None:
    held = job(status="held", hold=Hold(reason="pick", since="2026-11-21", until="2026-11-22", default=1))
    assert "Waits for: pick, until 2026-11-22, then 1" in texts(message(event(held, "job.held")))


def test_an_unsure_job_tells_how_it_is_settled() -> None:
    shown = message(event(job(status="unsure"), "job.unsure"))
    assert any("gridhook resolve job_01 check" in text for text in texts(shown))


def test_the_grid_is_shown_and_every_picture_is_linked() -> None:
    images = tuple(Image(index=index, url=f"https://cdn.example.com/{index}.png") for index in (1, 2, 3, 4))
    shown = message(event(job(grid_url=GRID, images=images)))
    assert pictures(shown) == [GRID]
    links = texts(shown)[-1]
    assert links.startswith("<https://cdn.example.com/grid.png?a=1&amp;b=2|grid>")
    assert all(f"<https://cdn.example.com/{index}.png|picture {index}>" in links for index in (1, 2, 3, 4))
    assert all(link in shown.plain for link in links.split(" · "))


def test_a_picture_has_a_description() -> None:
    (block,) = [block for block in message(event()).blocks if block["type"] == "image"]
    assert block["alt_text"] == "pick 2 of journey"


@pytest.mark.parametrize(
    "url",
    [
        "https://cdn.example.com/grid.webp",
        "https://cdn.example.com/grid.WEBP?size=big",
        "https://cdn.example.com/" + "x" * 3000,
        "data:image/png;base64,AAAA",
        "javascript:alert(1)",
        "https://cdn.example.com/a b.png",
        "",
    ],
)
def test_what_slack_cannot_show_is_left_out(url: str) -> None:
    assert pictures(message(event(job(grid_url=url, images=())))) == []


def test_a_webp_grid_gives_way_to_a_picture_that_can_be_shown_and_stays_a_link() -> None:
    shown = message(event(job(grid_url="https://cdn.example.com/grid.webp")))
    assert pictures(shown) == ["https://cdn.example.com/1.png"]
    assert "<https://cdn.example.com/grid.webp|grid>" in shown.plain


def test_what_is_too_much_goes_from_below_and_buttons_stay() -> None:
    images = tuple(Image(index=index, url=f"https://cdn.example.com/{index}?{'x' * 2600}") for index in range(1, 9))
    buttons = [QuestionButton(label=f"U{index}", code="c" * 64) for index in range(1, 13)]
    shown = message(event(job(images=images, prompt="<" * 9000)), buttons=buttons, confirm_above=Decimal(0))
    kinds = [block["type"] for block in shown.blocks]
    assert not is_too_long(shown.blocks)
    assert (kinds[0], kinds[1], kinds[-1]) == ("section", "image", "actions")
    assert 0 < kinds.count("context") < 8
    assert shown.plain.count("|picture ") > 4


def test_long_addresses_take_several_blocks_rather_than_being_lost() -> None:
    images = tuple(Image(index=index, url=f"https://cdn.example.com/{index}?{'x' * 1800}") for index in (1, 2, 3, 4))
    shown = message(event(job(images=images)))
    assert sum(text.count("|picture ") for text in texts(shown)) == 4
    assert shown.plain.count("|picture ") == 4


def test_foreign_text_is_only_text() -> None:
    nasty = "<!channel> & <https://evil.example|click>\n> quote"
    strange = job(source=nasty, action=nasty, prompt=nasty, tags={nasty: nasty}, provider_job_id=nasty)
    shown = message(event(strange))
    for text in [*texts(shown), shown.plain, shown.text]:
        assert "<!channel>" not in text
        assert "<https://evil" not in text
        assert "\n> quote" not in text
    assert json.dumps(shown.blocks).count('"verbatim": true') == len(texts(shown))


def test_a_link_cannot_be_broken_out_of() -> None:
    shown = message(event(job(images=(Image(index=1, url="https://a.example/|x> <!channel>"),))))
    assert "<!channel>" not in json.dumps(shown.blocks[:1]) + shown.plain


def test_no_section_is_longer_than_slack_takes() -> None:
    long = "&" * 9000
    strange = job(prompt=long, tags={long: long}, error=JobError(code="moderated", message=long), action=long)
    shown = message(event(strange, "job.failed"), template("{{ job.prompt }}" * 20))
    assert max(len(text) for text in texts(shown)) <= 3000
    assert all(not text.endswith(("&", "&a", "&am", "&amp")) for text in texts(shown))


# --- the operator's own first line -----------------------------------------------------------------------------------


def template(text: str) -> EventTemplate:
    found = template_of(text, lambda value: foreign(value, MAX_SECTION))
    assert found is not None
    return found


def test_a_template_replaces_the_first_line_and_values_are_escaped() -> None:
    text = "<!here> {{ event.type }} {{ job.prompt }} {{ job.cost.amount }} {{ job.grid_url }}!"
    shown = message(event(job(prompt="<!channel>\n<b>")), template(text))
    assert shown.text == "<!here> job.completed &lt;!channel&gt; &lt;b&gt; 2 !"


def test_a_template_that_comes_out_empty_or_fails_gives_way_to_the_usual_line() -> None:
    for text in ("{{ job.grid_url }} ", "{{ job.prompt + 1 }}"):
        assert message(event(), template(text)).text == "✅ pick 2 of journey completed"


def test_a_template_that_cannot_be_read_is_refused_at_once() -> None:
    with pytest.raises(OptionError, match="text syntax error"):
        slack(Side(), text="{{ job.prompt")


# --- carrying it -----------------------------------------------------------------------------------------------------


class Side:
    """Slack, as far as a test needs it: gives the answers in order, and remembers what it was sent."""

    def __init__(self, *answers: httpx.Response) -> None:
        self._answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self._answers.pop(0)

    @property
    def said(self) -> list[dict[str, Any]]:
        """The JSON of every request."""
        return [json.loads(request.content) for request in self.requests]

    @property
    def methods(self) -> list[str]:
        """The last part of every path."""
        return [request.url.path.rpartition("/")[2] for request in self.requests]


def slack(side: Side, text: str | None = None) -> Bound:
    return made(side, Slack.Options(url=Secret(HOOK), text=text))


def bot(side: Side) -> Bound:
    return made(side, Slack.Options(token=Secret("xoxb-hush"), channel="#pictures"))


def made(side: Side, options: Slack.Options) -> Bound:
    return Bound(Slack(options), HttpTransport(httpx.MockTransport(side)), NOW)


def ok(ts: str = "1.5") -> httpx.Response:
    return httpx.Response(200, json={"ok": True, "ts": ts, "channel": "C1"})


def no(error: str, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json={"ok": False, "error": error})


def receipt_of(outcome: Outcome) -> str:
    assert isinstance(outcome, Delivered)
    assert outcome.receipt is not None
    return outcome.receipt


@pytest.mark.parametrize(
    "options",
    [
        Slack.Options(),
        Slack.Options(token=Secret("xoxb-hush")),
        Slack.Options(channel="C1"),
        Slack.Options(url=Secret(HOOK), token=Secret("xoxb-hush"), channel="C1"),
        Slack.Options(url=Secret("hooks.example.com/hush")),
        Slack.Options(token=Secret("xoxb-hush"), channel="C1", api_url="slack"),
    ],
)
def test_options_that_do_not_say_one_way_are_refused_at_once(options: Slack.Options) -> None:
    with pytest.raises(OptionError) as caught:
        made(Side(), options)
    assert "hush" not in str(caught.value)


async def test_a_hook_gets_blocks_and_a_text() -> None:
    side = Side(httpx.Response(200, text="ok"))
    assert await slack(side).deliver(outgoing()) == Delivered(status=200)
    (said,) = side.said
    assert str(side.requests[0].url) == HOOK
    assert side.requests[0].headers["content-type"] == "application/json; charset=utf-8"
    assert said["text"] == "✅ pick 2 of journey completed"
    assert [block["type"] for block in said["blocks"]] == ["section", "image", "context", "context", "context"]


@pytest.mark.parametrize("word", ["invalid_blocks", "invalid_attachments", "downloading image failed [json-pointer]"])
async def test_a_hook_that_refuses_the_blocks_gets_text_with_the_link_at_once(word: str) -> None:
    side = Side(httpx.Response(400, text=word), httpx.Response(200, text="ok"))
    outcome = await slack(side).deliver(outgoing())
    assert outcome == Delivered(status=200, note="sent as text: Slack refused the blocks")
    assert "blocks" not in side.said[1]
    assert "<https://cdn.example.com/1.png|picture>" in side.said[1]["text"]


async def test_a_hook_that_refuses_the_text_too_is_dead() -> None:
    side = Side(httpx.Response(400, text="invalid_blocks"), httpx.Response(400, text="invalid_payload"))
    assert await slack(side).deliver(outgoing()) == Dead(note="HTTP 400: invalid_payload", status=400)


async def test_another_400_is_not_sent_again() -> None:
    side = Side(httpx.Response(400, text="user_not_found"))
    assert isinstance(await slack(side).deliver(outgoing()), Dead)
    assert len(side.requests) == 1


@pytest.mark.parametrize(
    ("status", "word", "remedy"),
    [
        (403, "invalid_token", "new incoming webhook"),
        (404, "no_service", "new incoming webhook"),
        (410, "channel_is_archived", "unarchive"),
        (403, "action_prohibited", "administrator"),
    ],
)
async def test_a_hook_that_is_no_more_is_dead_with_a_remedy(status: int, word: str, remedy: str) -> None:
    outcome = await slack(Side(httpx.Response(status, text=word))).deliver(outgoing())
    assert isinstance(outcome, Dead)
    assert word in outcome.note
    assert remedy in outcome.note


async def test_a_hook_that_is_busy_says_when_to_come_again() -> None:
    busy = httpx.Response(429, headers={"retry-after": "30"}, text="rate_limited")
    assert await slack(Side(busy)).deliver(outgoing()) == Again(note="HTTP 429: rate_limited", status=429, after=30)


async def test_a_bot_posts_the_first_event_and_remembers_the_message() -> None:
    side = Side(ok())
    receipt = receipt_of(await bot(side).deliver(outgoing()))
    assert json.loads(receipt) == {"ts": "1.5", "channel": "C1", "event": "evt_01"}
    assert str(side.requests[0].url) == "https://slack.com/api/chat.postMessage"
    assert side.requests[0].headers["authorization"] == "Bearer xoxb-hush"
    assert side.said[0]["channel"] == "#pictures"


async def test_a_bot_edits_the_message_for_a_later_event() -> None:
    side = Side(ok(), ok())
    slack_bot = bot(side)
    first = receipt_of(await slack_bot.deliver(outgoing()))
    second = receipt_of(await slack_bot.deliver(outgoing(event(number=2), first)))
    assert side.methods == ["chat.postMessage", "chat.update"]
    assert (side.said[1]["channel"], side.said[1]["ts"]) == ("C1", "1.5")
    assert json.loads(second)["event"] == "evt_02"


async def test_an_event_older_than_the_one_shown_changes_nothing() -> None:
    side = Side(ok())
    slack_bot = bot(side)
    newer = receipt_of(await slack_bot.deliver(outgoing(event(number=2))))
    outcome = await slack_bot.deliver(outgoing(event(number=1), newer))
    assert outcome == Delivered(note="superseded", receipt=newer)
    assert len(side.requests) == 1


async def test_the_event_that_is_shown_can_be_redelivered() -> None:
    side = Side(ok(), ok())
    slack_bot = bot(side)
    receipt = receipt_of(await slack_bot.deliver(outgoing()))
    assert receipt_of(await slack_bot.deliver(outgoing(receipt=receipt))) == receipt
    assert side.methods == ["chat.postMessage", "chat.update"]


@pytest.mark.parametrize("error", sorted(GONE))
async def test_a_message_that_cannot_be_edited_is_posted_anew(error: str) -> None:
    side = Side(ok("1.5"), no(error), ok("9.9"))
    slack_bot = bot(side)
    first = receipt_of(await slack_bot.deliver(outgoing()))
    second = receipt_of(await slack_bot.deliver(outgoing(event(number=2), first)))
    assert side.methods == ["chat.postMessage", "chat.update", "chat.postMessage"]
    assert json.loads(second) == {"ts": "9.9", "channel": "C1", "event": "evt_02"}


@pytest.mark.parametrize("error", ["invalid_blocks", "invalid_attachments", "msg_blocks_too_long", "invalid_arguments"])
async def test_a_bot_whose_blocks_are_refused_leaves_the_picture_out_and_then_sends_text_without_blocks(
    error: str,
) -> None:
    side = Side(no(error), no(error), ok())
    outcome = await bot(side).deliver(outgoing())
    assert isinstance(outcome, Delivered)
    assert outcome.note == "sent as text: Slack refused the blocks"
    assert "image" not in [block["type"] for block in side.said[1]["blocks"]]
    assert side.said[2]["blocks"] == []
    assert "<https://cdn.example.com/1.png|picture>" in side.said[2]["text"]


async def test_a_picture_that_slack_cannot_fetch_costs_the_picture_only() -> None:
    side = Side(no("invalid_blocks"), ok())
    outcome = await bot(side).deliver(outgoing())
    assert isinstance(outcome, Delivered)
    assert outcome.note == "sent without its picture: Slack refused it"
    assert side.said[1]["blocks"] == [block for block in side.said[0]["blocks"] if block["type"] != "image"]


async def test_the_text_of_an_edit_is_as_short_as_slack_takes_it() -> None:
    images = tuple(Image(index=index, url=f"https://cdn.example.com/{index}?{'x' * 1800}") for index in (1, 2, 3, 4))
    side = Side(ok(), no("invalid_blocks"), no("invalid_blocks"), ok())
    slack_bot = bot(side)
    first = receipt_of(await slack_bot.deliver(outgoing()))
    await slack_bot.deliver(outgoing(event(job(images=images), number=2), first))
    assert 1800 < len(side.said[3]["text"]) <= 4000


async def test_a_text_that_is_too_long_is_sent_as_short_as_slack_takes_it() -> None:
    images = tuple(Image(index=index, url=f"https://cdn.example.com/{index}?{'x' * 1800}") for index in (1, 2, 3, 4))
    side = Side(no("msg_too_long"), no("msg_too_long"), ok())
    assert isinstance(await bot(side).deliver(outgoing(event(job(images=images)))), Delivered)
    assert 1800 < len(side.said[2]["text"]) <= 4000


async def test_a_message_that_is_taken_is_not_sent_again_for_words_in_the_answer() -> None:
    echo = {
        "ok": True,
        "ts": "1.5",
        "channel": "C1",
        "message": {"blocks": [{"image_url": "https://a/invalid_blocks"}]},
    }
    side = Side(httpx.Response(200, json=echo))
    assert isinstance(await bot(side).deliver(outgoing()), Delivered)
    assert len(side.requests) == 1


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        ("channel_not_found", "channel's id"),
        ("not_in_channel", "/invite"),
        ("is_archived", "unarchive"),
        ("invalid_auth", "new bot token"),
        ("token_revoked", "new bot token"),
        ("missing_scope", "chat:write"),
    ],
)
async def test_a_bot_that_may_not_is_dead_with_a_remedy(error: str, remedy: str) -> None:
    outcome = await bot(Side(no(error))).deliver(outgoing())
    assert isinstance(outcome, Dead)
    assert outcome.note.startswith(f"Slack: {error}: ")
    assert remedy in outcome.note


async def test_an_error_that_is_not_known_is_dead_in_slacks_own_word() -> None:
    assert await bot(Side(no("brand_new"))).deliver(outgoing()) == Dead(note="Slack: brand_new", status=200)


@pytest.mark.parametrize("error", sorted(PASSING))
async def test_an_error_that_passes_is_tried_again(error: str) -> None:
    answer = httpx.Response(200, headers={"retry-after": "3"}, json={"ok": False, "error": error})
    assert await bot(Side(answer)).deliver(outgoing()) == Again(note=f"Slack: {error}", status=200, after=3)


async def test_a_bot_that_is_limited_by_status_waits_as_long_as_it_is_told() -> None:
    answer = httpx.Response(429, headers={"retry-after": "12"}, json={"ok": False, "error": "ratelimited"})
    outcome = await bot(Side(answer)).deliver(outgoing())
    assert isinstance(outcome, Again)
    assert outcome.after == 12


@pytest.mark.parametrize("body", [b"", b"<html>log in</html>", b"[]", b"null"])
async def test_an_answer_that_is_not_slacks_is_tried_again(body: bytes) -> None:
    outcome = await bot(Side(httpx.Response(200, content=body))).deliver(outgoing())
    assert outcome == Again(note="the answer is not one of Slack's Web API", status=200)


async def test_a_second_call_has_no_time_of_its_own() -> None:
    class Stalling(httpx.AsyncBaseTransport):
        """Refuses the blocks, and then never answers."""

        calls = 0

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            self.calls += 1
            if self.calls > 1:
                await asyncio.Event().wait()
            return httpx.Response(400, text="invalid_blocks")

    side = Stalling()
    handler = Bound(Slack(Slack.Options(url=Secret(HOOK))), HttpTransport(side), NOW, 0.1)
    assert await handler.deliver(outgoing()) == Again(note="Slack took longer than 0.1 s")
    assert side.calls == 2
