"""JourneyAPI's dialect against the documented payloads (seeds 001 and 003, the vendor's pages)."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from receiver.contracts import (
    Answer,
    Call,
    Order,
    Parent,
    Provider,
    Request,
    Source,
)
from receiver.contracts.options import NoOptions
from receiver.errors import Unmapped, Unsupported
from receiver.lib.signatures import Secret
from receiver.model.actions import Params
from receiver.model.deliveries import (
    Accepted,
    NotAccepted,
    Refused,
    Unclear,
)
from receiver.model.jobs import (
    Image,
    Job,
    KeptJob,
)
from receiver.providers.journeyapi import JourneyAPI

FIXTURES = Path(__file__).parent.parent / "fixtures" / "journeyapi"
HOOK = "https://your-server.com/webhook"
GRID = "550e8400-e29b-41d4-a716-446655440000"
NOW = 1_795_255_200_000

provider: Provider = JourneyAPI(NoOptions())
source = Source(name="journey", provider=provider, base_url=provider.base_url, api_key=Secret("japi_live_1"))
secured = Source(
    name="journey",
    provider=provider,
    base_url=provider.base_url,
    api_key=Secret("japi_live_1"),
    secrets=(Secret("new"), Secret("old")),
)


def fixture(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text())


def job(action: str, params: Params | None = None, **more: Any) -> KeptJob:
    fields = {"status": "completed", "provider_job_id": GRID, "provider": "journeyapi", **more}
    made = Job(
        id="job_1", source="journey", action=action, params=params or {}, root_id="job_1", created_at="", **fields
    )
    return KeptJob(number=1, job=made, intent="i")


def order(action: str, params: Params | None = None, parent: KeptJob | None = None, hook: str | None = HOOK) -> Order:
    planned = job(action, params, status="planned", provider_job_id=None)
    return Order(kept=planned, ancestors=(parent,) if parent else (), webhook_url=hook)


def built(told: Order, at: Source = source) -> tuple[Call, Any]:
    call = provider.order(told, at, None)
    return call, json.loads(call.body or b"")


def request(headers: dict[str, str]) -> Request:
    return Request(source="journey", headers=headers, body=b"{}", received_at=NOW)


# --- in ---------------------------------------------------------------------------------------------------------------


def test_the_documented_running_task_is_a_progress_of_45() -> None:
    [report] = provider.parse(fixture("fetch_processing"), {})
    assert (report.provider_job_id, report.status, report.progress) == (GRID, "running", 45)
    assert report.action == "imagine"
    assert not report.images


def test_the_documented_finished_grid_has_four_tiles_in_order() -> None:
    [report] = provider.parse(fixture("fetch_finished"), {})
    assert (report.status, report.progress, report.action) == ("completed", 100, "imagine")
    assert report.grid_url == "https://cdn.midjourney.com/abc123/grid_0.png"
    assert report.images == tuple(
        Image(index=index, url=f"https://cdn.midjourney.com/abc123/0_{index - 1}.png") for index in (1, 2, 3, 4)
    )


def test_the_documented_failure_is_moderated() -> None:
    [report] = provider.parse(fixture("fetch_failed"), {})
    assert report.status == "failed"
    assert report.error is not None
    assert (report.error.code, report.error.message) == ("moderated", "Content policy violation")


def test_the_documented_upscale_is_a_pick_with_one_picture() -> None:
    [report] = provider.parse(fixture("fetch_many_upscale"), {})
    assert (report.action, report.params, report.grid_url) == ("pick", {}, None)
    assert [image.index for image in report.images] == [1]


def test_a_data_wrapper_makes_no_difference() -> None:
    bare = fixture("fetch_finished")
    assert provider.parse({"code": 200, "data": bare}, {}) == provider.parse(bare, {})


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"image_url": "https://x.example/1.png"}, "completed"),
        ({"image_urls": ["https://x.example/1.png"], "status": ""}, "completed"),
        ({"percentage": "40"}, "running"),
        ({"error": "no"}, "failed"),
        ({"errors": [{"msg": "no"}]}, "failed"),
        ({"task_type": "describe", "image_url": "https://x.example/in.png", "percentage": "5"}, "running"),
        ({"task_type": "describe", "image_url": "https://x.example/in.png", "content": ["a", "b"]}, "completed"),
    ],
)
def test_a_task_without_status_tells_it_by_what_else_it_holds(more: dict[str, Any], status: str) -> None:
    [report] = provider.parse({"task_id": GRID, **more}, {})
    assert report.status == status


@pytest.mark.parametrize(
    "value",
    [[], None, "x", {}, {"task_id": ""}, {"task_id": GRID}, {"task_id": GRID, "status": "paused"}, {"data": {}}],
)
def test_what_is_no_known_task_is_unmapped(value: Any) -> None:
    with pytest.raises(Unmapped):
        provider.parse(value, {})


@pytest.mark.parametrize(
    ("task_type", "action", "params"),
    [
        ("upscale#1", "pick", {}),
        ("upscale#3", "pick", {}),
        ("reroll", "reroll", {}),
        ("upscale", "pick", {}),
        ("upscale-1x", "pick", {}),
        ("upscale-2x", "upscale", {"kind": "2x"}),
        ("upscale-creative", "upscale", {"kind": "creative"}),
        ("variation-2", "vary", {"index": 2}),
        ("variation-strong", "vary", {"strength": "strong"}),
        ("variation-" + "x" * 500, "vary", {}),
        ("pan-left", "pan", {"direction": "left"}),
        ("pan-sideways", "pan", {}),
        ("blend", "blend", {}),
        ("shorten", None, {}),
        ({"odd": 1}, "pick", {}),
    ],
)
def test_the_task_type_tells_the_action(task_type: Any, action: str | None, params: Params) -> None:
    task = {"task_id": GRID, "task_type": task_type, "status": "finished", "image_url": "https://x.example/1.png"}
    [report] = provider.parse(task, {})
    assert (report.action, report.params) == (action, params)


def test_what_describe_echoes_is_no_result() -> None:
    task = {"task_id": GRID, "task_type": "describe", "status": "finished", "image_url": "https://x.example/in.png"}
    [report] = provider.parse(task | {"content": ["one", "two"]}, {})
    assert report.images == ()
    assert report.facts == {"content": ["one", "two"]}


@pytest.mark.parametrize(
    ("headers", "seal"),
    [
        ({}, "absent"),
        ({"x-webhook-secret": "new"}, "valid"),
        ({"x-webhook-secret": "old"}, "valid"),
        ({"x-webhook-secret": "other"}, "wrong"),
        ({"x-webhook-secret": ""}, "wrong"),
        ({"x-webhook-secret": "new, other"}, "wrong"),
        ({"x-webhook-secret": "\ud800"}, "wrong"),
    ],
)
def test_the_echoed_secret_is_one_of_ours_or_the_request_is_not_genuine(headers: dict[str, str], seal: str) -> None:
    assert provider.seal(request(headers), secured) == seal


def test_without_secrets_a_secret_header_proves_nothing() -> None:
    assert provider.seal(request({"x-webhook-secret": "theirs"}), source) == "absent"


# --- out --------------------------------------------------------------------------------------------------------------


def test_a_pick_is_the_documented_request() -> None:
    call, body = built(order("pick", {"index": 2}, job("imagine")))
    assert (call.method, call.url) == ("POST", "https://api.journeyapi.com/api/v1/upscale-1x")
    assert call.headers == {"authorization": "japi_live_1", "content-type": "application/json"}
    assert body == fixture("order_upscale_1x")


def test_an_upscale_of_any_picture_is_the_documented_request() -> None:
    picture = Image(index=1, url="https://example.com/my-image.png")
    call, body = built(order("upscale", {"kind": "2x"}, job("pick", provider="apiframe", images=(picture,))))
    assert call.url == "https://api.journeyapi.com/api/v1/upscale-2x-4x"
    assert body == fixture("order_upscale_2x_4x")


PICK, IMAGINE = job("pick"), job("imagine")


@pytest.mark.parametrize(
    ("action", "params", "parent", "path", "wanted"),
    [
        ("imagine", {"prompt": "a cat"}, None, "/imagine", {"prompt": "a cat"}),
        ("imagine", {"prompt": "a cat", "version": "7"}, None, "/imagine", {"prompt": "a cat --v 7"}),
        ("imagine", {"prompt": "a --niji 6", "version": "7"}, None, "/imagine", {"prompt": "a --niji 6"}),
        ("imagine", {"prompt": "a", "model": "x", "version": "2"}, None, "/imagine", {"prompt": "a", "model": "x"}),
        ("imagine", {"prompt": "a cat"}, PICK, "/imagine", {"prompt": "a cat"}),
        ("reroll", {}, IMAGINE, "/reroll", {"parent_task_id": GRID}),
        ("vary", {"index": 3}, IMAGINE, "/variations", {"parent_task_id": GRID, "index": "3"}),
        ("vary", {"strength": "strong"}, PICK, "/variations", {"parent_task_id": GRID, "index": "strong"}),
        ("upscale", {"kind": "creative"}, PICK, "/upscale-alt", {"parent_task_id": GRID, "type": "creative"}),
        ("upscale", {"kind": "4x"}, PICK, "/upscale-2x-4x", {"parent_task_id": GRID, "type": "4x"}),
        (
            "upscale",
            {"kind": "4x", "index": 1},
            IMAGINE,
            "/upscale-2x-4x",
            {"parent_task_id": GRID, "type": "4x", "index": "1"},
        ),
        ("pan", {"direction": "up"}, PICK, "/pan", {"parent_task_id": GRID, "direction": "up"}),
        ("outpaint", {"factor": 1.5}, PICK, "/outpaint", {"parent_task_id": GRID, "zoom_ratio": 1.5}),
        (
            "inpaint",
            {"mask": "AAAA", "prompt": "hat"},
            PICK,
            "/inpaint",
            {"parent_task_id": GRID, "mask": "AAAA", "prompt": "hat"},
        ),
        (
            "blend",
            {"image_urls": ["https://a", "https://b"]},
            None,
            "/blend",
            {"image_urls": ["https://a", "https://b"]},
        ),
        ("describe", {"image_url": "https://a"}, None, "/describe", {"image_url": "https://a"}),
    ],
)
def test_every_action_is_its_own_request(
    action: str, params: Params, parent: KeptJob | None, path: str, wanted: dict[str, Any]
) -> None:
    call, body = built(order(action, params, parent, hook=None))
    assert call.url == "https://api.journeyapi.com/api/v1" + path
    assert body == wanted


def test_the_first_secret_goes_out_with_the_webhook_address_and_never_without() -> None:
    _, body = built(order("imagine", {"prompt": "a"}), secured)
    assert (body["webhook_url"], body["webhook_secret"]) == (HOOK, "new")
    _, silent = built(order("imagine", {"prompt": "a"}, hook=None), secured)
    assert silent == {"prompt": "a"}


@pytest.mark.parametrize(
    ("action", "params", "after", "nearest"),
    [
        ("pick", {"index": 1}, "pick", "upscale"),
        ("upscale", {"kind": "subtle"}, "imagine", "pick a tile first"),
        ("upscale", {"kind": "subtle"}, "upscale", "upscale"),
        ("vary", {"strength": "strong"}, "imagine", "pick a tile first"),
        ("reroll", {}, "vary", "pick"),
        ("reroll", {}, "reroll", "pick"),
        ("pan", {"direction": "up"}, "imagine", "pick a tile first"),
        ("upscale", {"kind": "v5_2x"}, "pick", "kind 2x, 4x, subtle or creative"),
        ("zoom", {"factor": 2.0}, "pick", "outpaint with a factor"),
    ],
)
def test_what_the_table_does_not_allow_is_refused_with_the_nearest(
    action: str, params: Params, after: str, nearest: str
) -> None:
    reason = provider.refusal(action, params, Parent(action=after, provider="journeyapi"))
    assert reason is not None
    assert nearest in reason
    with pytest.raises(Unsupported):
        provider.order(order(action, params, job(after)), source, None)


def test_a_follow_up_without_a_parent_is_refused() -> None:
    assert provider.refusal("pick", {"index": 1}, None) == "pick needs a parent job"
    assert provider.refusal("upscale", {"kind": "2x", "image_url": "https://a"}, None) is None


def test_another_vendors_grid_is_upscaled_by_the_named_tile_only() -> None:
    images = tuple(Image(index=index, url=f"https://x.example/{index}.png") for index in (1, 2, 3, 4))
    grid = job("imagine", provider="apiframe", images=images)
    with pytest.raises(Unsupported, match="index 1-4"):
        provider.order(order("upscale", {"kind": "2x"}, grid), source, None)
    _, body = built(order("upscale", {"kind": "2x", "index": 3}, grid, hook=None))
    assert body == {"type": "2x", "image_url": "https://x.example/3.png"}
    with pytest.raises(Unsupported, match="no picture 1"):
        provider.order(order("upscale", {"kind": "2x"}, job("pick", provider="vtrix")), source, None)
    reason = provider.refusal("pan", {"direction": "up"}, Parent(action="pick", provider="vtrix"))
    assert reason == "JourneyAPI cannot pan a job of vtrix; nearest: upscale of kind 2x or 4x"


def test_every_offered_next_action_of_a_grid_can_be_ordered() -> None:
    images = tuple(Image(index=index, url=f"https://x.example/{index}.png") for index in (1, 2, 3, 4))
    offered = provider.next_actions(job("imagine", images=images))
    assert [one.params["index"] for one in offered if one.action == "pick"] == [1, 2, 3, 4]
    assert {"kind": "2x", "index": 4} in [one.params for one in offered if one.action == "upscale"]
    assert not provider.next_actions(job("imagine", status="failed"))


# --- answers ----------------------------------------------------------------------------------------------------------


def answer(status: int, value: Any) -> Answer:
    return Answer(status=status, body=json.dumps(value).encode())


def test_the_documented_submission_is_accepted() -> None:
    told = provider.answered(order("pick", {"index": 2}, IMAGINE), answer(200, fixture("submitted")), NOW)
    assert isinstance(told, Accepted)
    assert (told.report.provider_job_id, told.report.status) == ("772a0622-a41d-63f6-c938-668877662222", "queued")


def test_a_synchronous_model_answers_with_the_finished_task() -> None:
    body = {"task_id": GRID, "status": "finished", "image_url": "https://x.example/1.png"}
    told = provider.answered(order("imagine", {"prompt": "a"}), answer(200, body), NOW)
    assert isinstance(told, Accepted)
    assert told.report.status == "completed"
    assert len(told.report.images) == 1


def test_an_id_with_an_unknown_status_is_an_accepted_order_all_the_same() -> None:
    told = provider.answered(order("imagine"), answer(200, {"task_id": GRID, "status": "submitted"}), NOW)
    assert isinstance(told, Accepted)
    assert told.report.status == "queued"


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, {"errors": [{"msg": "parent task is not finished"}]}, "invalid_params"),
        (401, {}, "auth"),
        (402, {"errors": [{"msg": "Insufficient credits"}]}, "insufficient_credits"),
    ],
)
def test_the_documented_refusals_are_refusals(status: int, body: Any, code: str) -> None:
    told = provider.answered(order("imagine"), answer(status, body), NOW)
    assert isinstance(told, Refused)
    assert told.error.code == code


def test_429_is_tried_again_and_500_is_unclear() -> None:
    limited = answer(429, {"errors": [{"msg": "Rate limit exceeded"}]})
    assert isinstance(provider.answered(order("imagine"), limited, NOW), NotAccepted)
    assert isinstance(provider.answered(order("imagine"), answer(500, {}), NOW), Unclear)


def test_one_job_is_fetched_and_several_are_fetched_together() -> None:
    one = provider.query([IMAGINE], source)
    assert (one.url, one.body) == ("https://api.journeyapi.com/api/v1/fetch", f'{{"task_id":"{GRID}"}}'.encode())
    many = provider.query([IMAGINE, job("pick", provider_job_id="b")], source)
    assert many.url.endswith("/fetch-many")
    assert json.loads(many.body or b"") == {"task_ids": [GRID, "b"]}
    assert many.headers["authorization"] == "japi_live_1"


def test_a_batch_lets_unknown_ids_out_and_one_odd_task_hides_no_other() -> None:
    tasks = [fixture("fetch_many_upscale"), {"task_id": "odd", "status": "paused"}]
    reports = provider.read(answer(200, {"tasks": tasks}), [IMAGINE, PICK])
    assert [report.provider_job_id for report in reports] == ["772a0622-a41d-63f6-c938-668877662222"]
    assert provider.read(answer(200, {"tasks": []}), [IMAGINE, PICK]) == []
    assert provider.read(answer(404, {}), [IMAGINE]) == []
    with pytest.raises(Unmapped, match="HTTP 500"):
        provider.read(answer(500, {}), [IMAGINE])


@pytest.mark.parametrize(
    ("action", "params", "amount"),
    [
        ("imagine", {}, 4),
        ("pick", {"index": 1}, 2),
        ("upscale", {"kind": "2x"}, 2),
        ("upscale", {"kind": "subtle"}, 4),
        ("vary", {"index": 1}, 4),
        ("describe", {}, 2),
    ],
)
def test_the_documented_prices_are_known(action: str, params: Params, amount: int) -> None:
    cost = provider.price(action, params)
    assert cost is not None
    assert (cost.amount, cost.unit, cost.source) == (Decimal(amount), "credits", "table")


def test_an_undocumented_price_is_unknown_and_never_zero() -> None:
    assert provider.price("inpaint", {}) is None
    assert provider.price("imagine", {"model": "flux-2-max"}) is None
