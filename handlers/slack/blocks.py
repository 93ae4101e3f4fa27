"""Blocks of Slack messages, within Slack's limits."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

import msgspec

from handlers.slack.wording import MAX_SECTION, bounded, escape
from handlers.wording import MAX_VALUE, one_line

#: Characters of a picture's address (documented).
MAX_URL: Final = 3000
Block = dict[str, object]
#: Of all blocks together (seen in slackapi/bolt-js issue 2509: about 13,000), as the JSON that is sent.
MAX_BLOCKS: Final = 12_500
#: What goes first where there is too much, from below: small print, then all text but the first, the picture, buttons.
EXPENDABLE: Final = ("context", "section", "image", "actions")


def fitting(blocks: list[Block]) -> list[Block]:
    """As many of the blocks as Slack takes in one message, always with the first; buttons are what goes last."""
    kept = [(block, len(msgspec.json.encode(block))) for block in blocks]
    too_much = sum(size for _, size in kept) - MAX_BLOCKS
    for kind in EXPENDABLE:
        for at in range(len(kept) - 1, 0, -1):
            if too_much > 0 and kept[at][0]["type"] == kind:
                too_much -= kept.pop(at)[1]
    return [block for block, _ in kept]


def linkable(url: str) -> bool:
    """Whether an address can stand in a link: http(s), fits a section, nothing in it that would end the link."""
    return len(escape(url)) <= MAX_URL - MAX_VALUE and bool(re.fullmatch(r"https?://[^\s<>|\x00-\x1f\x7f]+", url))


def showable(url: str) -> bool:
    """Whether Slack can be expected to show it: WebP and addresses beyond 3,000 characters fail the whole message."""
    if len(url) > MAX_URL or not re.fullmatch(r"https?://[^\s\x00-\x1f\x7f]+", url):
        return False
    try:
        return not urlsplit(url).path.lower().endswith(".webp")
    except ValueError:
        return False


def link(url: str, label: str) -> str:
    """A link in mrkdwn; the label is ours."""
    return f"<{escape(url)}|{label}>"


def _mrkdwn(text: str) -> Block:
    # Verbatim: names and addresses in it are not made into links.
    return {"type": "mrkdwn", "text": bounded(text, MAX_SECTION), "verbatim": True}


def section(text: str) -> Block:
    """Text (mrkdwn) of a message, in full size."""
    return {"type": "section", "text": _mrkdwn(text)}


def context(text: str) -> Block:
    """Text (mrkdwn) of a message, small."""
    return {"type": "context", "elements": [_mrkdwn(text)]}


def image(url: str, alt_text: str) -> Block:
    """A picture by its address, with words for who cannot see it."""
    return {"type": "image", "image_url": url, "alt_text": one_line(alt_text)}


def slack_file(file: str, alt_text: str) -> Block:
    """A picture that was uploaded, by the id of its file."""
    return {"type": "image", "slack_file": {"id": file}, "alt_text": one_line(alt_text)}
