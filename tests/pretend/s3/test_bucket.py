from __future__ import annotations

from collections.abc import Callable

import pytest

from receiver.pretend.s3 import bucket as buckets
from receiver.pretend.s3.bucket import SMALLEST_PART, PretendBucket
from receiver.pretend.s3.refusals import S3Refusal


def parts(*said: tuple[int, str]) -> bytes:
    inner = "".join(f'<Part><PartNumber>{number}</PartNumber><ETag>"{tag}"</ETag></Part>' for number, tag in said)
    return f"<CompleteMultipartUpload>{inner}</CompleteMultipartUpload>".encode()


def refused(work: Callable[[], object]) -> str:
    with pytest.raises(S3Refusal) as told:
        work()
    return told.value.code


def test_keys_are_listed_in_order_and_in_pages() -> None:
    bucket = PretendBucket()
    for key in ("b/2", "a", "b/1", "b/3"):
        bucket.put(key, b"x", "text/plain", 0)
    assert bucket.keys("b/", "", 2) == (["b/1", "b/2"], True)
    assert bucket.keys("b/", "b/2", 2) == (["b/3"], False)


def test_what_s3_refuses_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = PretendBucket()
    assert refused(lambda: bucket.put("k" * 1025, b"", "x", 0)) == "KeyTooLongError"
    bucket.put("a", b"x", "x", 0)
    assert refused(lambda: bucket.put("a", b"y", "x", 0, only_new=True)) == "PreconditionFailed"
    assert refused(lambda: bucket.get("b")) == "NoSuchKey"
    monkeypatch.setattr(buckets, "MOST_BYTES", 3)
    assert refused(lambda: bucket.put("c", b"xxx", "x", 0)) == "SlowDown"


def test_an_upload_in_parts_is_as_strict_as_s3() -> None:
    bucket = PretendBucket()
    upload = bucket.begin("a", "image/png")
    first, small = b"x" * SMALLEST_PART, b"y"
    tags = [bucket.part(upload, "a", number, body) for number, body in ((1, first), (2, small), (3, small))]
    told = list(enumerate(tags, 1))
    assert refused(lambda: bucket.complete(upload, "a", parts(*told), 0)) == "EntityTooSmall"
    assert refused(lambda: bucket.complete(upload, "a", parts(told[1], told[0]), 0)) == "InvalidPartOrder"
    assert refused(lambda: bucket.complete(upload, "a", parts((1, tags[1])), 0)) == "InvalidPart"
    assert refused(lambda: bucket.complete(upload, "b", parts(*told), 0)) == "NoSuchUpload"
    assert refused(lambda: bucket.complete(upload, "a", b"<Part></Part>", 0)) == "MalformedXML"
    assert bucket.complete(upload, "a", parts(*told[:2]), 0).body == first + small
    assert refused(lambda: bucket.abort(upload, "a")) == "NoSuchUpload"
