"""Presses by Socket Mode carry their own time; words in return go to Slack and to nobody else."""

from __future__ import annotations

import json
from typing import Any

import httpx
import msgspec
import pytest

from handlers.http.transport import HttpTransport
from handlers.slack import Slack
from receiver.contracts import has_buttons, listens_as, press_path
from receiver.errors import OptionError, Unmapped, Unverified
from receiver.lib.signatures import Secret
from support.pretend_slack import CHANNEL, bot

NOW = 1_800_000_000_000


def a_payload(at_ms: int = NOW, **more: Any) -> bytes:
    """What Socket Mode sends of a press that was made at this moment."""
    payload = {
        "type": "block_actions",
        "user": {"id": "U0ADA", "username": "Ada"},
        "container": {"channel_id": CHANNEL, "thread_ts": "1.000001"},
        "response_url": "https://slack.test/actions/T/x",
        "actions": [{"value": "code", "action_ts": f"{at_ms / 1000:.6f}"}],
        **more,
    }
    return msgspec.json.encode(payload)


def test_a_press_is_read_with_where_its_maker_can_be_told() -> None:
    pressed = bot().read_heard(a_payload(), NOW)
    assert (pressed.button, pressed.by, pressed.is_own_channel) == ("code", "slack:U0ADA Ada", True)
    assert json.loads(pressed.reply_to) == {"url": "https://slack.test/actions/T/x", "thread": "1.000001"}


@pytest.mark.parametrize(("away_s", "reason"), [(-301, "too_old"), (301, "too_new")])
def test_a_press_from_more_than_five_minutes_away_is_refused(away_s: int, reason: str) -> None:
    with pytest.raises(Unverified) as caught:
        bot().read_heard(a_payload(NOW + away_s * 1000), NOW)
    assert caught.value.reason == reason
    assert bot().read_heard(a_payload(NOW + (away_s - away_s // abs(away_s)) * 1000), NOW).button == "code"


@pytest.mark.parametrize(
    "actions",
    [
        [],
        [{"value": "code"}],
        [{"value": "code", "action_ts": "soon"}],
        [{"value": "code", "action_ts": None}],
        [{"value": "a", "action_ts": "1800000000.0"}, {"value": "b", "action_ts": "1800000000.0"}],
        "x",
    ],
)
def test_a_press_that_does_not_say_when_it_was_is_none(actions: Any) -> None:
    with pytest.raises(Unmapped):
        bot().read_heard(a_payload(actions=actions), NOW)


def test_a_time_that_is_no_number_is_refused() -> None:
    for odd in ("nan", "inf", "-inf", "1e999"):
        with pytest.raises(Unverified):
            bot().read_heard(a_payload(actions=[{"value": "code", "action_ts": odd}]), NOW)


async def said(url: str, words: str = "U2 <was> chosen", api: str = "https://slack.test/api") -> list[httpx.Request]:
    """The calls that tell words to who pressed, where the press named this address."""
    calls: list[httpx.Request] = []

    def side(request: httpx.Request) -> httpx.Response:
        calls.append(request)
        return httpx.Response(200, json={"ok": True})

    handler = bot(api_url=api)
    transport = HttpTransport(httpx.MockTransport(side))
    await handler.reply_to_press(handler.read_heard(a_payload(response_url=url), NOW), words, transport)
    return calls


async def test_words_in_return_are_seen_by_one_in_the_thread_and_are_text() -> None:
    (call,) = await said("https://slack.test/actions/T/x")
    assert json.loads(call.content) == {
        "response_type": "ephemeral",
        "replace_original": False,
        "thread_ts": "1.000001",
        "text": "U2 &lt;was&gt; chosen",
    }


async def test_words_go_to_slacks_own_hooks() -> None:
    assert len(await said("https://hooks.slack.com/actions/T/x", api="https://slack.com/api")) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://slack.test/x",
        "https://slack.test.evil.example/x",
        "https://evil.example/slack.test",
        "https://hooks.slack.com@evil.example/x",
        "https://slack.test:8443/x",
        "https://169.254.169.254/",
        "file:///etc/passwd",
        "https://[x",
        "",
    ],
)
async def test_words_go_nowhere_else(url: str) -> None:
    assert await said(url) == []


async def test_no_words_are_no_call() -> None:
    assert await said("https://slack.test/actions/T/x", "") == []


def test_an_address_that_is_no_text_or_too_long_is_none() -> None:
    for odd in (7, None, "https://slack.test/" + "x" * 500):
        assert bot().read_heard(a_payload(response_url=odd), NOW).reply_to == ""


# --- options ---------------------------------------------------------------------------------------------------------


def test_either_way_gives_a_sink_buttons_and_an_app_is_told_by_its_token() -> None:
    by_socket = bot(signing_secret=None, app_token=Secret("xapp-1"))
    assert (press_path(by_socket), has_buttons(by_socket)) == (None, True)
    assert listens_as(by_socket) == listens_as(bot(channel="C999", app_token=Secret("xapp-1")))
    assert listens_as(by_socket) != listens_as(bot(app_token=Secret("xapp-2")))
    assert listens_as(bot()) is None
    assert not has_buttons(bot(signing_secret=None))


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"app_token": Secret("xoxb-1")}, "app_token"),
        ({"signing_secret": None, "confirm_above": 4}, "confirm_above"),
        ({"url": Secret("https://x.example"), "token": None, "channel": None, "signing_secret": None}, "pictures"),
    ],
)
def test_options_that_do_not_fit_together_are_told(changes: dict[str, Any], key: str) -> None:
    with pytest.raises(OptionError) as caught:
        bot(**{"pictures": "upload", **changes})
    assert caught.value.key == key


def test_an_incoming_webhook_has_neither_families_nor_buttons() -> None:
    hook = Slack(Slack.Options(url=Secret("https://hooks.example.com/x")))
    assert not hook.shows_families
    assert not has_buttons(hook)
