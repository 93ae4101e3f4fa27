"""Ordering something new: a form of what the vendor takes, asked again above a limit, and sent once."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from receiver.contracts import Source, Transaction
from receiver.errors import GridhookError, NotFound, OutOfBounds, StoreUnavailable
from receiver.flows.commands import job_of, submit
from receiver.model.jobs import Cost, Job, KeptJob
from receiver.model.submissions import Submission, check_tags
from receiver.web.pages.authentication.visits import Visitor, Visits
from receiver.web.pages.desk import SEE_OTHER, Desk
from receiver.web.pages.forms import Form
from receiver.web.pages.ordering.dear import is_dear
from receiver.web.pages.ordering.once_keys import once_key
from receiver.web.pages.ordering.order_fields import ACTIONS, fields_of, values_in


class NewOrder:
    """`GET /jobs`, the form, and `POST /jobs`."""

    def __init__(self, desk: Desk, visits: Visits) -> None:
        self._desk = desk
        self._visits = visits

    def routes(self) -> list[Route]:
        return [
            Route("/jobs", self._visits.reading(self.form), methods=["GET"]),
            Route("/jobs", self._visits.acting(self.order), methods=["POST"]),
        ]

    async def form(self, request: Request, visitor: Visitor) -> Response:
        """The form; `like` names a job whose prompt and parameters it is filled with."""
        query = request.query_params
        like = query.get("like")
        values: dict[str, Any] = {}
        source, action = query.get("source", ""), query.get("action", "")
        if like:
            job = (await self._desk.store.read(lambda tx: job_of(tx, like))).job
            values = _again(job)
            source, action = source or job.source, action or (job.action if job.action in ACTIONS else ACTIONS[0])
        # What was typed before another source or action was chosen.
        values |= {name.removeprefix("p."): text for name, text in query.items() if name.startswith("p.") and text}
        return await self._page(visitor, source, action or ACTIONS[0], values, tags=query.get("tags", ""))

    async def order(self, _request: Request, visitor: Visitor, form: Form) -> Response:
        """Orders it; the same form again is the same job. What is wrong is told in the form itself."""
        source, action, tags = form.one("source"), form.one("action"), form.one("tags")
        account = self._desk.setup.sources.get(source)
        if account is None:
            raise NotFound(f"there is no source {source[:40]!r}")
        values = values_in(form, (name.removeprefix("p.") for name in form.names() if name.startswith("p.")))
        try:
            wish = Submission(source=source, action=action, params=values, tags=_tags(tags))
            price = account.price(action, values)
            if is_dear(price) and not form.one("sure"):
                return await self._page(visitor, source, action, values, tags, once=form.one("once"), price=price)
            key = once_key(form.one("once"), wish)

            def work(tx: Transaction, now: int) -> KeptJob:
                return submit(tx, self._desk.setup, wish, now, key, by=visitor.name)

            ordered = await self._desk.act(work)
        except StoreUnavailable:
            raise
        except GridhookError as wrong:
            return await self._page(visitor, source, action, values, tags, wrong=str(wrong))
        return RedirectResponse(f"/jobs/{ordered.job.id}", SEE_OTHER)

    async def _page(
        self,
        visitor: Visitor,
        source: str,
        action: str,
        values: dict[str, Any],
        tags: str,
        *,
        once: str = "",
        price: Cost | None = None,
        wrong: str | None = None,
    ) -> Response:
        sources = _ordering(self._desk.setup.sources)
        chosen = sources.get(source) or next(iter(sources.values()), None)
        _, above = await self._desk.look(lambda tx: None)
        answer = await self._desk.show(
            "order.html",
            visitor,
            above,
            sources=list(sources.values()),
            chosen=chosen,
            actions=ACTIONS,
            action=action,
            fields=fields_of(chosen, action, values) if chosen is not None else [],
            tags=tags[:2000],
            once=once or secrets.token_urlsafe(12),
            asks=bool(once),
            price=price if once else chosen.price(action, values) if chosen is not None else None,
            wrong=wrong,
        )
        answer.status_code = 400 if wrong is not None else 200
        return answer


def _ordering(sources: Mapping[str, Source]) -> dict[str, Source]:
    """The sources that take orders."""
    return {name: source for name, source in sources.items() if source.api_key is not None}


def _again(job: Job) -> dict[str, Any]:
    """What orders the same once more."""
    values = dict(job.params) if job.action in ACTIONS else {}
    return {**values, **({"prompt": job.prompt} if job.prompt else {})}


def _tags(text: str) -> dict[str, str]:
    """Tags as they are typed: `project=poster, client=ada`. Raises OutOfBounds."""
    found: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        name, mark, value = (part.strip() for part in pair.partition("="))
        if not mark or not name:
            raise OutOfBounds(f"tags are written name=value, with commas between: {pair[:60]!r} is none")
        found[name] = value
    check_tags(found)
    return found
