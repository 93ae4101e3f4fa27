"""Buttons under questions: which there are, and what a press does."""

from __future__ import annotations

from typing import Final

from receiver.contracts import Transaction
from receiver.contracts.setup import Setup
from receiver.errors import InvalidParams, NotFound
from receiver.flows import commands
from receiver.flows.asking.questions import answer, picked_before, questions_about
from receiver.flows.family import ancestors
from receiver.lib.button_codes import button_code, fits_button, read_button_code
from receiver.model.actions import GRID_INDEXES, GRIDS, Params, normalize, read_params
from receiver.model.deliveries import Delivery, QuestionButton, ShownQuestion
from receiver.model.jobs import KeptJob, NextAction

#: What the label of a button for a tile begins with.
LETTERS: Final = {"pick": "U", "vary": "V"}
#: Which buttons come first.
ORDER: Final = ("pick", "vary", "reroll")
#: The parameters that a button can carry, by action; what needs others has no button.
CARRIED: Final = {
    "pick": ("index",),
    "vary": ("index", "strength"),
    "upscale": ("kind", "index"),
    "zoom": ("factor",),
    "outpaint": ("factor",),
    "pan": ("direction",),
}
#: What nobody can order without more words, or a drawing.
NEEDS_MORE: Final = frozenset({"imagine", "inpaint", "blend", "describe"})
#: Buttons below one message; Discord and Slack take no more (documented).
MOST_BUTTONS: Final = 25
NO_BUTTON: Final = "this is no button of ours, or its job is not here any more"


def press(tx: Transaction, setup: Setup, key: bytes, code: str, by: str, now: int) -> KeptJob:
    """Does what a button says, and returns the job that it led to; the same again returns the same job.

    A tile of a question answers it; a tile of a grid is an order of its own, as is anything else. `by` says who
    pressed, as `decided_by` tells it. Raises NotFound for a code that is not ours, NotPossible where it comes too late.
    """
    said = read_button_code(key, code)
    kept = tx.job(said.job) if said is not None else None
    if said is None or kept is None:
        raise NotFound(NO_BUTTON)
    action, params = _order(said.word)
    if kept.question is not None and action == "pick":
        return answer(tx, setup, kept, params["index"], by, now)
    return commands.order_from(tx, setup, kept, action, params, by, now)


def _order(word: str) -> tuple[str, Params]:
    """The order of a genuine button. Raises NotFound for one of a version that had other orders."""
    try:
        return _read_word(word)
    except InvalidParams:
        raise NotFound(NO_BUTTON) from None


def shown_question(tx: Transaction, setup: Setup, key: bytes, delivery: Delivery) -> ShownQuestion | None:
    """The question that a delivery's job asks or asked at its sink, as it is now; None if it asked nothing there."""
    kept = tx.job(delivery.job)
    if kept is None or kept.question is None or delivery.name not in kept.question.sinks:
        return None
    grid = next(iter(ancestors(tx, kept)), None)
    if grid is None:
        return None
    offers = _offers(setup, grid)
    others = tuple(_button(key, grid, one) for one in offers if one.action != "pick")
    about = kept if kept.is_open_question else grid
    left = [one for one in offers if one.action == "pick" and _is_left(tx, kept, grid, one)]
    if not kept.is_open_question:
        if "index" not in kept.job.params:
            return ShownQuestion(job=kept.job, grid=grid.job)  # without an answer there is nothing further to choose
        if kept.job.status == "completed":
            own = tuple(_button(key, kept, one) for one in _listed(setup, kept))
            others = (*own, *(one for one in others if one.label not in {mine.label for mine in own}))
    tiles = tuple(_button(key, about, one) for one in left)
    return ShownQuestion(job=kept.job, grid=grid.job, tiles=tiles, others=others[: MOST_BUTTONS - len(tiles)])


