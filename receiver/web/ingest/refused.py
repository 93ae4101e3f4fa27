"""Requests that were refused: the newest are remembered, and all are told in the log, floods of them summed up."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

import structlog

from receiver.lib.times import stamp
from receiver.views.records import RefusedRequest

log = structlog.get_logger("ingest")

#: How many are remembered.
NEWEST: Final = 200
#: A source has one line in the log in so many seconds.
LINE_SECONDS: Final = 1.0
#: Of a sender's header names that many are kept, each of at most so many characters.
MOST_NAMES: Final = 50
NAME_LENGTH: Final = 60


class RefusedRequests:
    """The newest refused requests, and their lines in the log."""

    def __init__(self) -> None:
        self._newest: deque[RefusedRequest] = deque(maxlen=NEWEST)
        #: By source: how many were refused, for which reasons, since its last line.
        self._silent: dict[str | None, dict[str, int]] = {}

    def newest(self) -> list[RefusedRequest]:
        """The newest, the latest first."""
        return list(reversed(self._newest))

    def add(self, source: str | None, reason: str, sender: str, names: list[str], now: int) -> bool:
        """Remembers one; True if its line is due now, else it will be part of a sum. `now` is Unix ms."""
        short = [name[:NAME_LENGTH] for name in names[:MOST_NAMES]]
        self._newest.append(RefusedRequest(time=stamp(now), source=source, reason=reason, sender=sender, headers=short))
        reasons = self._silent.get(source)
        if reasons is None:
            self._be_silent(source)
            return True
        reasons[reason] = reasons.get(reason, 0) + 1
        return False

    def _be_silent(self, source: str | None) -> None:
        self._silent[source] = {}
        asyncio.get_running_loop().call_later(LINE_SECONDS, self._sum_up, source)

    def _sum_up(self, source: str | None) -> None:
        reasons = self._silent.pop(source)
        if reasons:
            self._be_silent(source)
            log.info("requests.refused", source=source, number=sum(reasons.values()), reasons=reasons)
