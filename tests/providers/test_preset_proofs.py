"""What proves that a webhook is a vendor's own, in the shipped presets, against what the vendors' documents say."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from receiver.config.files.presets import make_from_preset, shipped_presets
from receiver.contracts import Provider, Request, Seal, Source
from receiver.lib.signatures import Secret
from receiver.providers.generic import Generic
from receiver.providers.generic.options import PRESETS, Options

NAMES: Final = sorted(shipped_presets(Options))
NOW_S: Final = 1_795_255_200
SECRET: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@cache
def shipped(name: str) -> Provider:
    return make_from_preset(Generic, name, Path("/"))


def standard(body: bytes) -> dict[str, str]:
    """Standard Webhooks, with a key that is decoded (replicate.com, openai.com)."""
    mac = hmac.digest(base64.b64decode(SECRET.removeprefix("whsec_")), b"msg_1.%d.%b" % (NOW_S, body), "sha256")
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(NOW_S),
        "webhook-signature": f"v1,bm9wZQ== v1,{base64.b64encode(mac).decode()}",
    }


def wavespeed(body: bytes) -> dict[str, str]:
    """The same three values, in hexadecimal, with the key as it stands behind the prefix (wavespeed.ai)."""
    mac = hmac.new(SECRET.removeprefix("whsec_").encode(), b"msg_1.%d.%b" % (NOW_S, body), "sha256").hexdigest()
    return {"webhook-id": "msg_1", "webhook-timestamp": str(NOW_S), "webhook-signature": f"v3,{mac}"}


def kie(body: bytes) -> dict[str, str]:
    """The task's id and the time (docs.kie.ai)."""
    task = json.loads(body)["data"]["taskId"]
    mac = hmac.digest(SECRET.encode(), f"{task}.{NOW_S}".encode(), "sha256")
    return {"x-webhook-timestamp": str(NOW_S), "x-webhook-signature": base64.b64encode(mac).decode()}


def bfl(body: bytes) -> dict[str, str]:
    return {"x-bfl-signature": f"sha256={hmac.new(SECRET.encode(), body, 'sha256').hexdigest()}"}


def echoed(_: bytes) -> dict[str, str]:
    return {"x-webhook-secret": SECRET}


def bearer(_: bytes) -> dict[str, str]:
    return {"authorization": f"Bearer {SECRET}"}


KEY: Final = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def newlines(prefix: str, first: str) -> Callable[[bytes], dict[str, str]]:
    """Ed25519 over two ids, the time and the digest of the body, a line each (fal.ai, developer.ideogram.ai)."""

    def headers(body: bytes) -> dict[str, str]:
        message = f"job1\nuser1\n{NOW_S}\n{hashlib.sha256(body).hexdigest()}"
        return {
            f"{prefix}-{first}": "job1",
            f"{prefix}-user-id": "user1",
            f"{prefix}-timestamp": str(NOW_S),
            f"{prefix}-signature": KEY.sign(message.encode()).hex(),
        }

    return headers


SIGNED: Final[dict[str, Callable[[bytes], dict[str, str]]]] = {
    "replicate": standard,
    "openai-images": standard,
    "wavespeed": wavespeed,
    "kie": kie,
    "kie-midjourney": kie,
    "bfl": bfl,
    "piapi": echoed,
    "apiframe-v1": echoed,
    "leonardo": bearer,
    "fal": newlines("x-fal-webhook", "request-id"),
    "ideogram": newlines("x-ideogram-webhook", "generation-id"),
}
UNSIGNED: Final = {"runware", "useapi", "ttapi", "legnext", "imaginepro", "imagineapi"}


def seal(name: str, headers: dict[str, str], body: bytes, at_s: int = NOW_S) -> Seal:
    public = KEY.public_key().public_bytes_raw().hex()
    secret = Secret(public if name in ("fal", "ideogram") else SECRET)
    provider = ed25519_from_secrets(name) if name in ("fal", "ideogram") else shipped(name)
    source = Source(name=name, provider=provider, base_url="", secrets=(secret,))
    request = Request(source=name, headers=headers, body=body, received_at=at_s * 1000)
    return source.provider.seal(request, source)


def ed25519_from_secrets(name: str) -> Provider:
    """The preset with a public key of our own, instead of those that the vendor publishes."""
    table = tomllib.loads((PRESETS / f"{name}.toml").read_text())
    for key in ("keys_url", "tolerance"):
        table["verify"].pop(key, None)
    table["verify"]["key"] = "hex"
    return Generic(msgspec.convert({"verify": table["verify"]}, Options))


def sample_body(name: str) -> bytes:
    return json.dumps(json.loads((PRESETS / "samples" / f"{name}.json").read_text())["completed"]).encode()


def test_every_preset_is_signed_or_known_not_to_be() -> None:
    assert set(SIGNED) | UNSIGNED == set(NAMES)
    assert set(SIGNED) & UNSIGNED == set()


@pytest.mark.parametrize("name", sorted(SIGNED))
def test_what_the_vendor_signs_is_valid_and_nothing_else_is(name: str) -> None:
    body = sample_body(name)
    headers = SIGNED[name](body)
    assert seal(name, headers, body) == "valid"
    for header in headers:
        assert seal(name, headers | {header: "x"}, body) == "wrong"
    assert seal(name, {}, body) == "absent"


@pytest.mark.parametrize("name", sorted(name for name in SIGNED if SIGNED[name] not in (bfl, echoed, bearer)))
def test_a_time_that_is_signed_is_looked_at(name: str) -> None:
    body = sample_body(name)
    headers = SIGNED[name](body)
    assert seal(name, headers, body, NOW_S + 301) == "too_old"
    assert seal(name, headers, body, NOW_S - 301) == "too_new"
