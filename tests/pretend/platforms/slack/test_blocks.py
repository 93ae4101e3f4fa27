"""The pretend Slack refuses what Slack documents that it refuses of blocks."""

from __future__ import annotations

from typing import Any

import pytest

from receiver.pretend.platforms.slack.blocks import is_too_long, mistakes_in

TEXT = {"type": "mrkdwn", "text": "hello"}
PLAIN = {"type": "plain_text", "text": "U1"}
BUTTON = {"type": "button", "action_id": "U1", "text": PLAIN, "value": "v"}
CONFIRM = {"title": PLAIN, "text": PLAIN, "confirm": PLAIN, "deny": PLAIN}


def actions(*elements: Any, **more: Any) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements), **more}


def image(**fields: Any) -> dict[str, Any]:
    return {"type": "image", "alt_text": "a picture", **fields}


@pytest.mark.parametrize(
    "block",
    [
        {"type": "section", "text": TEXT},
        {"type": "section", "fields": [TEXT]},
        {"type": "context", "elements": [TEXT, image(image_url="https://a/b.png")]},
        {"type": "header", "text": PLAIN},
        {"type": "divider"},
        actions(BUTTON, {**BUTTON, "action_id": "U2", "style": "primary", "confirm": CONFIRM}, block_id="tiles"),
        image(image_url="https://a/b.png", title=PLAIN),
        image(slack_file={"id": "F012345678"}),
    ],
)
def test_what_slack_takes_is_taken(block: dict[str, Any]) -> None:
    assert list(mistakes_in([block])) == []


@pytest.mark.parametrize(
    ("block", "place"),
    [
        ("text", "/blocks/0/type"),
        ({"type": "video"}, "/blocks/0/type"),
        ({"type": "section"}, "/blocks/0/text"),
        ({"type": "section", "text": {"type": "mrkdwn", "text": ""}}, "/blocks/0/text/text"),
        ({"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}, "/blocks/0/text/text"),
        ({"type": "section", "text": TEXT, "colour": "red"}, "/blocks/0"),
        ({"type": "section", "fields": [TEXT] * 11}, "/blocks/0/fields"),
        ({"type": "section", "text": TEXT, "accessory": TEXT}, "/blocks/0/accessory/type"),
        ({"type": "context", "elements": [TEXT] * 11}, "/blocks/0/elements"),
        ({"type": "header", "text": TEXT}, "/blocks/0/text"),
        ({"type": "divider", "block_id": "x" * 256}, "/blocks/0/block_id"),
        (actions(), "/blocks/0/elements"),
        (actions(*({**BUTTON, "action_id": str(one)} for one in range(26))), "/blocks/0/elements"),
        (actions(BUTTON, BUTTON), "/blocks/0/elements"),
        (actions({**BUTTON, "text": TEXT}), "/blocks/0/elements/0/text"),
        (actions({**BUTTON, "text": {"type": "plain_text", "text": "x" * 76}}), "/blocks/0/elements/0/text/text"),
        (actions({**BUTTON, "value": "x" * 2001}), "/blocks/0/elements/0/value"),
        (actions({**BUTTON, "style": "loud"}), "/blocks/0/elements/0/style"),
        (actions({**BUTTON, "confirm": {"title": PLAIN}}), "/blocks/0/elements/0/confirm"),
        (
            actions({**BUTTON, "confirm": {**CONFIRM, "deny": {"type": "plain_text", "text": "x" * 31}}}),
            "/blocks/0/elements/0/confirm/deny/text",
        ),
        (image(), "/blocks/0"),
        (image(image_url="https://a/b.png", slack_file={"id": "F012345678"}), "/blocks/0"),
        (image(image_url="ftp://a/b.png"), "/blocks/0/image_url"),
        (image(image_url="https://a/" + "x" * 3000), "/blocks/0/image_url"),
        (image(slack_file={"id": "F1"}), "/blocks/0/slack_file/id"),
        (image(slack_file={"id": "F012345678", "url": "https://a/b"}), "/blocks/0/slack_file"),
        ({"type": "image", "image_url": "https://a/b.png"}, "/blocks/0/alt_text"),
    ],
)
def test_what_slack_refuses_is_refused_with_its_place(block: Any, place: str) -> None:
    found = list(mistakes_in([block]))
    assert any(mistake.endswith(f"[json-pointer:{place}]") for mistake in found), found


def test_blocks_that_are_no_list_and_ids_that_are_used_twice_are_refused() -> None:
    assert list(mistakes_in({})) != []
    assert list(mistakes_in([actions(BUTTON, block_id="a"), actions(BUTTON, block_id="a")])) != []


def test_too_many_blocks_or_characters_are_too_long() -> None:
    block = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2900}}
    assert not is_too_long([block] * 4)
    assert is_too_long([block] * 5)
    assert is_too_long([{"type": "divider"}] * 51)
