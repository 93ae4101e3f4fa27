"""How vendors that are described in TOML sign: each scheme with a webhook as its vendor makes it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import tomllib
from datetime import UTC, datetime
from typing import Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from receiver.contracts import Request, Seal, Source
from receiver.errors import OptionError
from receiver.lib.signatures import Secret
from receiver.providers.generic import Generic
from receiver.providers.generic.options import Options
from support.ed25519 import public_key, signed

NOW: Final = 1_795_255_200_000
TIME: Final = NOW // 1000
BODY: Final = json.dumps({"id": "p1", "data": {"taskId": "t-9"}, "status": "succeeded"}).encode()
KEY: Final = b"0123456789abcdef0123456789abcdef"
WHSEC: Final = "whsec_" + base64.b64encode(KEY).decode()
PRIVATE: Final = bytes(range(32))

GITHUB: Final = 'header = "x-hub-signature-256"\nscheme = "hmac-sha256"\nprefix = "sha256="'
STRIPE: Final = """
header = "stripe-signature"
scheme = "hmac-sha256"
fields = ","
signature = "v1"
signed = "{field:t}.{body}"
timestamp = "field:t"
"""
SLACK: Final = """
header = "x-slack-signature"
scheme = "hmac-sha256"
prefix = "v0="
signed = "v0:{header:x-slack-request-timestamp}:{body}"
timestamp = "header:x-slack-request-timestamp"
"""
KIE: Final = """
header = "x-webhook-signature"
scheme = "hmac-sha256"
encoding = "base64"
signed = "{json:data.taskId}.{header:x-webhook-timestamp}"
timestamp = "header:x-webhook-timestamp"
"""
WAVESPEED: Final = """
header = "webhook-signature"
scheme = "hmac-sha256"
prefix = "v3,"
signed = "{header:webhook-id}.{header:webhook-timestamp}.{body}"
timestamp = "header:webhook-timestamp"
key_prefix = "whsec_"
"""
FAL: Final = """
header = "x-fal-webhook-signature"
scheme = "ed25519"
key = "base64"
signed = "{header:x-fal-webhook-request-id}\\n{header:x-fal-webhook-user-id}\\n{header:x-fal-webhook-timestamp}\\n{body:sha256}"
timestamp = "header:x-fal-webhook-timestamp"
"""  # noqa: E501
STANDARD: Final = 'scheme = "standard-webhooks"'


def mac(message: bytes, key: bytes = KEY, digest: str = "sha256") -> bytes:
    return hmac.digest(key, message, digest)


def standard(time: int, secret: str = WHSEC) -> dict[str, str]:
    """As the official library signs."""
    moment = datetime.fromtimestamp(time, UTC)
    signature = Webhook(secret).sign(msg_id="msg_1", timestamp=moment, data=BODY.decode())
    return {"webhook-id": "msg_1", "webhook-timestamp": str(time), "webhook-signature": signature}


def github(time: int) -> dict[str, str]:
    return {"x-hub-signature-256": "sha256=" + mac(BODY).hex()}


def stripe(time: int) -> dict[str, str]:
    signature = mac(b"%d.%s" % (time, BODY)).hex()
    return {"stripe-signature": f"t={time},v0=abc,v1={'0' * 64},v1={signature}"}


def slack(time: int) -> dict[str, str]:
    signature = mac(b"v0:%d:%s" % (time, BODY)).hex()
    return {"x-slack-request-timestamp": str(time), "x-slack-signature": f"v0={signature}"}


def kie(time: int) -> dict[str, str]:
    signature = base64.b64encode(mac(b"t-9.%d" % time)).decode()
    return {"x-webhook-timestamp": str(time), "x-webhook-signature": signature}


def wavespeed(time: int) -> dict[str, str]:
    text = WHSEC.removeprefix("whsec_").encode()
    signature = mac(b"id-1.%d.%s" % (time, BODY), text).hex()
    return {"webhook-id": "id-1", "webhook-timestamp": str(time), "webhook-signature": f"v3,{signature}"}


def fal(time: int) -> dict[str, str]:
    message = f"r-1\nu-1\n{time}\n{hashlib.sha256(BODY).hexdigest()}".encode()
    return {
        "x-fal-webhook-request-id": "r-1",
        "x-fal-webhook-user-id": "u-1",
        "x-fal-webhook-timestamp": str(time),
        "x-fal-webhook-signature": signed(PRIVATE, message).hex(),
    }


#: Description, the vendor's signing, and the secret as it is configured.
SCHEMES: Final = {
    "standard-webhooks": (STANDARD, standard, WHSEC),
    "github": (GITHUB, github, KEY.decode()),
    "stripe": (STRIPE, stripe, KEY.decode()),
    "slack": (SLACK, slack, KEY.decode()),
    "kie": (KIE, kie, KEY.decode()),
    "wavespeed": (WAVESPEED, wavespeed, WHSEC),
    "fal": (FAL, fal, base64.urlsafe_b64encode(public_key(PRIVATE)).decode().rstrip("=")),
}
TIMED: Final = [name for name in SCHEMES if name != "github"]


def described(verify: str) -> Generic:
    return Generic(msgspec.convert(tomllib.loads(f"[verify]\n{verify}"), Options))


def seal(verify: str, headers: dict[str, str], *secrets: str, body: bytes = BODY) -> Seal:
    provider = described(verify)
    source = Source(name="other", provider=provider, base_url="", secrets=tuple(Secret(text) for text in secrets))
    return provider.seal(Request(source="other", headers=headers, body=body, received_at=NOW), source)


@pytest.mark.parametrize("name", SCHEMES)
def test_what_a_vendor_signs_is_valid_under_any_of_the_secrets(name: str) -> None:
    verify, sign, secret = SCHEMES[name]
    assert seal(verify, sign(TIME), secret) == "valid"
    assert seal(verify, sign(TIME), "c29tZXRoaW5nIGVsc2U=", secret) == "valid"
    assert seal(verify, sign(TIME), "c29tZXRoaW5nIGVsc2U=") == "wrong"
    assert seal(verify, sign(TIME)) == "absent"
    assert seal(verify, {}, secret) == "absent"


@pytest.mark.parametrize("name", SCHEMES)
def test_a_changed_body_or_header_is_wrong(name: str) -> None:
    verify, sign, secret = SCHEMES[name]
    assert seal(verify, sign(TIME), secret, body=BODY.replace(b"t-9", b"t-8")) == "wrong"
    for header, text in sign(TIME).items():
        assert seal(verify, {**sign(TIME), header: text[:-1] + ("1" if text[-1] != "1" else "2")}, secret) != "valid"
        assert seal(verify, {n: t for n, t in sign(TIME).items() if n != header}, secret) in ("wrong", "absent")


@pytest.mark.parametrize("name", TIMED)
@pytest.mark.parametrize(("away", "wanted"), [(-299, "valid"), (299, "valid"), (-301, "too_old"), (301, "too_new")])
def test_too_old_and_too_new_are_told_apart(name: str, away: int, wanted: Seal) -> None:
    verify, sign, secret = SCHEMES[name]
    assert seal(verify, sign(TIME + away), secret) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2026-11-21T10:00:00Z", "valid"),
        ("2026-11-21T11:00:00.123456789+01:00", "valid"),
        ("2026-11-21t10:04:59z", "valid"),
        ("2026-11-21T09:54:00Z", "too_old"),
        ("2026-11-21T10:06:00Z", "too_new"),
        ("2026-11-21T10:00:00", "wrong"),
        ("2026-13-21T10:00:00Z", "wrong"),
        ("9999-12-31T23:59:59-23:59", "too_new"),
        ("yesterday", "wrong"),
    ],
)
def test_a_signed_time_may_be_a_date(text: str, wanted: Seal) -> None:
    signature = mac(b"v0:%s:%s" % (text.encode(), BODY)).hex()
    assert (
        seal(SLACK, {"x-slack-request-timestamp": text, "x-slack-signature": f"v0={signature}"}, KEY.decode()) == wanted
    )


def test_hexadecimal_and_what_stands_before_it_may_be_in_capitals() -> None:
    [text] = github(TIME).values()
    for written in (text.upper(), text.removeprefix("sha256="), f" {text} "):
        assert seal(GITHUB, {"x-hub-signature-256": written}, KEY.decode()) == "valid"
    assert seal('header = "authorization"\nprefix = "Bearer "', {"authorization": "bearer a-key"}, "a-key") == "valid"
    assert seal('header = "authorization"\nprefix = "Bearer "', {"authorization": "Basic a-key"}, "a-key") == "wrong"


def test_a_public_key_may_be_written_in_hexadecimal_or_base64() -> None:
    key = public_key(PRIVATE)
    for written in (
        key.hex(),
        key.hex().upper(),
        base64.b64encode(key).decode(),
        base64.urlsafe_b64encode(key).decode(),
    ):
        assert seal(FAL.replace('key = "base64"', ""), fal(TIME), written) == "valid"
    assert seal(FAL.replace('key = "base64"', ""), fal(TIME), "no key at all") == "wrong"


def test_of_several_standard_signatures_one_must_be_right() -> None:
    headers = standard(TIME)
    right = headers["webhook-signature"]
    other = "v1," + base64.b64encode(bytes(32)).decode()
    for texts, wanted in (
        ([other, right], "valid"),
        ([right, other], "valid"),
        (["v1a," + right[3:], right], "valid"),
        (["v1a," + right[3:]], "wrong"),
        ([right[3:]], "wrong"),
        ([other], "wrong"),
        ([""], "wrong"),
    ):
        assert seal(STANDARD, headers | {"webhook-signature": " ".join(texts)}, WHSEC) == wanted


def test_a_standard_secret_is_read_decoded_and_as_text() -> None:
    message = b"msg_1.%d.%s" % (TIME, BODY)
    for secret, key in (
        (WHSEC, KEY),
        (WHSEC, WHSEC.removeprefix("whsec_").encode()),
        (WHSEC, WHSEC.encode()),
        ("no base64 at all!", b"no base64 at all!"),
    ):
        signature = "v1," + base64.b64encode(mac(message, key)).decode()
        assert seal(STANDARD, standard(TIME) | {"webhook-signature": signature}, secret) == "valid"


def test_a_standard_webhooks_vector_of_the_specification_is_valid() -> None:
    """The example of the reference libraries, at its own time."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    provider = described(STANDARD)
    source = Source(name="other", provider=provider, base_url="", secrets=(Secret(secret),))
    body = b'{"test": 2432232314}'
    request = Request(source="other", headers=headers, body=body, received_at=1614265330_000)
    assert provider.seal(request, source) == "valid"


