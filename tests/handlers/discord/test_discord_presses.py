"""Discord's interactions: which are genuine, and what they say."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from handlers.discord import presses
from receiver.errors import Unmapped, Unverified

#: The vector: private key 00..1f.
KEY: Final = bytes.fromhex("03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8")
BODY: Final = b'{"id":"1","application_id":"2","type":1,"token":"t","version":1}'
HEADERS: Final = {
    "x-signature-timestamp": "1764428400",
    "x-signature-ed25519": "42e06d64e9600ba232fdbc2ad83274b60abf8387fcf3cea3dd3d44e6a1e2e708"
    "9c0db699d923930c06d01aa4f17cc281f2c018dd13eae5eedcd7166710f45506",
}
NOW: Final = 1_764_428_400_000


def interaction(**changes: Any) -> bytes:
    """A press as Discord posts it."""
    plain = {
        "id": "9001",
        "application_id": "2222",
        "type": 3,
        "token": "a-token",
        "channel_id": "77",
        "member": {"user": {"id": "801", "username": "ada", "global_name": "Ada"}},
        "data": {"custom_id": "code", "component_type": 2},
    }
    return json.dumps({**plain, **changes}).encode()


@pytest.mark.parametrize("seconds", [0, 300, -300])
def test_the_known_signature_is_genuine_for_five_minutes(seconds: int) -> None:
    presses.verify(KEY, HEADERS, BODY, NOW + seconds * 1000)


@pytest.mark.parametrize(
    ("change", "body", "now", "reason"),
    [
        ({}, BODY, NOW + 301_000, "too_old"),
        ({}, BODY, NOW - 301_000, "too_new"),
        ({}, BODY + b" ", NOW, "signature_differs"),
        ({"x-signature-ed25519": "00" * 64}, BODY, NOW, "signature_differs"),
        ({"x-signature-timestamp": "1764428401"}, BODY, NOW, "signature_differs"),
        ({"x-signature-ed25519": ""}, BODY, NOW, "signature_missing"),
        ({"x-signature-ed25519": "zz" * 64}, BODY, NOW, "signature_missing"),
        ({"x-signature-ed25519": HEADERS["x-signature-ed25519"] + "00"}, BODY, NOW, "signature_missing"),
        ({"x-signature-timestamp": " 1764428400"}, BODY, NOW, "signature_missing"),
        ({"x-signature-timestamp": "٣"}, BODY, NOW, "signature_missing"),
    ],
)
def test_what_is_not_signed_right_or_not_now_is_refused(
    change: dict[str, str], body: bytes, now: int, reason: str
) -> None:
    with pytest.raises(Unverified) as caught:
        presses.verify(KEY, {**HEADERS, **change}, body, now)
    assert caught.value.reason == reason


def test_a_ping_is_answered_by_a_pong_and_a_press_by_a_promise() -> None:
    assert presses.acknowledgement(BODY).body == b'{"type":1}'
    assert presses.acknowledgement(BODY).is_probe
    assert presses.acknowledgement(interaction()).body == b'{"type":6}'
    assert not presses.acknowledgement(interaction()).is_probe
    for other in (interaction(type=2), interaction(type="3"), b"[]", b"", b"\xff"):
        with pytest.raises(Unmapped):
            presses.acknowledgement(other)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        BODY,
        interaction(type=5),
        interaction(data=None),
        interaction(data={"custom_id": 7}),
        interaction(member={"user": {"id": "no id"}}),
        interaction(member={"user": {"id": 801}}),
        interaction(member=None),
    ],
)
def test_what_is_no_press_is_told_apart(body: bytes) -> None:
    with pytest.raises(Unmapped):
        presses.read(body, "77", ())


def test_a_press_tells_who_where_and_whether_they_may() -> None:
    mine = presses.read(interaction(), "77", ("801",))
    assert (mine.button, mine.by, mine.is_own_channel, mine.may_decide) == ("code", "discord:801 Ada", True, True)
    assert mine.reply_to == "2222/a-token"
    other = presses.read(interaction(channel_id="78", token="../x"), "77", ("802",))
    assert (other.is_own_channel, other.may_decide, other.reply_to) == (False, False, "")
    direct = presses.read(interaction(member=None, user={"id": "9", "username": "bea\n"}), "77", ())
    assert direct.by == "discord:9 bea"
