from __future__ import annotations

from collections.abc import AsyncIterator

import obstore
import pytest

from handlers.archive.buckets import BucketAccess, BucketPlace
from receiver.lib.signatures import Secret
from receiver.lib.times import system_clock
from receiver.pretend.loopback import serve
from receiver.pretend.s3.face import PretendS3

KEY = "2026/11/job_1/job_1/image-1.png"
SECRET = "hush-hush-hush"


class Bucket:
    """A pretend S3 that runs."""

    def __init__(self, s3: PretendS3, endpoint: str) -> None:
        self.files = s3.bucket.files
        self.endpoint = endpoint

    def place(self, key_id: str = "key-id", secret: str = SECRET, to: str = "s3://pictures/our/prefix") -> BucketPlace:
        access = BucketAccess(
            to=to,
            endpoint=self.endpoint,
            region="eu-central-1",
            access_key_id=Secret(key_id),
            secret_access_key=Secret(secret),
            allow_http=True,
        )
        return BucketPlace(access)


@pytest.fixture
async def bucket() -> AsyncIterator[Bucket]:
    s3 = PretendS3(system_clock, key_id="key-id", secret=SECRET)
    async with serve(s3.app) as endpoint:
        yield Bucket(s3, endpoint)


@pytest.mark.parametrize("key", [KEY, "2026/11/with space/ä+&=%.png"])
async def test_what_is_written_is_read_and_deleted(bucket: Bucket, key: str) -> None:
    opened = bucket.place()
    assert (await opened.read(key), await opened.size(key)) == (None, None)
    await opened.write(key, b"picture", "image/png")
    assert [(name, one.body, one.type) for name, one in bucket.files.items()] == [
        (f"our/prefix/{key}", b"picture", "image/png")
    ]
    assert (await opened.read(key), await opened.size(key)) == (b"picture", 7)
    assert b"".join([piece async for piece in opened.pieces(key)]) == b"picture"
    await opened.delete(key)
    assert bucket.files == {}
    with pytest.raises(FileNotFoundError):
        await anext(opened.pieces(key))


async def test_the_keys_before_another_are_listed_without_the_prefix(bucket: Bucket) -> None:
    opened = bucket.place()
    keys = [f"20{year}/11/job_1/job_1/image-1.png" for year in (24, 25, 26)]
    for key in keys:
        await opened.write(key, b"x", "image/png")
    assert [key async for key in opened.keys("2026")] == keys[:2]


@pytest.mark.parametrize(("key_id", "secret"), [("other-id", SECRET), ("key-id", "hush-hush-hash")])
async def test_a_bucket_that_refuses_is_told_without_a_key(bucket: Bucket, key_id: str, secret: str) -> None:
    opened = bucket.place(key_id, secret)
    for work in (opened.read(KEY), opened.size(KEY), opened.write(KEY, b"x", "image/png"), opened.delete(KEY)):
        with pytest.raises(OSError, match="s3://pictures: PermissionDenied") as told:
            await work
        assert "hush" not in str(told.value)
        assert "other-id" not in str(told.value)
    assert bucket.files == {}


async def test_a_bucket_that_is_not_there_is_told(bucket: Bucket) -> None:
    with pytest.raises(OSError, match="s3://other"):
        await bucket.place(to="s3://other").write(KEY, b"x", "image/png")


async def test_a_large_file_goes_in_parts(bucket: Bucket) -> None:
    opened = bucket.place()
    body = bytes(range(256)) * 4 * 1024 * 11
    await obstore.put_async(opened._store(), KEY, body, use_multipart=True, chunk_size=5 * 1024 * 1024)
    (kept,) = bucket.files.values()
    assert kept.body == body
    assert kept.etag.endswith("-3")
    assert await opened.read(KEY) == body
