"""One job: its picture, what can follow, its family, and what happened to it."""

from __future__ import annotations

import secrets
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from receiver.contracts import Transaction
from receiver.flows.asking.questions import open_questions
from receiver.flows.commands import cancel, job_of, pick, resolve, submit
from receiver.model.jobs import Cost, Job, KeptJob, NextAction
from receiver.model.submissions import Decision, Submission
from receiver.views.families import is_grid
from receiver.views.job_story import job_story
from receiver.web.pages.authentication.visits import Visitor, Visits
from receiver.web.pages.desk import Desk, back_to
from receiver.web.pages.forms import Form
from receiver.web.pages.ordering.dear import is_dear
from receiver.web.pages.ordering.once_keys import once_key
from receiver.web.problems import Refusal

DECISIONS: Final[dict[str, Decision]] = {"check": "check", "send": "send", "give-up": "give-up"}
TILES: Final = (1, 2, 3, 4)


class Choice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What can follow, as a button carries it."""

    action: str
    params: dict[str, Any]
    #: True if the tile that is chosen on the grid belongs to it.
    takes_tile: bool = False


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A button: what it orders, and for how much."""

    choice: Choice
    cost: Cost | None

    @property
    def value(self) -> str:
        """What the button sends."""
        return msgspec.json.encode(self.choice).decode()


class JobPage:
    """`/jobs/{id}`."""

    def __init__(self, desk: Desk, visits: Visits) -> None:
        self._desk = desk
        self._visits = visits

    def routes(self) -> list[Route]:
        acting = self._visits.acting
        return [
            Route("/jobs/{job_id}", self._visits.reading(self.job), methods=["GET"]),
            Route("/jobs/{job_id}/pick", acting(self.pick), methods=["POST"]),
            Route("/jobs/{job_id}/follow", acting(self.follow), methods=["POST"]),
            Route("/jobs/{job_id}/resolve", acting(self.resolve), methods=["POST"]),
            Route("/jobs/{job_id}/cancel", acting(self.cancel), methods=["POST"]),
        ]

    async def job(self, request: Request, visitor: Visitor) -> Response:
        """The page."""
        job_id = request.path_params["job_id"]
        (story, asked), above = await self._desk.look(
            lambda tx: (job_story(tx, job_id), open_questions(tx, job_of(tx, job_id)))
        )
        job = story.job
        pictured = [one for one in story.family.jobs if one.status == "completed" and (one.images or one.grid_url)]
        wanted = request.query_params.get("compare", "")
        picks = {one.params["index"]: one.cost for one in job.next_actions if one.action == "pick"}
        return await self._desk.show(
            "job.html",
            visitor,
            above,
            story=story,
            job=job,
            family=story.family,
            can_pick=is_grid(job) and visitor.may_act and bool(picks),
            pick_cost=next(iter(picks.values()), None),
            # Where a person is asked, the form answers that question: who comes second orders nothing.
            picked_at=asked[0].job.id if asked else job.id,
            tile=request.query_params.get("tile", ""),
            siblings=[one for one in pictured if one.id != job.id],
            compared=next((one for one in pictured if one.id == wanted and one.id != job.id), None),
            offers=[one for one in offers(job) if not one.choice.takes_tile],
            tile_offers=[one for one in offers(job) if one.choice.takes_tile],
            once=secrets.token_urlsafe(12),
            can_cancel=job.status in ("held", "planned", "queued", "running"),
        )

    async def pick(self, request: Request, visitor: Visitor, form: Form) -> Response:
        """Orders the pick of a tile, of a grid or of a question about it; the same tile again is the same job."""
        job_id, index, by = request.path_params["job_id"], form.one("index"), visitor.name
        picked = await self._desk.act(lambda tx, now: pick(tx, self._desk.setup, job_id, index, by, now))
        return back_to(form, f"/jobs/{picked.job.id}")

    async def follow(self, request: Request, visitor: Visitor, form: Form) -> Response:
        """Orders what can follow, or asks once more where it is dear; the same button of the same page is one job."""
        job_id = request.path_params["job_id"]
        choice = _read_choice(form)
        if not form.one("sure"):
            job, above = await self._desk.look(lambda tx: job_of(tx, job_id).job)
            account = self._desk.setup.sources.get(job.source)
            price = account.price(choice.action, choice.params) if account is not None else None
            if is_dear(price):
                told = {"job": job, "choice": choice, "price": price, "form": form}
                return await self._desk.show("confirm.html", visitor, above, **told)
        key = once_key(form.one("once"), [job_id, choice])

        def work(tx: Transaction, now: int) -> KeptJob:
            source = job_of(tx, job_id).job.source
            wish = Submission(source=source, action=choice.action, params=choice.params, parent_id=job_id)
            return submit(tx, self._desk.setup, wish, now, key, by=visitor.name)

        ordered = await self._desk.act(work)
        return back_to(form, f"/jobs/{ordered.job.id}")

    async def resolve(self, request: Request, _visitor: Visitor, form: Form) -> Response:
        """A person's word on a job that is held or unsure."""
        job_id = request.path_params["job_id"]
        decision = read_decision(form)
        await self._desk.act(lambda tx, now: resolve(tx, self._desk.setup, job_id, decision, now))
        return back_to(form, f"/jobs/{job_id}")

    async def cancel(self, request: Request, _visitor: Visitor, form: Form) -> Response:
        """Cancels a job, at once or at its vendor."""
        job_id = request.path_params["job_id"]
        await self._desk.act(lambda tx, now: cancel(tx, self._desk.setup, job_of(tx, job_id), now))
        return back_to(form, f"/jobs/{job_id}")


def offers(job: Job) -> list[Offer]:
    """What can follow, each once: what there is for each tile is one button that takes the chosen tile."""
    found: dict[str, Offer] = {}
    for one in job.next_actions:
        if one.action == "pick":
            continue
        takes_tile = is_grid(job) and one.params.get("index") in TILES and _is_for_each_tile(job, one)
        params = {name: value for name, value in one.params.items() if not (takes_tile and name == "index")}
        offer = Offer(choice=Choice(action=one.action, params=params, takes_tile=takes_tile), cost=one.cost)
        found.setdefault(offer.value, offer)
    return list(found.values())


def read_decision(form: Form) -> Decision:
    """The decision of a form. Raises Refusal (400) if it is none."""
    decision = DECISIONS.get(form.one("decision"))
    if decision is None:
        raise Refusal(400, "invalid_form", "the decision is check, send or give-up")
    return decision


def _is_for_each_tile(job: Job, wanted: NextAction) -> bool:
    rest = {**wanted.params, "index": 0}
    return sum(one.action == wanted.action and {**one.params, "index": 0} == rest for one in job.next_actions) > 1


def _read_choice(form: Form) -> Choice:
    try:
        choice = msgspec.json.decode(form.one("choice"), type=Choice)
    except (msgspec.MsgspecError, ValueError):
        raise Refusal(400, "invalid_form", "this is no choice that a page of gridhook offers") from None
    if not choice.takes_tile:
        return choice
    if form.one("index") not in ("1", "2", "3", "4"):
        raise Refusal(400, "no_tile", "choose one of the four tiles first")
    return msgspec.structs.replace(choice, params={**choice.params, "index": int(form.one("index"))})