def job_buttons(tx: Transaction, setup: Setup, key: bytes, delivery: Delivery) -> tuple[QuestionButton, ...]:
    """What can be ordered by buttons from a delivery's job as it is now; none if its sink was asked about it."""
    kept = tx.job(delivery.job)
    if kept is None or kept.job.status != "completed" or not kept.job.next_actions:
        return ()
    if any(one.question is not None and delivery.name in one.question.sinks for one in questions_about(tx, kept)):
        return ()
    offers = _offers(setup, kept) if kept.job.action in GRIDS else _listed(setup, kept)
    left = [one for one in offers if one.action != "pick" or picked_before(tx, kept, one.params) is None]
    return tuple(_button(key, kept, one) for one in left)[:MOST_BUTTONS]


def _is_left(tx: Transaction, kept: KeptJob, grid: KeptJob, offer: NextAction) -> bool:
    """Whether this tile can still be chosen: a question offers all four, an answered one what nobody has ordered."""
    return kept.is_open_question or picked_before(tx, grid, offer.params) is None


def _offers(setup: Setup, grid: KeptJob) -> list[NextAction]:
    """What can be ordered from a grid by buttons: U1-U4, and whatever its vendor has beside."""
    source = setup.sources.get(grid.job.source)
    if source is None:
        return []
    # What else can be done with one tile is offered below that tile, once it was picked.
    listed = [one for one in _listed(setup, grid) if "index" not in one.params or one.action in LETTERS]
    tiles = {one.params.get("index") for one in listed if one.action == "pick"}
    missing = [{"index": index} for index in GRID_INDEXES if index not in tiles]
    picks = [NextAction(action="pick", params=params, cost=source.price("pick", params)) for params in missing]
    return sorted([*picks, *listed], key=_place)


def _listed(setup: Setup, kept: KeptJob) -> list[NextAction]:
    """What the vendor says can follow a job, as far as a button carries it, at today's prices."""
    source = setup.sources.get(kept.job.source)
    if source is None:
        return []
    return [
        NextAction(action=one.action, params=one.params, cost=source.price(one.action, one.params))
        for one in kept.job.next_actions
        if _word(one.action, one.params) is not None
    ]


def _place(offer: NextAction) -> tuple[int, int]:
    """Tiles first, then variations, then the rest as it is listed."""
    place = ORDER.index(offer.action) if offer.action in ORDER else len(ORDER)
    return place, int(offer.params.get("index", 0)) if place < len(ORDER) else 0


def _button(key: bytes, kept: KeptJob, offer: NextAction) -> QuestionButton:
    word = _word(offer.action, offer.params) or ""
    return QuestionButton(label=_label(offer), code=button_code(key, kept.number, word), cost=offer.cost)


def _label(offer: NextAction) -> str:
    """`U2`, `V3`, `reroll`, `upscale subtle`."""
    letter = LETTERS.get(offer.action)
    if letter is not None and offer.params.keys() == {"index"}:
        return f"{letter}{offer.params['index']}"
    return " ".join([offer.action.replace("_", " "), *(_text(value) for value in offer.params.values())])


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _word(action: str, params: Params) -> str | None:
    """An order as a button carries it: `pick:2`, `vary:3`, `upscale:2x`, `reroll`; None if no button can."""
    if action in NEEDS_MORE:
        return None
    word = ":".join([action, *(_text(params[name]) for name in CARRIED.get(action, ()) if name in params)])
    try:
        return word if fits_button(word) and _read_word(word) == (action, normalize(action, params)) else None
    except (NotFound, InvalidParams):
        return None


def _read_word(word: str) -> tuple[str, Params]:
    """The order that a button carries. Raises NotFound, and InvalidParams where an action lacks what it needs."""
    action, *values = word.split(":")
    params: Params = {}
    names = list(CARRIED.get(action, ()))
    for value in values:
        name = next((one for one in names if not read_params(action, {one: value})[1].get(one)), None)
        if name is None:
            raise NotFound(NO_BUTTON)
        names = names[names.index(name) + 1 :]
        params[name] = value
    return action, normalize(action, params)
