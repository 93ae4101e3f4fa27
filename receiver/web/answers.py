"""Answers in JSON, and bodies read into records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from receiver import ids
from receiver.strict_json import read_json
from receiver.web.bodies import Refusal, read_body, read_headers

T = TypeVar("T")

_ENCODER: Final = msgspec.json.Encoder()


def json_answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A record, or anything made of them, as a JSON response."""
    return Response(_ENCODER.encode(value), status, headers, "application/json")


def page(
    kind: ids.Kind, found: Sequence[T], limit: int, number: Callable[[T], int], view: Callable[[T], Any]
) -> Response:
    """One page of a list of which `limit` + 1 were looked up: `{"items": [...], "next": cursor or null}`."""
    shown = found[:limit]
    cursor = ids.show(kind, number(shown[-1])) if len(found) > limit else None
    return json_answer({"items": [view(one) for one in shown], "next": cursor})


async def read_record(request: Request, kind: type[T], limit: int) -> T:
    """The record in a request's JSON body. Raises NotJson, and Refusal (413, or 400 with the mistake's path)."""
    body = await read_body(request.receive, read_headers(request.headers.raw), limit)
    read_json(body)
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, ValueError) as wrong:
        raise Refusal(400, "invalid_body", str(wrong)) from None