@pytest.mark.parametrize("digest", ["sha1", "sha256", "sha512"])
@pytest.mark.parametrize("encoding", ["hex", "base64"])
@pytest.mark.parametrize("key", ["text", "hex", "base64"])
def test_every_digest_encoding_and_key_is_read(digest: str, encoding: str, key: str) -> None:
    verify = f'header = "x-sig"\nscheme = "hmac-{digest}"\nencoding = "{encoding}"\nkey = "{key}"'
    raw = mac(BODY, digest=digest)
    given = raw.hex() if encoding == "hex" else base64.b64encode(raw).decode()
    secret = {"text": KEY.decode(), "hex": KEY.hex(), "base64": base64.b64encode(KEY).decode()}[key]
    assert seal(verify, {"x-sig": given}, secret) == "valid"


def test_a_key_that_cannot_be_read_verifies_nothing() -> None:
    verify = 'header = "x-sig"\nscheme = "hmac-sha256"\nkey = "hex"'
    assert seal(verify, {"x-sig": mac(BODY, b"").hex()}, "not hex") == "wrong"
    assert seal(verify, {"x-sig": mac(BODY, b"").hex()}, "") == "wrong"


@pytest.mark.parametrize(
    ("verify", "wrong"),
    [
        ('scheme = "hmac-sha256"\nsigned = "{header:x-time}"', "does not cover the body"),
        ('scheme = "hmac-sha256"\nsigned = "{body}{odd}"', "not known"),
        ('scheme = "hmac-sha256"\nsigned = "{body}{json:a..b}"', "no path"),
        ('scheme = "hmac-sha256"\nsigned = "{field:t}.{body}"', "has no fields"),
        ('scheme = "hmac-sha256"\ntimestamp = "header:x-time"', "not covered"),
        ('scheme = "hmac-sha256"\ntimestamp = "x-time"', "no place of a time"),
    ],
)
def test_a_description_that_cannot_be_meant_is_refused(verify: str, wrong: str) -> None:
    with pytest.raises(OptionError, match=wrong):
        described(verify)


@pytest.mark.parametrize("name", SCHEMES)
@given(text=st.text(max_size=200), body=st.binary(max_size=60))
def test_no_header_and_no_body_make_it_raise(name: str, text: str, body: bytes) -> None:
    verify, sign, secret = SCHEMES[name]
    headers = sign(TIME)
    for header in headers:
        assert seal(verify, headers | {header: text}, secret, body=body) != "valid"


def test_published_keys_are_for_ed25519_and_stand_at_an_address() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        described('scheme = "hmac-sha256"\nkeys_url = "vendor.example/jwks"')
    told = {(one.key, one.wrong) for one in caught.value.exceptions if isinstance(one, OptionError)}
    assert told == {
        ("verify.keys_url", "is for ed25519, not for hmac-sha256"),
        ("verify.keys_url", "is not an http:// or https:// address with a host"),
    }
