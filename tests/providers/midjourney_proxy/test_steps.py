"""What can follow what at midjourney-proxy, and how it is ordered."""

from __future__ import annotations

from typing import Any

import pytest

from providers.midjourney_proxy.parts import account, buttons, grid, job, order, pick, refusal, sent
from receiver.contracts import Parent
from receiver.model.jobs import KeptJob

PNG = "data:image/png;base64,iVBORw0KGgo="


def ordered(action: str, params: dict[str, Any], parent: KeptJob | None, **how: Any) -> tuple[str, dict[str, Any]]:
    """Path and body of an order without webhook and state."""
    route, body = sent(account(**how), order(action, params, parent, None))
    return route.removeprefix("/mj/submit/"), {name: value for name, value in body.items() if name != "state"}


@pytest.mark.parametrize("flavour", ["novicezk", "trueai"])
def test_u_v_and_reroll_are_changes(flavour: str) -> None:
    for action, params, word in (
        ("pick", {"index": 2}, "UPSCALE"),
        ("vary", {"index": 3}, "VARIATION"),
        ("reroll", {}, "REROLL"),
    ):
        wanted = {"taskId": "172901", "action": word} | params
        assert ordered(action, params, grid(), flavour=flavour) == ("change", wanted)


def test_a_relay_that_knows_simple_changes_alone_gets_those() -> None:
    for action, params, content in (
        ("pick", {"index": 2}, "172901 U2"),
        ("vary", {"index": 3}, "172901 V3"),
        ("reroll", {}, "172901 R"),
    ):
        told = ordered(action, params, grid(), flavour="novicezk", simple_change=True)
        assert told == ("simple-change", {"content": content})


@pytest.mark.parametrize(
    ("action", "params", "button"),
    [
        ("upscale", {"kind": "2x"}, "MJ::JOB::upsample_v6_2x_subtle::1::"),
        ("upscale", {"kind": "creative"}, "MJ::JOB::upsample_v6_2x_creative::1::"),
        ("vary", {"strength": "subtle"}, "MJ::JOB::low_variation::1::"),
        ("vary", {"strength": "strong"}, "MJ::JOB::high_variation::1::"),
        ("zoom", {"factor": 2.0}, "MJ::Outpaint::50::1::"),
        ("zoom", {"factor": 1.5}, "MJ::Outpaint::75::1::"),
        ("pan", {"direction": "up"}, "MJ::JOB::pan_up::1::"),
        ("inpaint", {}, "MJ::Inpaint::1::"),
        ("action", {"custom_id": "MJ::BOOKMARK::x"}, "MJ::BOOKMARK::x"),
    ],
)
def test_a_picked_tile_goes_on_by_its_own_buttons(action: str, params: dict[str, Any], button: str) -> None:
    route, body = ordered(action, params, pick())
    assert (route, set(body), body["taskId"]) == ("action", {"taskId", "customId"}, "172902")
    assert body["customId"].startswith(button)


def test_a_tile_of_a_grid_that_no_change_takes_is_picked_by_its_button() -> None:
    zoomed = job(5, "zoom", {"factor": 2.0}, buttons=buttons("assembled_trueai_grid"))
    assert ordered("pick", {"index": 3}, zoomed)[1]["customId"].startswith("MJ::JOB::upsample::3::")
    assert ordered("reroll", {}, zoomed)[1]["customId"].startswith("MJ::JOB::reroll::0::")


def test_version_and_shape_stand_in_the_prompt() -> None:
    params = {"prompt": "a cat", "version": "7", "aspect_ratio": "16:9", "botType": "NIJI_JOURNEY"}
    assert ordered("imagine", params, None) == (
        "imagine",
        {"prompt": "a cat --v 7 --ar 16:9", "botType": "NIJI_JOURNEY"},
    )
    assert ordered("imagine", {"prompt": "a cat --ar 1:1", "aspect_ratio": "16:9"}, None)[1]["prompt"] == (
        "a cat --ar 1:1"
    )


