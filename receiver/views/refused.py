"""Refused requests, narrowed: the same at the API and at the command line."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from receiver.flows.operator.refused_requests import KEPT
from receiver.model.requests import RefusedRequest
from receiver.views.records import RefusedView, refused_view


class RefusedFilters(msgspec.Struct, frozen=True, kw_only=True):
    """Which refused requests are shown: everything given must match. Times are Unix ms."""

    limit: int = KEPT
    source: str | None = None
    reason: str | None = None
    since: int | None = None
    until: int | None = None

    def fits(self, one: RefusedRequest) -> bool:
        """Whether this one is shown."""
        return (
            self.source in (None, one.source)
            and self.reason in (None, one.reason)
            and (self.since is None or one.at >= self.since)
            and (self.until is None or one.at < self.until)
        )


def refused_views(newest: Iterable[RefusedRequest], wanted: RefusedFilters) -> list[RefusedView]:
    """Those that fit, in the same order, `wanted.limit` at most."""
    return [refused_view(one) for one in newest if wanted.fits(one)][: wanted.limit]
