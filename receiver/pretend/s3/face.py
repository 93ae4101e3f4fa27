"""The pretend S3 over HTTP, path-style: `/{bucket}/{key}`."""

from __future__ import annotations

import re
from collections.abc import Callable
from email.utils import formatdate
from typing import Final
from xml.sax.saxutils import escape

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from receiver.lib.times import Clock, stamp
from receiver.pretend.s3.browsing import page, picture
from receiver.pretend.s3.bucket import MIB, PretendBucket, StoredFile
from receiver.pretend.s3.refusals import S3Refusal, xml
from receiver.pretend.s3.signing import S3Call, check, check_body

#: Of one body, bytes.
LONGEST_BODY: Final = 128 * MIB
#: Keys that one answer lists at most (documented).
MOST_LISTED: Final = 1000
NAMESPACE: Final = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
RANGE: Final = re.compile(r"bytes=(\d{1,15})-(\d{0,15})")


class PretendS3:
    """An ASGI application, `app`, that has one bucket. What is not signed with the key is refused."""

    def __init__(self, clock: Clock, *, bucket: str = "pictures", key_id: str = "pretend", secret: str) -> None:
        """`clock` returns Unix ms: it judges the moment of a signature."""
        self.bucket: Final = PretendBucket()
        self.name: Final = bucket
        self._clock = clock
        self._key_id = key_id
        self._secret = secret
        #: Told of each call: method, path and status.
        self.on_call: Callable[[str, str, int], None] = lambda _method, _path, _status: None
        methods = ["GET", "HEAD", "PUT", "POST", "DELETE"]
        self.app = Starlette(
            routes=[
                Route("/", self._page, methods=["GET"]),
                Route("/_show", self._show, methods=["GET"]),
                Route("/{bucket}", self._call, methods=methods),
                Route("/{bucket}/{key:path}", self._call, methods=methods),
            ]
        )

    async def _page(self, request: Request) -> Response:
        return page(self.name, self.bucket.files)

    async def _show(self, request: Request) -> Response:
        return picture(self.bucket.files.get(request.query_params.get("key", "")))

    async def _call(self, request: Request) -> Response:
        try:
            answer = await self._answered(request)
        except S3Refusal as refused:
            answer = refused.answer()
        self.on_call(request.method, request.url.path, answer.status_code)
        return answer

    async def _answered(self, request: Request) -> Response:
        raw_path = (request.scope.get("raw_path") or b"").partition(b"?")[0].decode("latin-1")
        call = S3Call(request.method, raw_path, request.url.query, dict(request.headers))
        check(call, self._key_id, self._secret, self._clock())
        body = await _body(request)
        check_body(call, body)
        if request.path_params["bucket"] != self.name:
            raise S3Refusal(404, "NoSuchBucket", "there is no such bucket")
        key = request.path_params.get("key", "")
        if not key:
            return self._listed(request)
        match request.method:
            case "GET" | "HEAD":
                return _object(request, self.bucket.get(key))
            case "PUT":
                return self._put(request, key, body)
            case "POST":
                return self._post(request, key, body)
            case _:
                return self._delete(request, key)

    def _put(self, request: Request, key: str, body: bytes) -> Response:
        asked = request.query_params
        if "x-amz-copy-source" in request.headers:
            raise S3Refusal(501, "NotImplemented", "this pretend S3 copies nothing")
        if "uploadId" in asked:
            number = asked.get("partNumber", "")
            tag = self.bucket.part(asked["uploadId"], key, int(number) if number.isdecimal() else 0, body)
            return Response(headers={"etag": f'"{tag}"'})
        only_new = request.headers.get("if-none-match") == "*"
        kind = request.headers.get("content-type", "binary/octet-stream")
        kept = self.bucket.put(key, body, kind, self._clock(), only_new=only_new)
        return Response(headers={"etag": f'"{kept.etag}"'})

    def _post(self, request: Request, key: str, body: bytes) -> Response:
        asked = request.query_params
        if "uploads" in asked:
            upload = self.bucket.begin(key, request.headers.get("content-type", "binary/octet-stream"))
            said = f"<Bucket>{self.name}</Bucket><Key>{escape(key)}</Key><UploadId>{upload}</UploadId>"
            return xml(f"<InitiateMultipartUploadResult {NAMESPACE}>{said}</InitiateMultipartUploadResult>")
        if "uploadId" in asked:
            kept = self.bucket.complete(asked["uploadId"], key, body, self._clock())
            said = f"<Bucket>{self.name}</Bucket><Key>{escape(key)}</Key><ETag>&quot;{kept.etag}&quot;</ETag>"
            return xml(f"<CompleteMultipartUploadResult {NAMESPACE}>{said}</CompleteMultipartUploadResult>")
        raise S3Refusal(405, "MethodNotAllowed", "POST begins or completes an upload in parts")

    def _delete(self, request: Request, key: str) -> Response:
        if "uploadId" in request.query_params:
            self.bucket.abort(request.query_params["uploadId"], key)
        else:
            self.bucket.delete(key)
        return Response(status_code=204)

    def _listed(self, request: Request) -> Response:
        asked = request.query_params
        if request.method != "GET" or asked.get("list-type") != "2":
            raise S3Refusal(501, "NotImplemented", "of a bucket this pretend S3 only lists (list-type=2)")
        if asked.get("delimiter"):
            raise S3Refusal(501, "NotImplemented", "this pretend S3 knows no delimiter")
        said = asked.get("max-keys", str(MOST_LISTED))
        most = min(MOST_LISTED, int(said)) if said.isdecimal() else MOST_LISTED
        after = asked.get("continuation-token") or asked.get("start-after") or ""
        keys, has_more = self.bucket.keys(asked.get("prefix", ""), after, most)
        rows = "".join(_row(key, self.bucket.files[key]) for key in keys)
        following = f"<NextContinuationToken>{escape(keys[-1])}</NextContinuationToken>" if has_more else ""
        head = f"<Name>{self.name}</Name><KeyCount>{len(keys)}</KeyCount><MaxKeys>{most}</MaxKeys>"
        return xml(
            f"<ListBucketResult {NAMESPACE}>{head}<IsTruncated>{str(has_more).lower()}</IsTruncated>"
            f"{following}{rows}</ListBucketResult>"
        )


