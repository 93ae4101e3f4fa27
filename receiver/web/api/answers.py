"""Answers in JSON, and bodies read into records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from receiver.contracts import Page
from receiver.lib import ids
from receiver.lib.strict_json import read_json
from receiver.web.ingest.bodies import read_body, read_headers
from receiver.web.problems import Refusal

T = TypeVar("T")

#: Largest body that names a choice, bytes.
MAX_CHOICE: Final = 4096
_ENCODER: Final = msgspec.json.Encoder()


def json_answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A record, or anything made of them, as a JSON response."""
    return Response(_ENCODER.encode(value), status, headers, "application/json")


def page(kind: ids.Kind, found: Page[T], view: Callable[[T], Any]) -> Response:
    """One page of a list: `{"items": [...], "next": cursor or null}`."""
    cursor = None if found.next is None else ids.show(kind, found.next)
    return json_answer({"items": [view(one) for one in found], "next": cursor})


async def read_record(request: Request, kind: type[T], limit: int) -> T:
    """The record in a request's JSON body. Raises NotJson, and Refusal (413, or 400 with the mistake's path)."""
    body = await read_body(request.receive, read_headers(request.headers.raw), limit)
    read_json(body)
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, ValueError) as wrong:
        raise Refusal(400, "invalid_body", str(wrong)) from None
