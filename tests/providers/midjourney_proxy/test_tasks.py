"""midjourney-proxy's task objects against the documented ones."""

from __future__ import annotations

from typing import Any

import pytest

from providers.midjourney_proxy.parts import account, buttons, fixture
from receiver.errors import Unmapped
from receiver.model.jobs import Image, JobError, Report

PICTURE = "https://cdn.vendor.example/g.png"
DONE = {"id": "1", "status": "SUCCESS", "imageUrl": PICTURE}


def read(task: dict[str, Any]) -> Report:
    """The one report in a webhook."""
    (report,) = account().provider.parse(task, {})
    return report


def test_the_documented_webhook_is_a_grid() -> None:
    report = read(fixture("novicezk_success"))
    assert (report.provider_job_id, report.status, report.progress) == ("14001929738841620", "completed", 100)
    assert (report.action, report.prompt, report.images) == ("imagine", "猫猫", ())
    assert report.grid_url == "https://cdn.discordapp.com/attachments/xxx/xxx/xxxx.png"


def test_a_failure_says_why_and_has_no_progress() -> None:
    report = read(fixture("novicezk_failed"))
    assert (report.status, report.progress) == ("failed", None)
    assert report.error == JobError(code="invalid_params", message="[Invalid parameter] Invalid value")


def test_a_finished_grid_of_trueai_keeps_its_buttons() -> None:
    report = read(fixture("assembled_trueai_grid"))
    assert report.facts["buttons"] == buttons("assembled_trueai_grid")
    assert (report.grid_url, report.images) == (PICTURE, ())


def test_a_pick_has_its_tile_and_the_index_that_its_description_names() -> None:
    report = read(fixture("assembled_trueai_pick"))
    assert (report.action, report.params) == ("pick", {"index": 2})
    assert report.images == (Image(index=1, url="https://cdn.vendor.example/u2.png"),)
    assert report.grid_url is None


def test_several_addresses_are_the_tiles_and_one_is_the_grid_again() -> None:
    places = [{"url": f"https://cdn.vendor.example/{n}.png", "thumbnail": "https://x.example/t"} for n in (1, 2, 3, 4)]
    tiled = read(DONE | {"action": "IMAGINE", "imageUrls": places})
    assert (tiled.grid_url, [image.index for image in tiled.images]) == (PICTURE, [1, 2, 3, 4])
    alone = read(DONE | {"action": "IMAGINE", "imageUrls": places[:1]})
    assert (alone.grid_url, alone.images) == (PICTURE, ())


def test_a_preview_is_no_result() -> None:
    report = read(DONE | {"action": "IMAGINE", "status": "IN_PROGRESS", "progress": "46%"})
    assert (report.status, report.progress, report.grid_url, report.images) == ("running", 46, None, ())


@pytest.mark.parametrize(
    ("custom_id", "action", "params"),
    [
        ("MJ::JOB::upsample_v6_2x_creative::1::h::SOLO", "upscale", {"kind": "creative"}),
        ("MJ::JOB::upsample_v5_4x::1::h::SOLO", "upscale", {"kind": "v5_4x"}),
        ("MJ::Outpaint::75::1::h::SOLO", "zoom", {"factor": 1.5}),
        ("MJ::CustomZoom::h", "zoom", {}),
        ("MJ::JOB::pan_left::1::h::SOLO", "pan", {"direction": "left"}),
        ("MJ::JOB::high_variation::1::h::SOLO", "vary", {"strength": "strong"}),
        ("MJ::JOB::variation::3::h", "vary", {"index": 3}),
        ("MJ::JOB::reroll::0::h::SOLO", "reroll", {}),
        ("MJ::Inpaint::1::h::SOLO", "inpaint", {}),
        ("MJ::BOOKMARK::h", None, {}),
    ],
)
def test_what_a_button_began_is_told_by_the_button(custom_id: str, action: str | None, params: dict[str, Any]) -> None:
    report = read(DONE | {"action": "ACTION", "properties": {"custom_id": custom_id}})
    assert (report.action, report.params) == (action, params)


def test_what_is_not_told_is_a_grid_where_its_buttons_choose_among_tiles() -> None:
    grid = read(DONE | {"action": "ACTION", "buttons": fixture("assembled_trueai_grid")["buttons"]})
    single = read(DONE | {"action": "ACTION", "buttons": fixture("assembled_trueai_pick")["buttons"]})
    assert (grid.grid_url, grid.images) == (PICTURE, ())
    assert (single.grid_url, single.images) == (None, (Image(index=1, url=PICTURE),))


def test_a_description_is_words_and_the_picture_that_was_described_is_no_result() -> None:
    words = "1️⃣ Cat --ar 5:4\n\n2️⃣ Cat2 --ar 5:4"
    report = read(DONE | {"action": "DESCRIBE", "properties": {"finalPrompt": words}})
    assert report.facts["content"] == ["1️⃣ Cat --ar 5:4", "2️⃣ Cat2 --ar 5:4"]
    assert (report.has_other_result, report.images, report.grid_url, report.prompt) == (True, (), None, None)


def test_a_task_that_waits_for_a_modal_goes_on() -> None:
    report = read(fixture("trueai_modal"))
    assert (report.status, report.awaits_step) == ("running", True)


def test_a_relays_task_that_has_not_begun_is_queued_and_an_unknown_shape_is_no_task() -> None:
    assert read({"id": "1", "action": "IMAGINE", "status": "", "progress": "0%"}).status == "queued"
    unknown: tuple[Any, ...] = ({"id": "1", "status": ""}, {"id": "1", "status": "MAYBE"}, {"status": "SUCCESS"}, [], 7)
    for value in unknown:
        with pytest.raises(Unmapped):
            account().provider.parse(value, {})
