"""Style, script and icon of the pages: in the wheel, served from memory, each under the hash of what it holds."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from typing import Final, NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from receiver.web.problems import Refusal

TYPES: Final = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "LICENSE": "text/plain; charset=utf-8",
}
#: An address with a hash in it never means anything else.
FOR_EVER: Final = "public, max-age=31536000, immutable"


class Asset(NamedTuple):
    """One file."""

    body: bytes
    type: str
    hash: str


def _load() -> dict[str, Asset]:
    found = {}
    for file in files("receiver.web.pages").joinpath("static").iterdir():
        kind = TYPES.get(file.name.rpartition(".")[2])
        if kind is not None:
            body = file.read_bytes()
            found[file.name] = Asset(body, kind, hashlib.sha256(body).hexdigest()[:16])
    return found


ASSETS: Final = _load()


def asset_url(name: str) -> str:
    """Where a page finds this file."""
    return f"/assets/{name}?v={ASSETS[name].hash}"


async def asset(request: Request) -> Response:
    """One file; 304 where the caller has it already. They tell nothing of what is kept here: open to everybody."""
    found = ASSETS.get(request.path_params["name"])
    if found is None:
        raise Refusal(404, "not_found", "there is nothing at this address")
    is_named = request.query_params.get("v") == found.hash
    headers = {"etag": f'"{found.hash}"', "cache-control": FOR_EVER if is_named else "no-cache"}
    if f'"{found.hash}"' in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(found.body, headers=headers, media_type=found.type)


def asset_routes() -> list[Route]:
    """`/assets/{name}`."""
    return [Route("/assets/{name}", asset, methods=["GET"])]
