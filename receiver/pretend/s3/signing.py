"""Signature Version 4, as S3 checks it (documented: "Authenticating Requests: Using the Authorization Header")."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, unquote_plus

from receiver.lib.signatures import hmac_sha256
from receiver.pretend.s3.refusals import S3Refusal

AUTHORIZATION: Final = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/, ]+)/(\d{8})/([^/, ]+)/s3/aws4_request, ?"
    r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})"
)
#: How far the clocks may be apart, seconds (documented).
SKEW_S: Final = 900
UNSIGNED: Final = "UNSIGNED-PAYLOAD"
#: What must be among the signed headers (documented).
SIGNED: Final = frozenset({"host", "x-amz-date", "x-amz-content-sha256"})


class S3Call:
    """One request, as far as a signature covers it."""

    def __init__(self, method: str, raw_path: str, query: str, headers: Mapping[str, str]) -> None:
        """`headers` have lower-case names; path and query are as they came."""
        self.method = method
        self.raw_path = raw_path
        self.query = query
        self.headers = headers

    @property
    def said_hash(self) -> str:
        """What the caller says of the body: its SHA-256, or that it is not signed."""
        return self.headers.get("x-amz-content-sha256", "")


def check(call: S3Call, key_id: str, secret: str, now_ms: int) -> None:
    """Raises S3Refusal unless the call was signed with this key, just now."""
    found = AUTHORIZATION.fullmatch(call.headers.get("authorization", ""))
    if found is None:
        raise S3Refusal(403, "AccessDenied", "there is no signature of version 4 in Authorization")
    said_id, day, region, names, signature = found.groups()
    if said_id != key_id:
        raise S3Refusal(403, "InvalidAccessKeyId", "there is no such access key")
    signed = names.split(";")
    if not set(signed) >= SIGNED or signed != sorted(set(signed)):
        raise S3Refusal(403, "AccessDenied", f"{', '.join(sorted(SIGNED))} must be signed, and be in order")
    moment = call.headers.get("x-amz-date", "")
    if not moment.startswith(day) or abs(_unix_s(moment) - now_ms / 1000) > SKEW_S:
        raise S3Refusal(403, "RequestTimeTooSkewed", "the request is not of now")
    wanted = _signature(call, secret, signed, moment, f"{day}/{region}/s3/aws4_request")
    if not hmac.compare_digest(signature, wanted):
        raise S3Refusal(403, "SignatureDoesNotMatch", "the signature is not that of this request and key")


def check_body(call: S3Call, body: bytes) -> None:
    """Raises S3Refusal unless the body is the one that was signed."""
    if call.said_hash not in (UNSIGNED, hashlib.sha256(body).hexdigest()):
        raise S3Refusal(400, "XAmzContentSHA256Mismatch", "the body is not the one that was signed")


def _signature(call: S3Call, secret: str, signed: list[str], moment: str, scope: str) -> str:
    headers = "".join(f"{name}:{' '.join(call.headers.get(name, '').split())}\n" for name in signed)
    canonical = "\n".join(
        [call.method, call.raw_path, _canonical_query(call.query), headers, ";".join(signed), call.said_hash]
    )
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = b"AWS4" + secret.encode()
    for part in scope.split("/"):
        key = hmac_sha256(key, part.encode())
    return hmac_sha256(key, text.encode()).hex()


def _canonical_query(query: str) -> str:
    pairs = [part.partition("=") for part in query.split("&") if part]
    encoded = [(_encoded(name), _encoded(value)) for name, _, value in pairs]
    return "&".join(f"{name}={value}" for name, value in sorted(encoded))


def _encoded(text: str) -> str:
    return quote(unquote_plus(text), safe="-_.~")


def _unix_s(moment: str) -> float:
    try:
        return datetime.strptime(moment, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return 0.0
