"""The pretend bucket in a browser."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Final
from urllib.parse import quote

from starlette.responses import Response

from receiver.lib.pictures import HEAD, picture_type
from receiver.pretend.s3.bucket import StoredFile

#: The newest that are shown.
SHOWN: Final = 200
POLICY: Final = {"content-security-policy": "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'"}
STYLE: Final = (
    "body{font:15px system-ui;margin:2rem;color-scheme:light dark}"
    "ul{display:grid;grid-template-columns:repeat(auto-fill,minmax(14rem,1fr));gap:1rem;padding:0;list-style:none}"
    "img{width:100%;aspect-ratio:1;object-fit:contain;background:#8882}small{display:block;overflow-wrap:anywhere}"
)


def page(name: str, files: Mapping[str, StoredFile]) -> Response:
    """What the bucket holds, the newest first. It is open again every five seconds."""
    newest = sorted(files.items(), key=lambda one: (one[1].at, one[0]), reverse=True)[:SHOWN]
    items = "".join(_item(key, file) for key, file in newest)
    size = sum(len(one.body) for one in files.values())
    body = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="5">'
        f"<title>{escape(name)}</title><style>{STYLE}</style><h1>{escape(name)}</h1>"
        f"<p>{len(files)} objects, {size} bytes. This S3 is a pretend one: it forgets them when it ends.</p>"
        f"<ul>{items}</ul></html>"
    )
    return Response(body, media_type="text/html", headers=POLICY)


def picture(file: StoredFile | None) -> Response:
    """An object that is a picture, by what is in it; 404 for anything else."""
    kind = picture_type(file.body[:HEAD]) if file is not None else None
    if file is None or kind is None:
        return Response("not a picture", 404, media_type="text/plain")
    return Response(file.body, media_type=kind, headers={**POLICY, "x-content-type-options": "nosniff"})


def _item(key: str, file: StoredFile) -> str:
    shown = ""
    if picture_type(file.body[:HEAD]) is not None:
        shown = f'<img src="/_show?key={quote(key, safe="")}" alt="">'
    return f"<li>{shown}<small>{escape(key)}</small><small>{len(file.body)} bytes, {escape(file.type)}</small></li>"