def test_pictures_go_out_in_base64_or_where_trueai_takes_it_as_a_link() -> None:
    assert ordered("blend", {"image_urls": [PNG, PNG]}, None)[1] == {"base64Array": [PNG, PNG], "dimensions": "SQUARE"}
    assert ordered("describe", {"image_url": PNG}, None, flavour="novicezk")[1] == {"base64": PNG}
    assert ordered("describe", {"image_url": "https://x.example/1.png"}, None)[1] == {"link": "https://x.example/1.png"}
    assert refusal(account("novicezk"), "describe", {"image_url": "https://x.example/1.png"})
    assert refusal(account(), "blend", {"image_urls": ["https://x.example/1.png"]})


def test_a_modal_follows_what_waits_for_it_and_carries_no_second_webhook() -> None:
    waiting = job(3, "inpaint", status="running", awaits_step=True)
    route, body = sent(account(), order("modal", {"prompt": "a hat", "mask": PNG}, waiting))
    assert route == "/mj/submit/modal"
    assert body == {"taskId": "172903", "prompt": "a hat", "maskBase64": PNG, "state": "job_9"}
    assert refusal(account(), "modal", {"prompt": "a hat"}, waiting) is None
    for parent in (job(3, "inpaint", status="running"), job(3, "inpaint", awaits_step=True), pick()):
        assert refusal(account(), "modal", {"prompt": "a hat"}, parent)
    assert refusal(account(), "modal", {"mask": PNG}, waiting) == "modal needs a prompt"


@pytest.mark.parametrize(
    ("flavour", "action", "params", "parent", "nearest"),
    [
        ("novicezk", "upscale", {"kind": "2x"}, pick(), "pick"),
        ("novicezk", "zoom", {"factor": 2.0}, pick(), "reroll"),
        ("novicezk", "reroll", {}, pick(), "nothing"),
        ("trueai", "outpaint", {}, pick(), "zoom"),
        ("trueai", "upscale", {"kind": "2x"}, grid(), "pick a tile first"),
        ("trueai", "upscale", {"kind": "4x"}, pick(), "kind 2x, subtle, creative"),
        ("trueai", "zoom", {"factor": 1.5}, pick(buttons=["MJ::BOOKMARK::x"]), "custom_id"),
        ("trueai", "zoom", {"factor": 3.0}, pick(), "1.5 or 2"),
        ("trueai", "vary", {"strength": "subtle"}, grid(), "index 1-4"),
        ("trueai", "vary", {"index": 2}, pick(), "strength"),
        ("trueai", "inpaint", {"mask": PNG}, pick(), "modal"),
        ("trueai", "action", {}, pick(), "custom_id"),
        ("trueai", "pick", {"index": 1}, None, "parent"),
        ("trueai", "pick", {"index": 1}, grid(provider="apimart"), "imagine"),
    ],
)
def test_what_cannot_be_done_is_refused_with_what_can(
    flavour: Any, action: str, params: dict[str, Any], parent: KeptJob | None, nearest: str
) -> None:
    assert nearest in (refusal(account(flavour), action, params, parent) or "")


def test_a_configuration_is_judged_by_the_actions_alone() -> None:
    for action, params, after in (("upscale", {"kind": "4x"}, "pick"), ("modal", {"prompt": "x"}, "inpaint")):
        parent = Parent(action=after, provider="midjourney-proxy")
        assert account().provider.refusal(action, params, parent) is None


def test_what_can_follow_is_offered_as_far_as_there_are_buttons() -> None:
    after_grid = [one.action for one in account().provider.next_actions(grid())]
    assert after_grid == ["pick"] * 4 + ["vary"] * 4 + ["reroll"]
    after_pick = account().provider.next_actions(pick())
    assert [one.params["kind"] for one in after_pick if one.action == "upscale"] == ["subtle", "creative"]
    assert {one.action for one in after_pick} == {"upscale", "vary", "zoom", "pan", "inpaint"}
    assert not account("novicezk").provider.next_actions(pick(images=()))
    assert not account("novicezk").provider.next_actions(pick())


def test_parameters_are_the_flavours_own() -> None:
    assert {"custom_id", "state"} <= account().provider.parameters("upscale")
    assert "custom_id" not in account("novicezk").provider.parameters("pick")
