from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from handlers.archive.buckets import BucketAccess, BucketPlace
from receiver.lib.signatures import Secret

KEY = "2026/11/job_1/image-1.png"


class Bucket(BaseHTTPRequestHandler):
    """As much of S3 as an archive uses; what is not signed is refused."""

    protocol_version = "HTTP/1.1"
    files: dict[str, tuple[bytes, str]]

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Says nothing."""

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self._allowed():
            self.files[self.path] = (body, self.headers["content-type"])
            self._say(200)

    def do_GET(self) -> None:
        if self._allowed():
            found = self.files.get(self.path)
            self._say(200 if found else 404, found[0] if found else b"<Error><Code>NoSuchKey</Code></Error>")

    do_HEAD = do_GET

    def do_DELETE(self) -> None:
        if self._allowed():
            self.files.pop(self.path, None)
            self._say(204)

    def _allowed(self) -> bool:
        allowed = "Credential=key-id/" in self.headers.get("authorization", "")
        if not allowed:
            self._say(403, b"<Error><Code>AccessDenied</Code></Error>")
        return allowed

    def _say(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("etag", '"1"')
        self.send_header("last-modified", "Sat, 21 Nov 2026 10:00:00 GMT")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@pytest.fixture
def bucket() -> Iterator[tuple[str, dict[str, tuple[bytes, str]]]]:
    files: dict[str, tuple[bytes, str]] = {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("OneBucket", (Bucket,), {"files": files}))
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", files
    server.shutdown()
    thread.join()
    server.server_close()


def place(endpoint: str, key_id: str = "key-id") -> BucketPlace:
    access = BucketAccess(
        to="s3://pictures/our/prefix",
        endpoint=endpoint,
        region="eu-central-1",
        access_key_id=Secret(key_id),
        secret_access_key=Secret("hush-hush-hush"),
        allow_http=True,
    )
    return BucketPlace(access)


async def test_what_is_written_is_read_and_deleted(bucket: tuple[str, dict[str, tuple[bytes, str]]]) -> None:
    endpoint, files = bucket
    opened = place(endpoint)
    assert (await opened.read(KEY), await opened.size(KEY)) == (None, None)
    await opened.write(KEY, b"picture", "image/png")
    assert files == {f"/pictures/our/prefix/{KEY}": (b"picture", "image/png")}
    assert (await opened.read(KEY), await opened.size(KEY)) == (b"picture", 7)
    await opened.delete(KEY)
    assert files == {}


async def test_a_bucket_that_refuses_is_told_without_a_key(bucket: tuple[str, dict[str, tuple[bytes, str]]]) -> None:
    endpoint, files = bucket
    opened = place(endpoint, "other-id")
    for work in (opened.read(KEY), opened.size(KEY), opened.write(KEY, b"x", "image/png"), opened.delete(KEY)):
        with pytest.raises(OSError, match="s3://pictures: PermissionDenied") as told:
            await work
        assert "hush" not in str(told.value)
        assert "other-id" not in str(told.value)
    assert files == {}
