"""Presses of buttons as Discord posts them: JSON, signed with the application's Ed25519 key."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from handlers.chat.questions import pressed_by
from handlers.wording import one_line
from receiver.contracts import Acknowledgement, Press
from receiver.errors import NotJson, Unmapped, Unverified
from receiver.lib.ed25519 import signature_is_valid
from receiver.lib.strict_json import read_json

#: The application's Interactions Endpoint URL.
PATH: Final = "/discord/interactions"
#: How far the time of signing may be away, seconds. Discord documents none.
TOLERANCE_S: Final = 300
#: Types of interactions, and of answers to them (documented).
PING, COMPONENT = 1, 3
PONG, DEFERRED_UPDATE = 1, 6
#: Characters of a person's name that are kept.
MAX_NAME: Final = 60
_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}")
_SIGNATURE: Final = re.compile(r"[0-9a-f]{128}")
_ID: Final = re.compile(r"[0-9]{1,20}")
_TOKEN: Final = re.compile(r"[\w.=~-]{1,512}", re.ASCII)


def verify(key: bytes, headers: dict[str, str], body: bytes, now: int) -> None:
    """Raises Unverified unless this request was signed for `key` (32 bytes) within five minutes of `now` (Unix ms)."""
    timestamp, signature = headers.get("x-signature-timestamp", ""), headers.get("x-signature-ed25519", "")
    if not _TIMESTAMP.fullmatch(timestamp) or not _SIGNATURE.fullmatch(signature):
        raise Unverified("signature_missing")
    if not signature_is_valid(key, bytes.fromhex(signature), timestamp.encode() + body):
        raise Unverified("signature_differs")
    ahead = int(timestamp) - now // 1000
    if abs(ahead) > TOLERANCE_S:
        raise Unverified("too_new" if ahead > 0 else "too_old")


def acknowledgement(body: bytes) -> Acknowledgement:
    """The answer to a verified interaction: to a PING a PONG, to a press that the message will change.

    Raises Unmapped for any other.
    """
    kind = _interaction(body).get("type")
    if kind not in (PING, COMPONENT):
        raise Unmapped("it is no press of a button")
    answer = PONG if kind == PING else DEFERRED_UPDATE
    return Acknowledgement(body=msgspec.json.encode({"type": answer}), is_probe=kind == PING)


def read(body: bytes, channel: str, deciders: tuple[str, ...]) -> Press:
    """The press in a verified body. `channel` is the sink's own, `deciders` who may press; empty: everybody.

    Raises Unmapped for what is no press of a button.
    """
    interaction = _interaction(body)
    data, member = interaction.get("data"), interaction.get("member")
    user = member.get("user") if isinstance(member, dict) else interaction.get("user")
    code = data.get("custom_id") if isinstance(data, dict) else None
    if interaction.get("type") != COMPONENT or not isinstance(code, str) or not isinstance(user, dict):
        raise Unmapped("it is no press of a button, or of nobody")
    user_id = user.get("id")
    if not isinstance(user_id, str) or not _ID.fullmatch(user_id):
        raise Unmapped("it does not say who pressed")
    return Press(
        button=code,
        by=pressed_by("discord", user_id, _name(user)),
        is_own_channel=interaction.get("channel_id") == channel,
        may_decide=not deciders or user_id in deciders,
        reply_to=_reply_to(interaction),
    )


def _interaction(body: bytes) -> dict[str, Any]:
    try:
        value = read_json(body)
    except NotJson:
        raise Unmapped("it is no JSON") from None
    if not isinstance(value, dict):
        raise Unmapped("it is no object")
    return value


def _name(user: dict[str, Any]) -> str:
    known = user.get("global_name") or user.get("username")
    return one_line(known, MAX_NAME) if isinstance(known, str) else ""


def _reply_to(interaction: dict[str, Any]) -> str:
    """Where follow-ups go, behind the API's address; empty if the interaction does not say."""
    application, token = interaction.get("application_id"), interaction.get("token")
    if not isinstance(application, str) or not isinstance(token, str):
        return ""
    return f"{application}/{token}" if _ID.fullmatch(application) and _TOKEN.fullmatch(token) else ""
