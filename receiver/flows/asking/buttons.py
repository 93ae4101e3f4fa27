"""Buttons under questions: which there are, and what a press does."""

from __future__ import annotations

from typing import Final

from receiver.contracts import Transaction
from receiver.contracts.setup import Setup
from receiver.errors import NotFound
from receiver.flows import commands
from receiver.flows.asking.questions import answer, picked_before
from receiver.flows.family import ancestors
from receiver.lib.button_codes import button_code, read_button_code
from receiver.model.actions import GRID_INDEXES, Params
from receiver.model.deliveries import Delivery, QuestionButton, ShownQuestion
from receiver.model.jobs import KeptJob, NextAction

#: What a button's label begins with; only these actions have buttons.
LETTERS: Final = {"pick": "U", "vary": "V"}
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
    action, params = _read_word(said.word)
    if kept.question is None:
        return commands.order_from(tx, setup, kept, action, params, by, now)
    if action != "pick":
        raise NotFound(NO_BUTTON)
    return answer(tx, setup, kept, params["index"], by, now)


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
    # Without an answer there is nothing further to choose from.
    over = not kept.is_open_question and "index" not in kept.job.params
    tiles = () if over else tuple(_button(key, about, one) for one in left)
    return ShownQuestion(job=kept.job, grid=grid.job, tiles=tiles, others=() if over else others)


def _is_left(tx: Transaction, kept: KeptJob, grid: KeptJob, offer: NextAction) -> bool:
    """Whether this tile can still be chosen: a question offers all four, an answered one what nobody has ordered."""
    return kept.is_open_question or picked_before(tx, grid, offer.params) is None


def _offers(setup: Setup, grid: KeptJob) -> list[NextAction]:
    """What can be ordered from a grid by buttons: U1-U4, V1-V4 and reroll, as far as the vendor has them."""
    source = setup.sources.get(grid.job.source)
    listed = [one for one in grid.job.next_actions if _word(one.action, one.params) is not None]
    tiles = {one.params.get("index") for one in listed if one.action == "pick"}
    missing = [index for index in GRID_INDEXES if index not in tiles]
    if source is None:
        return []
    picks = [NextAction(action="pick", params={"index": index}) for index in missing]
    priced = [
        NextAction(action=one.action, params=one.params, cost=source.price(one.action, one.params))
        for one in (*picks, *listed)
    ]
    return sorted(priced, key=_place)


def _place(offer: NextAction) -> tuple[int, int]:
    return ("pick", "vary", "reroll").index(offer.action), int(offer.params.get("index", 0))


def _button(key: bytes, kept: KeptJob, offer: NextAction) -> QuestionButton:
    word = _word(offer.action, offer.params) or ""
    letter = LETTERS.get(offer.action)
    label = f"{letter}{offer.params['index']}" if letter else offer.action
    return QuestionButton(label=label, code=button_code(key, kept.number, word), cost=offer.cost)


def _word(action: str, params: Params) -> str | None:
    """An order as a button carries it: `pick:2`, `vary:3`, `reroll`; None if no button can."""
    if action in LETTERS and params.keys() == {"index"} and params["index"] in GRID_INDEXES:
        return f"{action}:{params['index']}"
    return action if action == "reroll" and not params else None


def _read_word(word: str) -> tuple[str, Params]:
    action, _, index = word.partition(":")
    params: Params = {"index": int(index)} if index in {"1", "2", "3", "4"} else {}
    if _word(action, params) != word:
        raise NotFound(NO_BUTTON)
    return action, params
