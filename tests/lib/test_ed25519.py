"""Published lists of Ed25519 keys; signatures are tried with a vendor's in `providers/test_generic_seals.py`."""

from __future__ import annotations

import base64
import json

import pytest

from receiver.errors import NotJson
from receiver.lib.ed25519 import ed25519_keys

KEY = bytes(range(32))
ITEM = {"kty": "OKP", "crv": "Ed25519", "x": base64.urlsafe_b64encode(KEY).decode().rstrip("=")}


def test_only_ed25519_keys_of_the_right_length_are_read() -> None:
    others = [{"kty": "RSA", "n": "AQAB"}, ITEM | {"x": "AAAA"}, ITEM | {"x": 7}, ITEM | {"x": "\u00e9" * 43}, 7, None]
    assert ed25519_keys(json.dumps({"keys": [*others, ITEM]}).encode()) == (KEY,)


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"keys": {}}', b"7"])
def test_what_is_no_list_of_keys_has_none(body: bytes) -> None:
    assert ed25519_keys(body) == ()


def test_what_is_not_json_is_told() -> None:
    with pytest.raises(NotJson):
        ed25519_keys(b"<html>")
