"""Presses of buttons as Slack posts them: signed, a form with one field of JSON."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import parse_qsl

from handlers.chat.questions import pressed_by
from handlers.wording import one_line
from receiver.contracts import Press
from receiver.errors import NotJson, Unmapped, Unverified
from receiver.lib.signatures import Secret, mac_matches
from receiver.lib.strict_json import read_json

#: Where Slack posts them: the app's request URL for interactivity.
PATH: Final = "/slack/actions"
#: How far the time of signing may be away, seconds (documented).
TOLERANCE_S: Final = 300
_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}")
_SIGNATURE: Final = re.compile(r"v0=([0-9a-f]{64})")
_USER: Final = re.compile(r"[A-Z0-9]{2,30}")
#: Characters of a person's name that are kept.
MAX_NAME: Final = 60
#: Fields of the form that are read at most; there is one.
MAX_FIELDS: Final = 8


def verify(secret: Secret, headers: dict[str, str], body: bytes, now: int) -> None:
    """Raises Unverified unless Slack signed this request, with this secret, within five minutes of `now` (Unix ms)."""
    timestamp = headers.get("x-slack-request-timestamp", "")
    signature = _SIGNATURE.fullmatch(headers.get("x-slack-signature", ""))
    if not _TIMESTAMP.fullmatch(timestamp) or signature is None:
        raise Unverified("signature_missing")
    ahead = int(timestamp) - now // 1000
    if abs(ahead) > TOLERANCE_S:
        raise Unverified("too_new" if ahead > 0 else "too_old")
    signed = b"v0:%s:%s" % (timestamp.encode(), body)
    if not mac_matches(bytes.fromhex(signature[1]), [secret.reveal().encode()], signed):
        raise Unverified("signature_differs")


def read(body: bytes, channel: str, deciders: tuple[str, ...]) -> Press:
    """The press in a verified body. `channel` is the sink's own, `deciders` who may press; empty: everybody.

    Raises Unmapped for what is no press of a button.
    """
    payload = _payload(body)
    actions, user = payload.get("actions"), payload.get("user")
    if payload.get("type") != "block_actions" or not isinstance(actions, list) or not isinstance(user, dict):
        raise Unmapped("it is no press of a button")
    pressed = actions[0] if len(actions) == 1 else None
    code = pressed.get("value") if isinstance(pressed, dict) else None
    user_id = user.get("id")
    if not isinstance(code, str) or not isinstance(user_id, str) or not _USER.fullmatch(user_id):
        raise Unmapped("it names no button, or nobody who pressed it")
    return Press(
        button=code,
        by=pressed_by("slack", user_id, _name(user)),
        is_own_channel=channel.removeprefix("#") in _channels(payload),
        may_decide=not deciders or user_id in deciders,
    )


def _payload(body: bytes) -> dict[str, Any]:
    try:
        fields = dict(parse_qsl(body.decode(), max_num_fields=MAX_FIELDS))
        value = read_json(fields.get("payload", "").encode())
    except (ValueError, NotJson):
        raise Unmapped("it is no form with a payload of JSON") from None
    if not isinstance(value, dict):
        raise Unmapped("its payload is no object")
    return value


def _name(user: dict[str, Any]) -> str:
    known = user.get("username") or user.get("name")
    return one_line(known, MAX_NAME) if isinstance(known, str) else ""


def _channels(payload: dict[str, Any]) -> set[str]:
    """The channel that it was pressed in, by id and name."""
    channel, container = payload.get("channel"), payload.get("container")
    found = [channel.get("id"), channel.get("name")] if isinstance(channel, dict) else []
    found += [container.get("channel_id")] if isinstance(container, dict) else []
    return {text for text in found if isinstance(text, str)}
