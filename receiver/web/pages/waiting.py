"""What waits for a person, and deciding it, one by one or many at once."""

from __future__ import annotations

from functools import partial
from typing import Final
from urllib.parse import urlencode

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from receiver.contracts import Transaction
from receiver.errors import NotFound, NotPossible
from receiver.flows.commands import leave, redeliver, resolve
from receiver.lib import ids
from receiver.model.submissions import Decision
from receiver.views.inbox import KINDS, inbox
from receiver.web.pages.authentication.visits import Visitor, Visits
from receiver.web.pages.desk import SEE_OTHER, Desk
from receiver.web.pages.forms import Form
from receiver.web.pages.job import read_decision
from receiver.web.problems import Refusal

log = structlog.get_logger("web")

#: So many jobs and dead letters are decided at once.
MOST_AT_ONCE: Final = 500


class WaitingPage:
    """`/waiting`."""

    def __init__(self, desk: Desk, visits: Visits) -> None:
        self._desk = desk
        self._visits = visits

    def routes(self) -> list[Route]:
        return [
            Route("/waiting", self._visits.reading(self.waiting), methods=["GET"]),
            Route("/waiting/count", self._visits.reading(self.count), methods=["GET"]),
            Route("/waiting/resolve", self._visits.acting(self.resolve), methods=["POST"]),
        ]

    async def waiting(self, request: Request, visitor: Visitor) -> Response:
        """The page."""
        kind = request.query_params.get("kind") or None
        if kind is not None and kind not in KINDS:
            raise Refusal(400, "invalid_query", f"kind is one of {', '.join(KINDS)}")
        found, above = await self._desk.look(lambda tx: inbox(tx, kind))
        done = request.query_params.get("done", "")
        asked = request.query_params.get("of", "")
        told = f"{done} of {asked} done" if done.isdigit() and asked.isdigit() and len(done + asked) < 10 else None
        if told is not None and done != asked:
            told += "; the others were decided already, or cannot be decided like that"
        return await self._desk.show("waiting.html", visitor, above, inbox=found, kind=kind, told=told)

    async def count(self, _request: Request, visitor: Visitor) -> Response:
        """How much waits."""
        _, above = await self._desk.look(lambda tx: None)
        return await self._desk.show("parts/count.html", visitor, above)

    async def resolve(self, _request: Request, _visitor: Visitor, form: Form) -> Response:
        """One decision on many things, each in a transaction of its own: what cannot be decided holds up no other.

        Of a dead letter, `check` delivers it again, and `give-up` leaves it.
        """
        decision = read_decision(form)
        wanted = [*form.many("job"), *form.many("delivery")]
        if not 0 < len(wanted) <= MOST_AT_ONCE:
            raise Refusal(400, "invalid_form", f"select 1 to {MOST_AT_ONCE} of what waits")
        done = 0
        for wanted_id in wanted:
            try:
                await self._desk.act(partial(self._decide, wanted_id=wanted_id, decision=decision))
                done += 1
            except (NotFound, NotPossible) as no:
                log.info("page.not_decided", id=wanted_id[:40], decision=decision, code=no.code)
        return RedirectResponse(f"/waiting?{urlencode({'done': done, 'of': len(wanted)})}", SEE_OTHER)

    def _decide(self, tx: Transaction, now: int, wanted_id: str, decision: Decision) -> None:
        if ids.read("dlv", wanted_id) is None:
            resolve(tx, self._desk.setup, wanted_id, decision, now)
        elif decision == "check":
            redeliver(tx, self._desk.setup, wanted_id, now)
        elif decision == "give-up":
            leave(tx, wanted_id, now)
        else:
            raise NotPossible("dead_letter", "a dead letter is delivered again or left: nothing is ordered by it")
