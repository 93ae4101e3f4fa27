"""Slack: how a question is drawn, and which presses are taken for genuine."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import quote_plus

import msgspec
import pytest

from handlers.slack import Slack, presses
from handlers.slack.questions import question_message
from receiver.contracts import press_path
from receiver.errors import OptionError, Unmapped, Unverified
from receiver.lib.signatures import Secret
from receiver.model.deliveries import QuestionButton, ShownQuestion
from receiver.model.jobs import Cost, Hold, Image, Job, JobError
from support.pretend_slack import CHANNEL, bot, press_body

#: The vector of Slack's documentation.
SECRET = Secret("8f742231b10e8888abcd99yyyzzz85a5")
BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&"
    b"channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&"
    b"response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&"
    b"trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
HEADERS = {
    "x-slack-request-timestamp": "1531420618",
    "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
}
NOW = 1_531_420_618_000
CREDITS = Cost(amount=Decimal(2), unit="credits", source="table")
HOLD = Hold(reason="pick", since="2026-11-21T10:00:00.000Z", until="2026-11-22T10:00:00.000Z", default=1)


def a_question(**changes: Any) -> ShownQuestion:
    grid = Job(
        id="job_01",
        source="journey",
        provider="journeyapi",
        action="imagine",
        status="completed",
        root_id="job_01",
        prompt="a <cat>",
        grid_url="https://cdn.example.com/grid.png",
        created_at="2026-11-21T10:00:00.000Z",
    )
    pick = msgspec.structs.replace(
        grid, id="job_02", action="pick", status="held", hold=HOLD, rule="poster", grid_url=None, prompt=None
    )
    tiles = tuple(QuestionButton(label=f"U{index}", code=f"code-{index}", cost=CREDITS) for index in (1, 2, 3, 4))
    shown = ShownQuestion(job=pick, grid=grid, tiles=tiles, others=(QuestionButton(label="reroll", code="code-r"),))
    return msgspec.structs.replace(shown, job=msgspec.structs.replace(pick, **changes))


def test_an_open_question_shows_the_grid_and_what_there_is_to_choose() -> None:
    message = question_message(a_question())
    words = str(message.blocks)
    assert "Which tile of the grid of journey?" in message.text
    assert "https://cdn.example.com/grid.png" in words
    assert "without an answer it is U1" in words
    assert "a &lt;cat&gt;" in words
    rows = [block["elements"] for block in message.blocks if block["type"] == "actions"]
    assert [[one["text"]["text"] for one in row] for row in rows if isinstance(row, list)] == [
        [f"U{index} (2 credits)" for index in (1, 2, 3, 4)],
        ["reroll"],
    ]


@pytest.mark.parametrize(
    ("by", "words"),
    [
        ("slack:U1 Ada", "U2, chosen by Ada"),
        ("slack:U1", "U2, chosen by slack:U1"),
        ("api", "U2, chosen by api"),
        ("default", "U2, chosen by default, since nobody answered in time"),
    ],
)
def test_an_answered_question_says_who_chose_what(by: str, words: str) -> None:
    shown = a_question(status="planned", hold=None, params={"index": 2}, decided_by=by)
    message = question_message(shown)
    assert message.text.endswith(words)
    assert "Further tiles" in str(message.blocks)


def test_what_became_of_the_tile_is_told_too() -> None:
    done = a_question(
        status="completed",
        hold=None,
        params={"index": 2},
        decided_by="api",
        images=(Image(index=1, url="https://cdn.example.com/2.png"),),
    )
    assert "https://cdn.example.com/2.png" in str(question_message(done).blocks)
    error = JobError(code="moderated", message="not <allowed>")
    failed = a_question(status="failed", hold=None, params={"index": 2}, decided_by="api", error=error)
    assert "pick 2 is failed: moderated: not &lt;allowed&gt;" in str(question_message(failed).blocks)


def test_a_question_that_nobody_answered_says_so() -> None:
    error = JobError(code="expired", message="nobody picked a tile")
    message = question_message(a_question(status="canceled", hold=None, error=error))
    assert "No tile was chosen" in message.text
    assert "nobody picked a tile" in str(message.blocks)


# --- presses ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [0, 300, -300])
def test_the_documented_signature_is_genuine_for_five_minutes(seconds: int) -> None:
    presses.verify(SECRET, HEADERS, BODY, NOW + seconds * 1000)


@pytest.mark.parametrize(
    ("change", "now", "reason"),
    [
        ({}, NOW + 301_000, "too_old"),
        ({}, NOW - 301_000, "too_new"),
        ({"x-slack-signature": "v0=" + "0" * 64}, NOW, "signature_differs"),
        ({"x-slack-request-timestamp": "1531420619"}, NOW, "signature_differs"),
        ({"x-slack-signature": ""}, NOW, "signature_missing"),
        ({"x-slack-signature": "v0=zz"}, NOW, "signature_missing"),
        ({"x-slack-signature": HEADERS["x-slack-signature"] + ", v0=x"}, NOW, "signature_missing"),
        ({"x-slack-request-timestamp": "1531420618 "}, NOW, "signature_missing"),
        ({"x-slack-request-timestamp": "-1"}, NOW, "signature_missing"),
        ({"x-slack-request-timestamp": "٣"}, NOW, "signature_missing"),
    ],
)
def test_what_is_not_signed_right_or_not_now_is_refused(change: dict[str, str], now: int, reason: str) -> None:
    with pytest.raises(Unverified) as caught:
        presses.verify(SECRET, {**HEADERS, **change}, BODY, now)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"payload=",
        b"payload=%7B",
        b"payload=[]",
        b"payload=" + quote_plus('{"type":"view_submission"}').encode(),
        b"payload=" + quote_plus('{"type":"block_actions","actions":[],"user":{"id":"U1"}}').encode(),
        b"&".join([b"x=1"] * 100),
        b"\xff",
        press_body("x", user="not an id"),
        press_body("x", user=7),  # type: ignore[arg-type]  # what a stranger may write
        press_body(["x"]),  # type: ignore[arg-type]  # the same
        press_body("x", actions=[{"value": "x"}, {"value": "y"}]),
    ],
)
def test_what_is_no_press_is_told_apart(body: bytes) -> None:
    with pytest.raises(Unmapped):
        presses.read(presses.form_payload(body), CHANNEL, ())


def test_a_press_tells_who_where_and_whether_they_may() -> None:
    payload = presses.form_payload(press_body("code"))
    mine = presses.read(payload, CHANNEL, ("U0ADA",))
    assert (mine.button, mine.by, mine.is_own_channel, mine.may_decide) == ("code", "slack:U0ADA Ada", True, True)
    other = presses.read(payload, "C999", ("U0BEA",))
    assert (other.is_own_channel, other.may_decide) == (False, False)
    assert presses.read(payload, "#pictures", ()).is_own_channel


# --- options ---------------------------------------------------------------------------------------------------------


def test_only_a_bot_with_a_signing_secret_has_buttons() -> None:
    assert press_path(bot()) == "/slack/actions"
    assert press_path(bot(signing_secret=None)) is None
    assert press_path(Slack(Slack.Options(url=Secret("https://hooks.example.com/x")))) is None


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"signing_secret": Secret(" ")}, "signing_secret"),
        ({"signing_secret": None, "deciders": ("U0ADA",)}, "deciders"),
        ({"url": Secret("https://x.example"), "token": None, "channel": None}, "signing_secret"),
    ],
)
def test_options_that_do_not_fit_together_are_told(changes: dict[str, Any], key: str) -> None:
    with pytest.raises(OptionError) as caught:
        bot(**changes)
    assert caught.value.key == key
