"""What a page's address narrows a list by: the API's filters, with what a form leaves empty left out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from starlette.requests import Request

from receiver.contracts import Filters
from receiver.views.filters import FIELDS, ListParameters, readers_of
from receiver.web.problems import Refusal

#: Spans of time that are offered, by what stands in the address; ms.
SPANS: Final = {"1h": 3_600_000, "24h": 86_400_000, "7d": 7 * 86_400_000, "30d": 30 * 86_400_000}


def page_filters(request: Request, listing: ListParameters, now_ms: int, limit: int) -> Filters:
    """The filters of an address. Raises Refusal (400) for a value that is none; names it does not know it leaves be."""
    return filters_from(request.query_params.items(), listing, now_ms, limit)


def filters_from(given: Iterable[tuple[str, str]], listing: ListParameters, now_ms: int, limit: int) -> Filters:
    """The filters of an address's or a form's fields; raises as `page_filters` does."""
    readers = readers_of(listing)
    found: dict[str, Any] = {"limit": limit}
    named = dict(given)
    for name, text in named.items():
        if not text or name not in readers or name == "limit":
            continue
        try:
            value = now_ms - SPANS[text] if name == "since" and text in SPANS else readers[name](text)
        except ValueError as wrong:
            raise Refusal(400, "invalid_query", f"{name} {wrong}") from None
        found[FIELDS.get(name, name)] = value
    name, mark, value = named.get("tag", "").partition("=")
    if mark and name:
        found["tags"] = {name: value}
    return Filters(**found)


class Asked(dict[str, str]):
    """What an address asks for, by name; empty where it says nothing."""

    def __missing__(self, name: str) -> str:
        return ""


def asked_for(request: Request) -> Asked:
    """The address's parameters that say something, for the forms that show them again."""
    return Asked({name: text[:200] for name, text in request.query_params.items() if text and name != "cursor"})
