"""What is told of a source's secret: where it goes, and what its vendor makes of it."""

from __future__ import annotations

import tomllib

import msgspec
import pytest

from receiver.contracts import Source
from receiver.lib.signatures import Secret
from receiver.providers.generic import Generic
from receiver.providers.generic.options import Options
from receiver.providers.journeyapi import JourneyAPI
from receiver.views.registration import Registration, registration


def told(verify: str, *secrets: str) -> Registration:
    provider = Generic(msgspec.convert(tomllib.loads(f"[verify]\n{verify}"), Options))
    source = Source(name="own", provider=provider, base_url="", secrets=tuple(Secret(one) for one in secrets))
    return registration(source, "https://hooks.example.com")


def test_a_secret_that_is_echoed_is_told_with_its_header_and_what_stands_before_it() -> None:
    own = told('header = "Authorization"\nprefix = "Bearer "', "a-key")
    assert (own.header, own.prefix, own.secret_note) == ("authorization", "Bearer ", None)
    source = Source(name="own", provider=JourneyAPI(None), base_url="", secrets=(Secret("a-key"),))
    native = registration(source, "https://hooks.example.com")
    assert (native.header, native.prefix, native.secret_note) == ("x-webhook-secret", "", None)


@pytest.mark.parametrize(
    ("verify", "name", "pieces"),
    [
        ('scheme = "standard-webhooks"', "signing secret", ["paste it", "webhook-signature", "Standard Webhooks"]),
        ('scheme = "hmac-sha256"\nheader = "x-sig"', "signing secret", ["paste it", "x-sig", "HMAC-SHA256 in hex"]),
        ('scheme = "hmac-sha256-base64"', "signing secret", ["x-webhook-secret", "HMAC-SHA256 in base64"]),
        ('scheme = "hmac-sha512"\nkey = "base64"', "signing secret", ["HMAC-SHA512", "decoded from base64"]),
        ('scheme = "hmac-sha1"\nkey = "hex"', "signing secret", ["HMAC-SHA1", "decoded from hexadecimal"]),
        ('scheme = "hmac-sha256"\nfields = ","\nsignature = "v9"', "signing secret", ["in its field v9"]),
        ('scheme = "ed25519"\nheader = "x-sig"', "public key", ["vendor's own keys", "nothing to paste", "x-sig"]),
    ],
)
def test_what_to_do_with_a_secret_that_no_header_has_is_told_by_the_scheme(
    verify: str, name: str, pieces: list[str]
) -> None:
    own = told(verify, "a-key")
    assert (own.header, own.label) == (None, name)
    assert own.secret_note is not None
    for piece in pieces:
        assert piece in own.secret_note
    assert ("paste it" in own.secret_note) == (name != "public key")


def test_where_the_vendor_publishes_its_keys_there_is_no_secret() -> None:
    own = told('scheme = "ed25519"\nkeys_url = "https://vendor.example/jwks.json"')
    assert (own.secret, own.secret_note) == (None, None)
    assert "https://vendor.example/jwks.json" in own.verified_by
