"""`/pictures/{job}/{index}`: one picture, for who is signed in, has a token, or has a signed link to just this one."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from receiver.contracts import Store
from receiver.contracts.setup import Setup
from receiver.errors import ForeignRefused, GridhookError, TransportError
from receiver.lib import ids
from receiver.lib.pictures.links import link_worth
from receiver.lib.times import Clock
from receiver.web.access import Access
from receiver.web.api.auth import CLOSED, UNAUTHORIZED
from receiver.web.pages.authentication.visits import Visits
from receiver.web.pictures.originals import Original
from receiver.web.pictures.places import VENDOR_BYTES, PicturePlaces, WantedOriginal, wanted_original
from receiver.web.pictures.shelf import PictureShelf
from receiver.web.problems import NOTHING, Refusal

log = structlog.get_logger("web")

#: The previews there are, by what is asked for: pixels.
WIDTHS: Final = {"400": 400, "1200": 1200}
INDEX: Final = re.compile(r"0|[1-9][0-9]{0,2}")
KNOWN: Final = frozenset({"width", "until", "mac"})
#: How long a browser need not ask again, seconds.
FRESH_S: Final = 3600
#: Statuses by which a vendor says that it has a picture no more.
GONE_AT_VENDOR: Final = frozenset({403, 404, 410})
HEADERS: Final = {
    "content-security-policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
}
#: Of what a session or a token opens: a browser that was signed out meanwhile asks again.
FOR_ONE: Final = {
    "cache-control": f"private, max-age={FRESH_S}",
    "cross-origin-resource-policy": "same-origin",
    "vary": "cookie, authorization",
}

WRONG_WIDTH: Final = Refusal(
    400, "invalid_query", f"width is {' or '.join(WIDTHS)}; left out, it is the picture itself"
)
NO_PICTURE: Final = Refusal(404, "no_picture", "there is no such picture")
GONE: Final = Refusal(410, "gone", "the vendor does not have this picture any more, and no archive keeps a copy of it")
OVER: Final = Refusal(410, "link_over", "this link is over")
UNREACHABLE: Final = Refusal(503, "unreachable", "the picture cannot be had now; ask again", {"retry-after": "10"})


class PictureEndpoint:
    """Serves pictures."""

    def __init__(
        self,
        store: Store,
        setup: Setup,
        clock: Clock,
        access: Access,
        visits: Visits,
        places: PicturePlaces,
        shelf: PictureShelf,
    ) -> None:
        self._store = store
        self._setup = setup
        self._clock = clock
        self._access = access
        self._visits = visits
        self._places = places
        self._shelf = shelf

    def routes(self) -> list[Route]:
        """`/pictures/{job}/{index}`, GET and HEAD."""
        return [Route("/pictures/{job}/{index}", self.picture, methods=["GET"])]

    async def picture(self, request: Request) -> Response:
        """The picture, or its preview. Raises Refusal."""
        asked = _query(request)
        by_link = await self._let_in(request, asked)
        wanted = await self._wanted(request.path_params["job"], request.path_params["index"])
        width = asked.get("width")
        headers = {**HEADERS, **(self._for_anybody(asked) if by_link else FOR_ONE)}
        ours = [copy for copy in wanted.copies if self._places.keeps(copy)]
        if ours and (same := _unchanged(request, ours[0].sha256, width, headers)):
            return same
        original = await self._original(wanted)
        if same := _unchanged(request, original.sha256, width, headers):
            return same
        headers["etag"] = _etag(original.sha256, width)
        name = f"{request.path_params['job']}-{request.path_params['index']}"
        if width is None:
            headers |= _named(name, original.type) | {"content-length": str(original.size)}
            return StreamingResponse(_body(request, original), headers=headers, media_type=original.type)
        try:
            small = await self._shelf.preview(original, WIDTHS[width])
        except ForeignRefused as wrong:
            raise _not_taken(wrong) from None
        headers |= _named(f"{name}-{width}", "image/jpeg")
        return Response(small, headers=headers, media_type="image/jpeg")

    def _for_anybody(self, asked: Mapping[str, str]) -> dict[str, str]:
        """Headers of what a link opens: whoever keeps it on the way keeps it no longer than the link lasts."""
        left_s = int(asked["until"]) - self._clock() // 1000
        return {
            "cache-control": f"public, max-age={max(0, min(FRESH_S, left_s))}",
            "cross-origin-resource-policy": "cross-origin",
        }

    async def _let_in(self, request: Request, asked: Mapping[str, str]) -> bool:
        """Whether a signed link opens this. Raises Refusal if nothing does."""
        if "mac" in asked:
            worth = link_worth(
                self._store.ref_key,
                request.path_params["job"],
                request.path_params["index"],
                asked.get("until", ""),
                asked["mac"],
                self._clock() // 1000,
            )
            if worth == "open":
                return True
            if worth == "over":
                raise OVER.anew()
        port = (request.scope.get("server") or ("", 0))[1] or 0
        if self._access.is_public(port):
            raise NOTHING.anew()
        if await self._visits.visitor(request) is None:
            raise (UNAUTHORIZED if self._access.tokens else CLOSED).anew()
        return False

    async def _wanted(self, job_id: str, index: str) -> WantedOriginal:
        number = ids.read("job", job_id)
        if number is None or INDEX.fullmatch(index) is None:
            raise NO_PICTURE.anew()
        kept = await self._store.read(lambda tx: tx.job(number))
        wanted = wanted_original(kept, int(index), self._setup) if kept is not None else None
        if wanted is None:
            raise NO_PICTURE.anew()
        return wanted

    async def _original(self, wanted: WantedOriginal) -> Original:
        """The first that can be had of our copies and what the vendor has. Raises Refusal."""
        unreachable = False
        for copy in filter(self._places.keeps, wanted.copies):
            try:
                return await self._shelf.original(copy.sha256, partial(self._places.copy, copy), copy.bytes)
            except FileNotFoundError:
                log.warning("picture.copy_missing", sink=copy.sink, key=copy.key)
            except (OSError, ForeignRefused) as wrong:
                unreachable = True
                log.warning("picture.copy_unreadable", sink=copy.sink, key=copy.key, reason=str(wrong))
        foreign = self._places.foreign
        if wanted.url is None or foreign is None:
            raise (UNREACHABLE if unreachable else GONE).anew()
        try:
            pieces = partial(self._places.at_vendor, foreign, wanted.url)
            return await self._shelf.original(wanted.url, pieces, VENDOR_BYTES, from_vendor=True)
        except (ForeignRefused, TransportError) as wrong:
            log.info("picture.not_fetched", reason=str(wrong))
            raise (UNREACHABLE.anew() if unreachable else _not_taken(wrong)) from None
        except OSError as wrong:
            log.error("picture.no_room", reason=str(wrong))
            raise UNREACHABLE.anew() from None


def _query(request: Request) -> dict[str, str]:
    """What is asked for. Raises Refusal (400)."""
    pairs = request.query_params.multi_items()
    asked = dict(pairs)
    if len(asked) != len(pairs) or not asked.keys() <= KNOWN:
        raise Refusal(400, "invalid_query", "there are width, until and mac here, each once")
    if asked.get("width", "400") not in WIDTHS:
        raise WRONG_WIDTH.anew()
    return asked


async def _body(request: Request, original: Original) -> AsyncIterator[bytes]:
    if request.method != "HEAD":
        async for piece in original.pieces():
            yield piece


def _etag(sha256: str, width: str | None) -> str:
    return f'"{sha256}-{width}"' if width else f'"{sha256}"'


def _unchanged(request: Request, sha256: str, width: str | None, headers: dict[str, str]) -> Response | None:
    """304, if the caller has this very picture."""
    etag = _etag(sha256, width)
    known = {one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")}
    return Response(status_code=304, headers={**headers, "etag": etag}) if etag in known else None


def _named(name: str, kind: str) -> dict[str, str]:
    ending = kind.removeprefix("image/")
    return {"content-disposition": f'inline; filename="{name}.{ending}"'}


def _not_taken(wrong: GridhookError) -> Refusal:
    """What is told of a picture that the vendor does not have, or that is not taken: no address, nothing foreign."""
    if isinstance(wrong, TransportError):
        return UNREACHABLE.anew()
    if isinstance(wrong, ForeignRefused) and wrong.status in GONE_AT_VENDOR:
        return GONE.anew()
    return Refusal(404, "not_taken", f"what the vendor's address leads to is not taken: {wrong.code}")
