"""Secrets and signatures: constant-time comparison, HMAC schemes, refs in webhook URLs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from typing import Final

from receiver.lib.ids import (
    ALPHABET,
    LENGTH,
    VALUES,
)

#: Characters of a ref's MAC: 26 x 5 = 130 bits.
MAC_LENGTH: Final = 26
#: Bytes of a Standard Webhooks key (specification).
MIN_KEY_LENGTH: Final = 24
MAX_KEY_LENGTH: Final = 64
#: Bytes of a key that is made here.
FRESH_KEY_LENGTH: Final = 32


class Secret:
    """Text that must not be shown: `repr` and `str` hide it, `reveal` returns it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself; only for the place that sends or compares it."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and matches(self._text, [other])

    def __hash__(self) -> int:
        return hash(self._text)


def matches(given: str | bytes, known: Iterable[Secret]) -> bool:
    """Whether `given` is a known secret; all are compared, each in constant time. An empty one never matches."""
    raw = given if isinstance(given, bytes) else given.encode("utf-8", "surrogateescape")
    found = False
    for secret in known:
        wanted = secret.reveal().encode()
        found |= hmac.compare_digest(raw, wanted) and bool(wanted)
    return found


#: The header of an answer to a probe.
PROBE_HEADER: Final = "gridhook-probe"


def probe_answer(key: bytes, nonce: str) -> str:
    """What only a gridhook of this database answers to a probe."""
    return hmac_sha256(key, b"probe\0" + nonce.encode("utf-8", "surrogateescape")).hex()[:32]


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """The 32 bytes of HMAC-SHA256."""
    return hmac.digest(key, message, hashlib.sha256)


def hex_signature_matches(given: str, keys: Sequence[bytes], body: bytes) -> bool:
    """Whether `given` (`sha256=<hex>` or `<hex>`, any case) is the HMAC-SHA256 of `body` under one of the keys."""
    try:
        mac = bytes.fromhex(given.strip().removeprefix("sha256="))
    except ValueError:
        mac = b""
    return mac_matches(mac, keys, body)


def mac_matches(mac: bytes, keys: Sequence[bytes], body: bytes) -> bool:
    """Whether `mac` is the HMAC-SHA256 of `body` under one of the keys; all keys are tried, each in constant time."""
    found = False
    for key in keys:
        found |= hmac.compare_digest(mac, hmac_sha256(key, body))
    return found


def standard_webhook_key(secret: Secret) -> bytes:
    """The key bytes of a Standard Webhooks secret: `whsec_` and the base64 of 24 to 64 bytes. Raises ValueError.

    Anything else would be a key that sender and receiver read in different ways, or one that can be guessed. So the
    base64 is the one that encoding makes: without its padding, or with bits left over at its end, some libraries refuse
    it and others read it.
    """
    prefix, _, encoded = secret.reveal().partition("_")
    if prefix != "whsec":
        raise ValueError("does not begin with whsec_")
    try:
        key = base64.b64decode(encoded, validate=True)
    except ValueError:
        raise ValueError("is not base64 behind whsec_") from None
    if not MIN_KEY_LENGTH <= len(key) <= MAX_KEY_LENGTH:
        raise ValueError(f"holds {len(key)} bytes behind whsec_, not {MIN_KEY_LENGTH} to {MAX_KEY_LENGTH}")
    if base64.b64encode(key).decode() != encoded:
        raise ValueError("is base64 behind whsec_ that ends in loose bits, which not all libraries read")
    return key


def fresh_standard_webhook_secret() -> str:
    """A new Standard Webhooks secret of 32 random bytes: `whsec_` and their base64."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(FRESH_KEY_LENGTH)).decode()


def standard_webhook_signature(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """`v1,<base64>` over `id.timestamp.body` (Standard Webhooks). `timestamp` is Unix seconds."""
    mac = hmac_sha256(key, b"%s.%d.%s" % (message_id.encode(), timestamp, body))
    return "v1," + base64.b64encode(mac).decode()


def ref_of(key: bytes, source: str, job: int) -> str:
    """The unguessable token of a planned job for its webhook URL: its number, then a MAC over source and number."""
    number = _letters(job, LENGTH)
    return number + _ref_mac(key, source, number)


def job_of_ref(key: bytes, source: str, ref: str) -> int | None:
    """The number of the job that a ref of this source belongs to; None if it is not one of ours."""
    number, mac = ref[:LENGTH], ref[LENGTH:]
    wanted = _ref_mac(key, source, number)
    if not same_text(mac, wanted):
        return None
    value = 0
    for letter in number:
        value = value * 32 + VALUES[letter]
    return value


def _ref_mac(key: bytes, source: str, number: str) -> str:
    return keyed_mac(key, f"ref\0{source}\0{number}")


def keyed_mac(key: bytes, text: str) -> str:
    """A MAC of a text as 26 letters and digits (130 bits). A text begins with what it is for, so one key serves all."""
    mac = hmac_sha256(key, text.encode("utf-8", "surrogateescape"))
    return _letters(int.from_bytes(mac, "big"), MAC_LENGTH)


def same_text(given: str, wanted: str) -> bool:
    """Whether two texts are the same, in constant time."""
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), wanted.encode())


def _letters(value: int, length: int) -> str:
    letters = []
    for _ in range(length):
        value, rest = divmod(value, 32)
        letters.append(ALPHABET[rest])
    return "".join(reversed(letters))
