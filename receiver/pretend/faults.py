"""Ways in which an order goes wrong: documented refusals, and answers that leave the buyer in the dark.

`400 401 402 403 404 409 429`  refused in the vendor's own words, not billed (`refuse` is `400`)
`500 502 503`                  the server broke, not billed
`reset`                        the connection is cut without an answer, not billed
`hang`                         no answer ever, not billed
`garbage`                      a 200 whose body is no JSON, not billed
`500-taken` ... `garbage-taken` the same, but the order was taken, is billed and carried out
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final, NamedTuple

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

REFUSALS: Final = {"refuse": 400} | {str(status): status for status in (400, 401, 402, 403, 404, 409, 429)}
BROKEN: Final = {str(status): status for status in (500, 502, 503)}
CUTS: Final = frozenset({"reset", "hang", "garbage"})
TAKEN: Final = "-taken"
#: What `loopback.serve` puts into the scope's extensions: a function that cuts the connection.
CUT: Final = "gridhook.cut"


class PretendRefusal(Exception):
    """The vendor does not take a request. `status` is HTTP's; `code` and `details` are for vendors that tell more."""

    def __init__(
        self, status: int, message: str, *, code: int = 0, details: dict[str, list[str]] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.details = details or {}


class Fault(NamedTuple):
    """What goes wrong with one order."""

    #: Without `-taken`.
    name: str
    #: The order is billed and carried out all the same.
    taken: bool

    @property
    def refusal(self) -> int | None:
        """The HTTP status of an answer in the vendor's own words, if that is what happens."""
        return REFUSALS.get(self.name) or BROKEN.get(self.name)


def fault(name: str) -> Fault:
    """Reads a fault's name. Raises ValueError with the names there are."""
    bare = name.removesuffix(TAKEN)
    taken = bare != name
    if bare in BROKEN or bare in CUTS or (bare in REFUSALS and not taken):
        return Fault(bare, taken)
    known = ", ".join(sorted({*REFUSALS, *BROKEN, *CUTS}))
    raise ValueError(f"no fault is called {name!r}; there are {known}, and {TAKEN} after a broken one")


async def stay(request: Request, seconds: float) -> None:
    """Lets so much time pass, or as long as the client stays."""
    if seconds > 0:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(_gone(request), seconds)


async def break_off(name: str, request: Request) -> Response:
    """Carries out `reset`, `hang` or `garbage`. Raises ConnectionResetError if there is no connection to cut."""
    if name == "garbage":
        return HTMLResponse("<html><body>502 Bad Gatew")
    if name == "reset":
        _cut(request)
    await _gone(request)
    return Response(status_code=499)


def _cut(request: Request) -> None:
    cut = request.scope.get("extensions", {}).get(CUT)
    if cut is None:
        raise ConnectionResetError("the pretend vendor cut the connection")
    cut()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
