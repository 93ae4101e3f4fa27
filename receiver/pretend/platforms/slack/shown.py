"""A Slack message as people see it: blocks as lines, pictures and buttons."""

from __future__ import annotations

import html
import re
from typing import Any

from receiver.pretend.platforms.channel.messages import ChannelButton, ChannelMessage
from receiver.pretend.platforms.slack.images import images_in, picture_name
from receiver.pretend.platforms.slack.workspace import SlackMessage


def shown(message: SlackMessage) -> ChannelMessage:
    """The message for the channel's page."""
    return ChannelMessage(
        id=message.ts,
        author="gridhook",
        at=message.at,
        lines=tuple(_lines(message)),
        pictures=tuple(picture_name(image) for _, image in images_in(message.blocks)),
        rows=tuple(
            tuple(_button(element) for element in block["elements"])
            for block in message.blocks
            if block["type"] == "actions"
        ),
        thread=message.thread_ts,
        is_edited=message.is_edited,
        only_for=message.only_for,
    )


def _lines(message: SlackMessage) -> list[str]:
    if not message.blocks:
        return plain(message.text).splitlines()
    lines: list[str] = []
    for block in message.blocks:
        texts = [block["text"]] if "text" in block else [one for one in block.get("elements", []) if "text" in one]
        if block["type"] != "actions":
            lines += [plain(text["text"]) for text in texts if isinstance(text.get("text"), str)]
    return lines


def plain(mrkdwn: str) -> str:
    """mrkdwn as plain text: links as their label with the address."""
    linked = re.sub(r"<(https?://[^|>]+)\|([^>]*)>", r"\2 (\1)", mrkdwn)
    return html.unescape(re.sub(r"<(https?://[^>]+)>", r"\1", linked))


def _button(element: dict[str, Any]) -> ChannelButton:
    confirm = element.get("confirm")
    asked = plain(confirm["text"]["text"]) if confirm else ""
    return ChannelButton(id=element["action_id"], label=element["text"]["text"], confirm=asked)
