"""Buttons by their custom ids: which one does what, and what one that was pressed did."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.model.jobs import Job, KeptJob
from receiver.providers.shared.midjourney_buttons import (
    MAX_BUTTONS,
    button_for,
    buttons_of,
    kept_buttons,
    pressed,
    shows_grid,
)

FIXTURES = Path(__file__).parents[2] / "fixtures" / "midjourney-proxy"


def shown(name: str) -> list[str]:
    """The buttons of a documented task."""
    return buttons_of(json.loads((FIXTURES / f"assembled_trueai_{name}.json").read_text()))


@pytest.mark.parametrize("name", ["grid", "pick"])
def test_every_button_is_found_again_by_what_it_does(name: str) -> None:
    known = {button: told for button in shown(name) if (told := pressed(button)) is not None}
    assert len(known) == {"grid": 9, "pick": 12}[name]
    for button, (action, params) in known.items():
        if button.startswith("MJ::CustomZoom::"):
            continue
        assert button_for(action, params, shown(name)) == button


def test_an_enlargement_by_two_is_the_one_that_changes_least() -> None:
    five = ["MJ::JOB::upsample_v5_4x::1::h::SOLO", "MJ::JOB::upsample_v5_2x::1::h::SOLO"]
    assert button_for("upscale", {"kind": "2x"}, five) == five[1]
    assert button_for("upscale", {"kind": "4x"}, five) == five[0]
    assert button_for("upscale", {"kind": "2x"}, shown("pick")) == shown("pick")[0]
    assert button_for("upscale", {"kind": "subtle"}, five) is None


def test_a_grid_shows_more_than_one_tile() -> None:
    assert shows_grid(shown("grid"))
    assert not shows_grid(shown("pick"))
    assert not shows_grid(["MJ::JOB::upsample::1::h"])


def test_what_are_no_buttons_is_left_out() -> None:
    many: list[Any] = [{"customId": f"b{number}"} for number in range(MAX_BUTTONS + 9)]
    assert len(buttons_of({"buttons": many})) == MAX_BUTTONS
    assert buttons_of({"buttons": [7, {"customId": None}, {"label": "U1"}, {"customId": "b"}]}) == ["b"]
    assert buttons_of({"buttons": "b"}) == []
    job = Job(id="job_1", source="own", provider="x", status="completed", root_id="job_1", created_at="2026-11-21")
    assert kept_buttons(KeptJob(number=1, job=job, facts={"buttons": ["b", 7]})) == ["b"]
    assert kept_buttons(KeptJob(number=1, job=job, facts={"buttons": "b"})) == []


PARTS = st.sampled_from(["MJ", "JOB", "Outpaint", "Inpaint", "upsample", "upsample_", "pan_", "0", "2", "50", "h", ""])


@settings(max_examples=60, deadline=None)
@given(custom_id=st.text(max_size=9) | st.lists(PARTS, max_size=6).map("::".join))
def test_no_custom_id_breaks_anything(custom_id: str) -> None:
    told = pressed(custom_id)
    assert told is None or told[0] in ("pick", "upscale", "vary", "reroll", "zoom", "pan", "inpaint")
    assert button_for("reroll", {}, [custom_id]) in (None, custom_id)
