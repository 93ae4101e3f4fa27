"""Buttons: which there are below a message, and what a press of each does."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import pytest

from receiver.contracts import Transaction
from receiver.contracts.setup import Setup
from receiver.errors import NotFound, NotPossible
from receiver.flows.asking.buttons import job_buttons, press, shown_question
from receiver.lib.button_codes import LONGEST, button_code
from receiver.model.deliveries import Delivery, QuestionButton
from receiver.model.jobs import KeptJob, NextAction
from support.questions import ask_about, grid_body, setup_asking
from support.records import NOW
from support.taking import take
from support.world import PICKED, memory_transaction

KEY: Final = b"k" * 32
TELLING: Final = setup_asking().rules[0]


def told(rule_to: tuple[str, ...] = ("team",)) -> Setup:
    """A configuration that tells `team` of everything and asks nobody."""
    rule = msgspec.structs.replace(TELLING, when={"type": "job.completed"}, then=(), to=rule_to)
    return setup_asking(rule)


def a_job(tx: Transaction, setup: Setup, body: dict[str, Any]) -> KeptJob:
    """A finished job of another tool."""
    take(tx, body, setup)
    kept = tx.job_at("journey", body["task_id"])
    assert kept is not None
    return kept


def buttons(tx: Transaction, setup: Setup, kept: KeptJob) -> dict[str, QuestionButton]:
    """By label: the buttons below this job's message at `team`."""
    delivery = Delivery(number=1, lane="sink:team", job=kept.number, event=1, due_at=0)
    return {one.label: one for one in job_buttons(tx, setup, KEY, delivery)}


def pressed(tx: Transaction, setup: Setup, button: QuestionButton) -> KeptJob:
    return press(tx, setup, KEY, button.code, "slack:U1 Ada", NOW)


def test_a_finished_grid_has_its_tiles_and_whatever_follows_with_prices() -> None:
    tx, setup = memory_transaction(), told()
    found = buttons(tx, setup, a_job(tx, setup, grid_body()))
    assert list(found)[:9] == ["U1", "U2", "U3", "U4", "V1", "V2", "V3", "V4", "reroll"]
    assert all(one.cost is not None and len(one.code) <= LONGEST for one in found.values())


def test_a_finished_pick_has_what_its_vendor_can_do_with_it_and_each_press_orders_just_that() -> None:
    tx, setup = memory_transaction(), told()
    kept = a_job(tx, setup, PICKED)
    found = buttons(tx, setup, kept)
    assert {"upscale 2x", "upscale 4x", "upscale subtle", "upscale creative"} <= found.keys()
    for label, button in found.items():
        ordered = pressed(tx, setup, button)
        said = " ".join([ordered.job.action or "", *(str(value) for value in ordered.job.params.values())])
        assert (said, ordered.job.parent_id, ordered.job.decided_by) == (label, kept.job.id, "slack:U1 Ada")
        assert pressed(tx, setup, button).number == ordered.number


def test_a_tile_that_was_ordered_is_offered_no_more() -> None:
    tx, setup = memory_transaction(), told()
    grid = a_job(tx, setup, grid_body())
    pressed(tx, setup, buttons(tx, setup, grid)["U2"])
    assert "U2" not in buttons(tx, setup, grid)


def test_a_grid_that_its_sink_was_asked_about_has_its_buttons_at_the_question_only() -> None:
    tx, setup = memory_transaction(), setup_asking()
    grid, _ = ask_about(tx, setup)
    assert buttons(tx, setup, grid) == {}


def test_a_chosen_tile_that_is_done_offers_what_follows_from_it_too() -> None:
    tx, setup = memory_transaction(), setup_asking(msgspec.structs.replace(TELLING, then=TELLING.then[:1]))
    _, question = ask_about(tx, setup)
    pick = press(tx, setup, KEY, button_code(KEY, question.number, "pick:2"), "slack:U1 Ada", NOW)
    tx.put_job(
        pick.with_job(status="completed", next_actions=(NextAction(action="upscale", params={"kind": "subtle"}),))
    )
    delivery = Delivery(number=1, lane="sink:team", job=pick.number, event=1, due_at=0)
    shown = shown_question(tx, setup, KEY, delivery)
    assert shown is not None
    assert shown.others[0].label == "upscale subtle"
    assert pressed(tx, setup, shown.others[0]).job.parent_id == pick.job.id


@pytest.mark.parametrize(
    "params", [{"prompt": "x"}, {"index": 2, "prompt": "x"}, {"index": 9}, {"kind": "huge"}, {"odd": 1}]
)
def test_what_a_button_cannot_carry_has_none(params: dict[str, Any]) -> None:
    tx, setup = memory_transaction(), told()
    kept = a_job(tx, setup, PICKED)
    for action in ("vary", "upscale", "inpaint", "an-odd-action", "a" * 30):
        tx.put_job(kept.with_job(next_actions=(NextAction(action=action, params=params),)))
        assert buttons(tx, setup, kept) == {}


@pytest.mark.parametrize("word", ["pick", "pick:5", "pick:2:2", "pan", "pan:in", "upscale:9x", "zoom:9", "reroll:1"])
def test_a_genuine_button_of_an_order_that_there_is_not_does_nothing(word: str) -> None:
    tx, setup = memory_transaction(), told()
    kept = a_job(tx, setup, grid_body())
    with pytest.raises((NotFound, NotPossible)):
        press(tx, setup, KEY, button_code(KEY, kept.number, word), "slack:U1 Ada", NOW)
