"""Presses of buttons as Slack tells them: posted with a signature, or sent by Socket Mode; and words in return."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from handlers.chat.questions import pressed_by
from handlers.slack.hosts import is_slacks
from handlers.wording import one_line
from receiver.contracts import Call, Press, Transport
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
#: How long words in return may take, seconds, and the characters of an address for them.
REPLY_S: Final = 5.0
MAX_ADDRESS: Final = 500
#: What Slack tells of a press.
Payload = dict[str, Any]


class ReplyPlace(msgspec.Struct, frozen=True, kw_only=True):
    """Where the one who pressed can be told something."""

    url: str
    #: The message that the thread begins with in which it was pressed.
    thread: str | None = None


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


def check_age(payload: Payload, now: int) -> None:
    """Raises Unverified for a press that was made more than five minutes away from `now` (Unix ms).

    Socket Mode signs nothing; the press itself carries its time. Raises Unmapped where it does not.
    """
    try:
        (pressed,) = payload["actions"]
        ahead_s = float(pressed["action_ts"]) - now / 1000
    except (KeyError, TypeError, ValueError):
        raise Unmapped("it does not say when it was pressed") from None
    if not abs(ahead_s) <= TOLERANCE_S:
        raise Unverified("too_new" if ahead_s > 0 else "too_old")


def read(payload: Payload, channel: str, deciders: tuple[str, ...]) -> Press:
    """The press in a payload that is Slack's. `channel` is the sink's own, `deciders` who may press; empty: everybody.

    Raises Unmapped for what is no press of a button.
    """
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
        reply_to=_reply_place(payload),
    )


def form_payload(body: bytes) -> Payload:
    """The payload in a verified form. Raises Unmapped if there is none."""
    try:
        fields = dict(parse_qsl(body.decode(), max_num_fields=MAX_FIELDS))
    except ValueError:
        raise Unmapped("it is no form") from None
    return read_payload(fields.get("payload", "").encode())


def read_payload(body: bytes) -> Payload:
    """A payload of JSON. Raises Unmapped if it is none."""
    try:
        value = read_json(body)
    except NotJson:
        raise Unmapped("its payload is no JSON") from None
    if not isinstance(value, dict):
        raise Unmapped("its payload is no object")
    return value


def _reply_place(payload: Payload) -> str:
    url, container = payload.get("response_url"), payload.get("container")
    if not isinstance(url, str) or len(url) > MAX_ADDRESS:
        return ""
    thread = container.get("thread_ts") if isinstance(container, dict) else None
    return msgspec.json.encode(ReplyPlace(url=url, thread=thread if isinstance(thread, str) else None)).decode()


async def reply(place: str, words: str, api: str, transport: Transport) -> None:
    """Shows escaped words to the one who pressed, if that place is Slack's own. Raises TransportError."""
    to = msgspec.json.decode(place, type=ReplyPlace)
    if not is_slacks(to.url, api):
        return
    threaded = {"thread_ts": to.thread} if to.thread else {}
    said = {"response_type": "ephemeral", "replace_original": False, "text": words, **threaded}
    headers = {"content-type": "application/json; charset=utf-8"}
    call = Call(method="POST", url=to.url, headers=headers, body=msgspec.json.encode(said), max_answer=64 * 1024)
    await transport.send(call, REPLY_S)


def _name(user: dict[str, Any]) -> str:
    known = user.get("username") or user.get("name")
    return one_line(known, MAX_NAME) if isinstance(known, str) else ""


def _channels(payload: dict[str, Any]) -> set[str]:
    """The channel that it was pressed in, by id and name."""
    channel, container = payload.get("channel"), payload.get("container")
    found = [channel.get("id"), channel.get("name")] if isinstance(channel, dict) else []
    found += [container.get("channel_id")] if isinstance(container, dict) else []
    return {text for text in found if isinstance(text, str)}