def _row(key: str, file: StoredFile) -> str:
    return (
        f"<Contents><Key>{escape(key)}</Key><LastModified>{stamp(file.at)}</LastModified>"
        f"<ETag>&quot;{file.etag}&quot;</ETag><Size>{len(file.body)}</Size>"
        "<StorageClass>STANDARD</StorageClass></Contents>"
    )


def _object(request: Request, file: StoredFile) -> Response:
    headers = {
        "etag": f'"{file.etag}"',
        "last-modified": formatdate(file.at / 1000, usegmt=True),
        "accept-ranges": "bytes",
        "content-type": file.type,
    }
    found = RANGE.fullmatch(request.headers.get("range", ""))
    if found is None or request.method == "HEAD":
        return Response(file.body, headers=headers)
    start, end = int(found[1]), min(int(found[2] or len(file.body)), len(file.body) - 1)
    if start > end:
        raise S3Refusal(416, "InvalidRange", "the object is shorter")
    headers["content-range"] = f"bytes {start}-{end}/{len(file.body)}"
    return Response(file.body[start : end + 1], 206, headers)


async def _body(request: Request) -> bytes:
    """Raises S3Refusal for one that is too long, while it comes."""
    held = bytearray()
    async for piece in request.stream():
        held += piece
        if len(held) > LONGEST_BODY:
            raise S3Refusal(400, "EntityTooLarge", f"a body has at most {LONGEST_BODY} bytes")
    return bytes(held)
