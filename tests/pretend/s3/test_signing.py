from __future__ import annotations

from datetime import UTC, datetime

import pytest

from receiver.pretend.s3.refusals import S3Refusal
from receiver.pretend.s3.signing import S3Call, check, check_body

#: The documented example "GET Object" of "Authenticating Requests: Using the Authorization Header".
KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
HEADERS = {
    "host": "examplebucket.s3.amazonaws.com",
    "range": "bytes=0-9",
    "x-amz-content-sha256": EMPTY,
    "x-amz-date": "20130524T000000Z",
    "authorization": (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    ),
}
NOW = int(datetime(2013, 5, 24, tzinfo=UTC).timestamp() * 1000)
LISTED = {
    "host": "examplebucket.s3.amazonaws.com",
    "x-amz-content-sha256": EMPTY,
    "x-amz-date": "20130524T000000Z",
    "authorization": (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        "SignedHeaders=host;x-amz-content-sha256;x-amz-date,"
        "Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
    ),
}


def test_the_documented_examples_are_signed_rightly() -> None:
    check(S3Call("GET", "/test.txt", "", HEADERS), KEY_ID, SECRET, NOW)
    check(S3Call("GET", "/", "max-keys=2&prefix=J", LISTED), KEY_ID, SECRET, NOW)


@pytest.mark.parametrize(
    ("call", "now", "code"),
    [
        (S3Call("PUT", "/test.txt", "", HEADERS), NOW, "SignatureDoesNotMatch"),
        (S3Call("GET", "/other.txt", "", HEADERS), NOW, "SignatureDoesNotMatch"),
        (S3Call("GET", "/test.txt", "acl", HEADERS), NOW, "SignatureDoesNotMatch"),
        (S3Call("GET", "/test.txt", "", {**HEADERS, "range": "bytes=0-99"}), NOW, "SignatureDoesNotMatch"),
        (S3Call("GET", "/test.txt", "", HEADERS), NOW + 901_000, "RequestTimeTooSkewed"),
        (S3Call("GET", "/test.txt", "", HEADERS), NOW - 901_000, "RequestTimeTooSkewed"),
        (S3Call("GET", "/test.txt", "", {**HEADERS, "authorization": "Basic eDp5"}), NOW, "AccessDenied"),
        (S3Call("GET", "/test.txt", "", {**HEADERS, "x-amz-date": "now"}), NOW, "RequestTimeTooSkewed"),
    ],
)
def test_what_was_altered_or_is_old_is_refused(call: S3Call, now: int, code: str) -> None:
    with pytest.raises(S3Refusal) as refused:
        check(call, KEY_ID, SECRET, now)
    assert refused.value.code == code


def test_another_key_and_another_body_are_refused() -> None:
    call = S3Call("GET", "/test.txt", "", HEADERS)
    with pytest.raises(S3Refusal, match="no such access key"):
        check(call, "OTHER", SECRET, NOW)
    with pytest.raises(S3Refusal, match="signature is not that"):
        check(call, KEY_ID, "other", NOW)
    check_body(call, b"")
    with pytest.raises(S3Refusal, match="not the one that was signed"):
        check_body(call, b"x")
