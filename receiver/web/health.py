"""Whether the process is alive, and whether it can keep what arrives."""

from __future__ import annotations

from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from receiver.contracts import HookedStore
from receiver.errors import StoreUnavailable
from receiver.lib.signatures import PROBE_HEADER, probe_answer
from receiver.lib.times import Clock
from receiver.web.api.answers import json_answer
from receiver.web.problems import problem

log = structlog.get_logger("web")

#: How long a finding counts, ms: anybody may ask, and each look costs a write to disk.
FRESH: Final = 1000
#: As much room as the largest usual webhook takes, bytes.
PROBE: Final = 64 * 1024
#: Characters of a question that is answered.
LONGEST_PROBE: Final = 64


class Health:
    """`/healthz` and `/readyz`."""

    def __init__(self, store: HookedStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._looked_at = -FRESH
        self._fault: str | None = None

    def routes(self) -> list[Route]:
        return [
            Route("/healthz", self.alive, methods=["GET"]),
            Route("/readyz", self.ready, methods=["GET"]),
        ]

    async def alive(self, request: Request) -> Response:
        """200: the process answers; to a `probe` with what no other gridhook would."""
        answer = json_answer({"status": "alive"})
        nonce = request.query_params.get("probe")
        if nonce is not None and len(nonce) <= LONGEST_PROBE:
            answer.headers[PROBE_HEADER] = probe_answer(self._store.ref_key, nonce)
        return answer

    async def ready(self, _request: Request) -> Response:
        """200 if a write has just reached the disk, else 503."""
        now = self._clock()
        if not 0 <= now - self._looked_at < FRESH:
            self._looked_at = now
            self._fault = await self._look()
        if self._fault is not None:
            return problem(503, "unavailable", "what arrives cannot be kept now", {"retry-after": "5"})
        return json_answer({"status": "ready"})

    async def _look(self) -> str | None:
        try:
            await self._store.write(lambda tx: tx.probe(PROBE))
        except StoreUnavailable as wrong:
            log.error("store.unavailable", reason=str(wrong))
            return str(wrong)
        return None
