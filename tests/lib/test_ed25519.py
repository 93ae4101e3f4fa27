"""Ed25519, by the vectors of RFC 8032 (7.1)."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.errors import NotJson
from receiver.lib.ed25519 import ed25519_keys, signature_is_valid
from support.ed25519 import public_key, signed

#: A key, and how a list of keys has it.
KEY = bytes(range(32))
ITEM = {"kty": "OKP", "crv": "Ed25519", "x": base64.urlsafe_b64encode(KEY).decode().rstrip("=")}
#: The field and the group of the curve.
PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
#: Public key, message and signature.
VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe"
        "24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302a"
        "eeb00d291612bb0c00",
    ),
]


@pytest.mark.parametrize(("key", "message", "signature"), VECTORS)
def test_the_vectors_of_the_rfc_are_valid_and_nothing_else_is(key: str, message: str, signature: str) -> None:
    parts = [bytes.fromhex(text) for text in (key, signature, message)]
    assert signature_is_valid(*parts)
    assert not signature_is_valid(parts[0], parts[1], parts[2] + b"x")
    for place in (0, 31, 32, 63):
        changed = bytearray(parts[1])
        changed[place] ^= 1
        assert not signature_is_valid(parts[0], bytes(changed), parts[2])


def test_a_scalar_beyond_the_order_is_refused() -> None:
    """Else everybody could write a second signature for what was signed."""
    key, message, signature = (bytes.fromhex(text) for text in VECTORS[1])
    beyond = int.from_bytes(signature[32:], "little") + ORDER
    assert not signature_is_valid(key, signature[:32] + beyond.to_bytes(32, "little"), message)


@pytest.mark.parametrize("key", [b"", b"x" * 31, PRIME.to_bytes(32, "little"), b"\xff" * 32])
def test_what_is_no_key_verifies_nothing(key: bytes) -> None:
    assert not signature_is_valid(key, bytes.fromhex(VECTORS[0][2]), b"")


@settings(max_examples=10)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=50))
def test_what_was_signed_is_valid(secret: bytes, message: bytes) -> None:
    assert signature_is_valid(public_key(secret), signed(secret, message), message)


@settings(max_examples=20)
@given(st.binary(max_size=40), st.binary(max_size=70))
def test_no_bytes_make_it_raise(key: bytes, signature: bytes) -> None:
    assert not signature_is_valid(key, signature, b"message")


def test_only_ed25519_keys_of_the_right_length_are_read() -> None:
    others = [{"kty": "RSA", "n": "AQAB"}, ITEM | {"x": "AAAA"}, ITEM | {"x": 7}, ITEM | {"x": "\u00e9" * 43}, 7, None]
    assert ed25519_keys(json.dumps({"keys": [*others, ITEM]}).encode()) == (KEY,)


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"keys": {}}', b"7"])
def test_what_is_no_list_of_keys_has_none(body: bytes) -> None:
    assert ed25519_keys(body) == ()


def test_what_is_not_json_is_told() -> None:
    with pytest.raises(NotJson):
        ed25519_keys(b"<html>")
