"""Query parameters to filters, strictly: what is not known, given twice or out of range is a 400 that names it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from receiver.contracts import Filters
from receiver.views.filters import DEFAULT_LIMIT, FIELDS, TAG, ListParameters, Reader, readers_of, text_reader
from receiver.web.problems import Refusal


def filters_of(request: Request, listing: ListParameters) -> Filters:
    """The filters that a request asks for. Raises Refusal (400, `invalid_query`)."""
    given = read_query(request, readers_of(listing), tags=True)
    tags = {name.removeprefix(TAG): value for name, value in given.items() if name.startswith(TAG)}
    fields = {FIELDS.get(name, name): value for name, value in given.items() if name[:4] != TAG}
    return Filters(**{"limit": DEFAULT_LIMIT, **fields}, tags=tags)


def read_query(request: Request, readers: Mapping[str, Reader], *, tags: bool = False) -> dict[str, Any]:
    """Every query parameter's value by its name. Raises Refusal (400, `invalid_query`)."""
    given: dict[str, Any] = {}
    for name, text in request.query_params.multi_items():
        reader = text_reader if tags and name.startswith(TAG) and name != TAG else readers.get(name)
        if reader is None:
            raise _wrong(f"there is no query parameter {name[:60]!r} here; known: {', '.join(_known(readers, tags))}")
        if name in given:
            raise _wrong(f"{name[:60]} is given twice")
        try:
            text_reader(name)
            given[name] = reader(text)
        except ValueError as wrong:
            raise _wrong(f"{name[:60]} {wrong}") from None
    return given


def _known(readers: Mapping[str, Reader], tags: bool) -> list[str]:
    return [*readers, *(["tag.NAME"] if tags else [])] or ["none"]


def _wrong(detail: str) -> Refusal:
    return Refusal(400, "invalid_query", detail)
