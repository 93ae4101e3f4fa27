"""Reads an order's body and single fields of it, in the plain words most vendors use when one is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from starlette.requests import ClientDisconnect, Request

from receiver.errors import NotJson
from receiver.lib.strict_json import read_json
from receiver.pretend.faults import PretendRefusal

#: An Apiframe mask may have 12,000,000 characters.
LONGEST_BODY: Final = 16 * 1024 * 1024


async def json_of(request: Request) -> Any:
    """The JSON of a request with a body, read once; an empty object for others. Raises PretendRefusal."""
    if request.method not in ("POST", "PUT", "PATCH"):
        return {}
    if not hasattr(request.state, "json"):
        request.state.json = await _read_json(request)
    return request.state.json


async def _read_json(request: Request) -> Any:
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > LONGEST_BODY:
                raise PretendRefusal(413, "Request body is too large")
    except ClientDisconnect:
        raise PretendRefusal(400, "Request body is cut off") from None
    if not body and request.method != "POST":
        return {}
    try:
        return read_json(bytes(body))
    except NotJson:
        raise PretendRefusal(400, "Request body is not valid JSON") from None


def text(body: dict[str, Any], name: str) -> str:
    """Text that is not blank. Raises Refused (400) otherwise."""
    value = body.get(name)
    if not isinstance(value, str) or not value.strip():
        raise PretendRefusal(400, f"{name} is required")
    return value


def optional(body: dict[str, Any], name: str) -> str | None:
    """Text, or None if it is not there. Raises Refused (400) for anything else."""
    return text(body, name) if body.get(name) is not None else None


def choice(body: dict[str, Any], name: str, allowed: Sequence[str]) -> str:
    """One of the allowed texts. Raises Refused (400) otherwise."""
    value = body.get(name)
    if not isinstance(value, str) or value not in allowed:
        raise PretendRefusal(400, f"{name} must be one of {', '.join(allowed)}")
    return value


def whole(body: dict[str, Any], name: str, least: int, most: int) -> int | None:
    """A whole number (not a truth value) in this range; None if it is anything else."""
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        return None
    return value


def texts(body: dict[str, Any], name: str, least: int, most: int) -> list[str] | None:
    """A list of so many texts; None if it is anything else."""
    value = body.get(name)
    if not isinstance(value, list) or not least <= len(value) <= most:
        return None
    return value if all(isinstance(item, str) for item in value) else None
