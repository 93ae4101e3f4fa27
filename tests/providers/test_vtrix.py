"""The dialect of Vtrix and SeaCloud against the documented payloads."""

from __future__ import annotations

import contextlib
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.contracts import (
    Answer,
    Call,
    Order,
    Parent,
    Provider,
    Request,
    Source,
)
from receiver.errors import (
    InvalidParams,
    Unmapped,
    Unsupported,
)
from receiver.lib.signatures import Secret
from receiver.model.deliveries import (
    Accepted,
    NotAccepted,
    Refused,
    Unclear,
)
from receiver.model.folding import fold
from receiver.model.jobs import (
    ArchivedCopy,
    Cost,
    Image,
    Job,
    KeptJob,
)
from receiver.providers.vtrix import Vtrix, VtrixOptions

FIXTURES = Path(__file__).parent.parent / "fixtures" / "vtrix"
HOOK = "https://hooks.example.com/in/sea/ref1"
NOW = 1_795_255_200_000
AT = "2026-11-21T10:00:00.000Z"

provider: Provider = Vtrix(VtrixOptions())
queue: Provider = Vtrix(VtrixOptions(api="queue"))

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=8), inner, max_size=4)
        | st.fixed_dictionaries(
            {},
            optional={
                "id": inner,
                "request_id": inner,
                "job_id": inner,
                "data": inner,
                "status": inner | st.sampled_from(["COMPLETED", "failed", "in_progress", "canceled"]),
                "error": inner,
                "error_type": inner | st.sampled_from(["CANCELED", "CONTENT_BLOCKED"]),
                "code": inner,
                "model": inner,
                "task_type": inner,
                "output": inner,
                "outputs": inner,
                "content": inner,
                "url": inner,
                "jobId": inner,
                "usage": inner,
                "cost": inner,
                "progress": inner,
            },
        )
    ),
    max_leaves=12,
)


def fixture(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text())


def account(dialect: Provider) -> Source:
    return Source(name="sea", provider=dialect, base_url=dialect.base_url, api_key=Secret("sk-1"))


def job(number: int, action: str, params: dict[str, Any] | None = None, **more: Any) -> KeptJob:
    facts = more.pop("facts", {})
    fields = {"status": "completed", "provider_job_id": f"task-{number}", "provider": "vtrix", **more}
    made = Job(
        id=f"job_{number}", source="sea", action=action, params=params or {}, root_id="job_1", created_at=AT, **fields
    )
    return KeptJob(number=number, job=made, facts=facts, intent=f"i{number}")


TILES = tuple(Image(index=n, url=f"https://cdn.vtrix.ai/{n - 1}.png") for n in (1, 2, 3, 4))


def grid(action: str = "imagine", **more: Any) -> KeptJob:
    return job(1, action, {"prompt": "a cat"}, **{"facts": {"output_id": "remote-1"}, "images": TILES, **more})


def pick(index: int = 2, **more: Any) -> KeptJob:
    facts = {"output_id": "remote-1", "index": index}
    return job(2, "pick", {"index": index}, **{"provider_job_id": None, "facts": facts, "images": TILES[:1], **more})


def order(action: str, params: dict[str, Any] | None = None, *ancestors: KeptJob, hook: str | None = HOOK) -> Order:
    kept = job(9, action, params, status="planned", provider_job_id=None)
    return Order(kept=kept, ancestors=ancestors, webhook_url=hook)


def sent(call: Call) -> Any:
    return json.loads(call.body or b"null")


def answer(value: Any, status: int = 200) -> Answer:
    return Answer(status=status, body=json.dumps(value).encode())


# --- in --------------------------------------------------------------------------------------------------------------


def test_a_finished_task_gives_pictures_output_id_and_cost() -> None:
    (report,) = provider.parse(fixture("assembled_task_completed"), {})
    assert (report.provider_job_id, report.status, report.progress, report.action) == (
        "task-1",
        "completed",
        100,
        "imagine",
    )
    assert report.images == TILES
    assert report.facts == {"output_id": "remote-job-1"}
    assert report.cost == Cost(amount=Decimal("0.0525"), unit="USD", source="reported")
    assert provider.parse({"data": fixture("assembled_task_completed")}, {}) == [report]


@pytest.mark.parametrize(
    ("task", "status", "progress"),
    [
        ({"status": "in_queue"}, "queued", None),
        ({"status": "in_progress", "progress": 0.45}, "running", 45),
        ({"status": "IN_PROGRESS", "progress": 0.0}, "running", 0),
        ({"status": "processing", "progress": 45}, "running", 45),
        ({"status": "completed", "error": {"code": 0, "error_message": ""}}, "completed", 100),
        ({"status": "completed", "error": {"code": 8004005098}}, "failed", None),
        ({"status": "failed"}, "failed", None),
        ({"status": "canceled"}, "canceled", None),
    ],
)
def test_status_and_progress_are_read(task: dict[str, Any], status: str, progress: int | None) -> None:
    (report,) = provider.parse({"id": "t", **task}, {})
    assert (report.status, report.progress) == (status, progress)


@pytest.mark.parametrize(
    ("error", "code", "provider_code", "retryable"),
    [
        ({"code": 8004005001, "error_message": "Job ID missing"}, "invalid_params", "8004005001", False),
        ({"code": 8004005006, "error_message": "Invalid callback URL"}, "invalid_params", "8004005006", False),
        ({"code": 8004001001, "error_message": "Missing text"}, "invalid_params", "8004001001", False),
        ({"code": "8004005098", "error_message": "Generation process failed"}, "provider_error", "8004005098", True),
        ({"code": 8004005099, "error_message": "Provider unavailable"}, "provider_error", "8004005099", True),
        ("Content policy violation", "moderated", None, False),
    ],
)
def test_error_codes_keep_their_digits_and_tell_whose_fault_it_was(
    error: Any, code: str, provider_code: str | None, retryable: bool
) -> None:
    (report,) = provider.parse({"id": "t", "status": "failed", "error": error}, {})
    assert report.error is not None
    assert (report.error.code, report.error.provider_code, report.error.retryable) == (code, provider_code, retryable)


def test_the_documented_failed_request_is_a_failure_though_it_says_completed() -> None:
    (report,) = queue.parse(fixture("queue_failed"), {})
    assert (report.provider_job_id, report.status) == ("mmsu_01hxyz...", "failed")
    assert report.error is not None
    assert (report.error.code, report.error.provider_code, report.error.message) == (
        "provider_error",
        "INFERENCE_FAILURE",
        "Task execution failed",
    )


@pytest.mark.parametrize(
    ("word", "code", "status"),
    [
        ("INFERENCE_TIMEOUT", "provider_timeout", "failed"),
        ("REQUEST_INVALID", "invalid_params", "failed"),
        ("CONTENT_BLOCKED", "moderated", "failed"),
        ("CANCELED", "canceled", "canceled"),
        ("INTERNAL_SERVER_ERROR", "provider_error", "failed"),
    ],
)
def test_every_error_type_has_its_word(word: str, code: str, status: str) -> None:
    (report,) = queue.parse({**fixture("queue_failed"), "error_type": word}, {})
    assert report.status == status
    assert report.error is not None
    assert report.error.code == code


def test_the_documented_result_is_completed() -> None:
    (report,) = queue.parse(fixture("queue_result"), {})
    assert (report.provider_job_id, report.status) == ("mmsu_01hxyz...", "completed")
    assert report.images == (Image(index=1, url="https://example.com/output.png"),)


def test_a_result_carries_its_output_id_and_no_videos_among_the_pictures() -> None:
    outputs = [
        {"type": "image", "url": "https://x/0.png", "jobId": "r"},
        {"type": "video", "url": "https://x/0.mp4", "jobId": "r"},
    ]
    (report,) = queue.parse({"request_id": "q", "status": "completed", "outputs": outputs}, {})
    assert [image.url for image in report.images] == ["https://x/0.png"]
    assert report.facts == {"output_id": "r"}


ZERO, THREE = "https://cdn.vtrix.ai/0.png", "https://cdn.vtrix.ai/3.png"


def picture(url: str | None) -> dict[str, Any]:
    return {"type": "image", "url": url, "jobId": "r"}


@pytest.mark.parametrize(
    ("entries", "tiles"),
    [
        ([picture(ZERO), picture(None), None, picture(THREE)], [(1, ZERO), (4, THREE)]),
        ([picture(ZERO), picture(ZERO), {"type": "image"}, picture(THREE)], [(1, ZERO), (2, ZERO), (4, THREE)]),
        ([picture(ZERO), {"type": "video", "url": "https://x/0.mp4"}, picture(THREE)], [(1, ZERO), (2, THREE)]),
    ],
)
def test_a_missing_or_repeated_picture_moves_no_other_tile(entries: list[Any], tiles: list[tuple[int, str]]) -> None:
    task = {"id": "t", "status": "completed", "output": [{"content": entries}]}
    request = {"request_id": "q", "status": "completed", "outputs": entries}
    for (report,) in (provider.parse(task, {}), queue.parse(request, {})):
        assert [(image.index, image.url) for image in report.images] == tiles
        assert report.action == ("imagine" if tiles[-1][0] == 4 else None)


def test_the_follow_up_of_a_grid_with_gaps_names_the_place_in_the_vendors_list() -> None:
    entries = [picture(ZERO), picture(None), picture(None), picture(THREE)]
    (report,) = queue.parse({"request_id": "q", "status": "completed", "outputs": entries}, {})
    grid_with_gaps = fold(job(1, "imagine", status="running"), report, AT)
    wish = order("upscale", {"kind": "2x", "index": 4}, grid_with_gaps)
    assert sent(queue.order(wish, account(queue), None))["imageNo"] == 3


def test_an_upstream_job_keeps_its_tiles_in_place_too() -> None:
    addresses = [ZERO, None, ZERO, THREE]
    body = {"job_id": "r", "status": "completed", "output": {"image_url": "https://x/g.png", "image_urls": addresses}}
    (report,) = provider.parse(body, {})
    assert [(image.index, image.url) for image in report.images] == [(1, ZERO), (3, ZERO), (4, THREE)]
    assert report.grid_url == "https://x/g.png"
    (single,) = provider.parse({**body, "output": {"image_url": ZERO}}, {})
    assert (single.images, single.grid_url) == ((Image(index=1, url=ZERO),), None)


def test_completed_without_outputs_is_not_the_end_yet() -> None:
    (report,) = queue.parse(fixture("queue_completed"), {})
    assert (report.status, report.facts) == ("running", {"ready": True})


def test_an_upstream_job_is_read_without_taking_its_id_for_the_vendors() -> None:
    (report,) = provider.parse(fixture("legnext_job"), {})
    assert report.provider_job_id is None
    assert (report.status, report.action, len(report.images)) == ("completed", "imagine", 4)
    assert report.grid_url == "https://cdn.legnext.ai/temp/1760408558306.png"
    assert report.facts == {"output_id": "a616de55-6130-4e1f-b8cd-531ed0599353"}


@pytest.mark.parametrize(
    "body",
    [
        {"id": "t", "status": "paused"},
        {"id": "t"},
        {"id": {}, "status": "completed"},
        {"error": {"code": "UNAUTHORIZED", "message": "x"}, "request_id": "..."},
        fixture("payment_required"),
        [],
        None,
    ],
)
def test_what_is_not_known_is_unmapped(body: Any) -> None:
    with pytest.raises(Unmapped):
        provider.parse(body, {})


@given(JSON)
def test_no_json_value_raises_anything_but_unmapped(value: Any) -> None:
    with contextlib.suppress(Unmapped):
        provider.parse(value, {})


@given(st.text(), st.booleans())
def test_no_header_makes_the_seal_raise(text: str, guarded: bool) -> None:
    secrets = (Secret("s3cret"),) if guarded else ()
    sealed = msgspec.structs.replace(account(provider), secrets=secrets)
    request = Request(source="sea", headers={"x-webhook-secret": text}, body=b"", received_at=NOW)
    expected = "absent" if not guarded else "valid" if text == "s3cret" else "wrong"
    assert provider.seal(request, sealed) == expected


# --- orders ----------------------------------------------------------------------------------------------------------

AREAS = {"areas": [{"width": 1024, "height": 1024, "points": [0, 0, 9, 0, 9, 9]}]}
TILE = {"jobId": "remote-1", "imageNo": 1}
ORDERS = [
    (order("imagine", {"prompt": "a cat"}), "midjourney_diffusion", {"text": "a cat"}),
    (
        order("imagine", {"prompt": "a cat", "version": "7", "aspect_ratio": "16:9"}),
        "midjourney_diffusion",
        {"text": "a cat --ar 16:9 --v 7"},
    ),
    (order("upscale", {"kind": "subtle"}, pick(), grid()), "midjourney_upscale", TILE | {"type": 0}),
    (order("upscale", {"kind": "2x"}, pick(), grid()), "midjourney_upscale", TILE | {"type": 0}),
    (order("upscale", {"kind": "creative"}, pick(), grid()), "midjourney_upscale", TILE | {"type": 1}),
    (order("upscale", {"kind": "v5_2x"}, pick(), grid()), "midjourney_upscale", TILE | {"type": 2}),
    (order("upscale", {"kind": "v5_4x", "index": 4}, grid()), "midjourney_upscale", TILE | {"type": 3, "imageNo": 3}),
    (order("vary", {"index": 1}, grid()), "midjourney_variation", TILE | {"type": 0, "imageNo": 0}),
    (
        order("vary", {"strength": "strong", "prompt": "a dog"}, pick(), grid()),
        "midjourney_variation",
        TILE | {"type": 1, "remixPrompt": "a dog"},
    ),
    (order("zoom", {"factor": 2.0}, pick(), grid()), "midjourney_outpaint", TILE | {"scale": 2.0}),
    (order("outpaint", {"factor": 1.1}, pick(), grid()), "midjourney_outpaint", TILE | {"scale": 1.1}),
    (
        order("inpaint", {"mask": AREAS, "prompt": "a hat"}, pick(), grid()),
        "midjourney_inpaint",
        TILE | {"mask": AREAS, "remixPrompt": "a hat"},
    ),
    (
        order("inpaint", {"mask": "https://x/m.png"}, pick(), grid()),
        "midjourney_inpaint",
        TILE | {"mask": {"url": "https://x/m.png"}},
    ),
]


@pytest.mark.parametrize(("wish", "model", "params"), ORDERS)
def test_each_action_is_the_wrapped_request_with_its_callback(wish: Order, model: str, params: dict[str, Any]) -> None:
    call = provider.order(wish, account(provider), None)
    assert (call.method, call.url) == ("POST", "https://cloud.vtrix.ai/model/v1/generation")
    assert call.headers["authorization"] == "Bearer sk-1"
    assert sent(call) == {"model": model, "input": [{"params": params | {"callback": HOOK}}]}
    assert provider.prepare(wish, account(provider)) is None
    assert provider.local(wish) is None


@pytest.mark.parametrize(("wish", "model", "params"), ORDERS)
def test_the_queue_takes_the_bare_parameters_and_never_a_callback(
    wish: Order, model: str, params: dict[str, Any]
) -> None:
    call = queue.order(wish, account(queue), None)
    assert call.url == f"https://cloud.seaart.ai/model/v1/queue/{model}"
    assert call.headers["authorization"] == "Bearer sk-1"
    assert sent(call) == params


def test_the_queue_strips_callbacks_that_someone_put_among_the_parameters() -> None:
    wish = order("imagine", {"prompt": "a cat", "callback": "https://x", "webhook_url": "https://x"}, hook=None)
    assert sent(queue.order(wish, account(queue), None)) == {"text": "a cat"}


def test_only_the_generation_api_calls_back() -> None:
    assert (provider.webhooks, queue.webhooks) == (True, False)


def test_an_upscale_of_a_later_grid_names_that_grids_output() -> None:
    later = grid("vary", facts={"output_id": "remote-5"})
    bare = pick(3, facts={})
    body = sent(queue.order(order("upscale", {"kind": "2x"}, bare, later, grid()), account(queue), None))
    assert body == {"jobId": "remote-5", "imageNo": 2, "type": 0}


def test_without_an_output_id_nothing_is_sent_and_no_older_grid_is_named() -> None:
    wish = order("upscale", {"kind": "2x"}, pick(facts={}), grid("vary", facts={}), grid())
    with pytest.raises(Unsupported, match="jobId"):
        provider.order(wish, account(provider), None)


@pytest.mark.parametrize("length", [0, 8193])
def test_a_prompt_has_1_to_8192_characters(length: int) -> None:
    with pytest.raises((InvalidParams, Unsupported)):
        provider.order(order("imagine", {"prompt": "x" * length}), account(provider), None)


def a_copy(index: int) -> ArchivedCopy:
    return ArchivedCopy(sink="a", key=f"x/{index}.png", sha256="0", type="image/png", bytes=1, width=1, height=1)


def test_a_pick_is_the_tile_itself_at_once_and_free() -> None:
    archived = tuple(msgspec.structs.replace(image, archive=a_copy(image.index)) for image in TILES)
    wish = order("pick", {"index": 3}, grid(images=archived))
    report = provider.local(wish)
    assert report is not None
    kept = fold(wish.kept, report, AT)
    assert (kept.job.status, kept.job.cost, kept.job.provider_job_id) == ("completed", None, None)
    assert kept.job.images == (Image(index=1, url="https://cdn.vtrix.ai/2.png", archive=a_copy(3)),)
    assert kept.facts == {"output_id": "remote-1", "index": 3}
    assert provider.price("pick", {"index": 3}) == Cost(amount=Decimal(0), unit="USD", source="table")


def test_a_pick_of_a_tile_that_is_not_there_fails() -> None:
    report = provider.local(order("pick", {"index": 3}, grid(images=TILES[:1])))
    assert report is not None
    assert report.status == "failed"


def test_a_picked_tile_can_be_enlarged_by_what_the_pick_itself_holds() -> None:
    report = provider.local(order("pick", {"index": 4}, grid()))
    assert report is not None
    picked = fold(job(2, "pick", {"index": 4}, status="planned", provider_job_id=None), report, AT)
    body = sent(queue.order(order("upscale", {"kind": "creative"}, picked), account(queue), None))
    assert body == {"jobId": "remote-1", "imageNo": 3, "type": 1}


# --- what is possible ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "params", "after", "word"),
    [
        ("upscale", {"kind": "4x"}, "pick", "nearest: kind v5_4x or 2x"),
        ("pan", {"direction": "up"}, "pick", "documents no parameters"),
        ("reroll", {}, "imagine", "documents no parameters"),
        ("blend", {}, None, "Vtrix has none"),
        ("zoom", {"factor": 3.0}, "pick", "1.1 to 2.0"),
        ("outpaint", {}, "pick", "1.1 to 2.0"),
        ("inpaint", {"prompt": "x"}, "pick", "mask"),
        ("upscale", {"kind": "2x"}, "imagine", "index"),
        ("upscale", {"kind": "2x"}, "upscale", "nearest"),
        ("pick", {"index": 1}, "pick", "nearest"),
        ("pick", {"index": 1}, None, "parent"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(
    action: str, params: dict[str, Any], after: str | None, word: str
) -> None:
    parent = Parent(action=after, provider="vtrix") if after else None
    said = provider.refusal(action, params, parent)
    assert said is not None
    assert word in said


def test_other_vendors_jobs_are_refused() -> None:
    assert provider.refusal("upscale", {"kind": "2x"}, Parent(action="pick", provider="journeyapi")) is not None
    assert provider.refusal("imagine", {"prompt": "x"}, None) is None


@pytest.mark.parametrize("parent", [grid(), pick()])
def test_every_next_action_can_be_ordered(parent: KeptJob) -> None:
    actions = provider.next_actions(parent)
    assert actions
    for one in actions:
        params = one.params | ({"mask": AREAS} if one.action == "inpaint" else {})
        wish = order(one.action, params, parent)
        assert provider.refusal(one.action, params, Parent(action=parent.job.action, provider="vtrix")) is None
        assert provider.local(wish) is not None or provider.order(wish, account(provider), None) is not None


# --- answers ---------------------------------------------------------------------------------------------------------

WISH = ORDERS[2][0]


def test_a_created_task_is_accepted() -> None:
    outcome = provider.answered(WISH, answer({"id": "task-7", "status": "in_queue"}), NOW)
    assert isinstance(outcome, Accepted)
    assert (outcome.report.provider_job_id, outcome.report.status) == ("task-7", "queued")
    bare = provider.answered(WISH, answer({"id": "task-7"}), NOW)
    assert isinstance(bare, Accepted)


def test_the_documented_queue_answer_is_accepted() -> None:
    outcome = queue.answered(WISH, answer(fixture("queue_submitted")), NOW)
    assert isinstance(outcome, Accepted)
    assert outcome.report.provider_job_id == "mmsu_01hxyz..."


def test_a_task_that_failed_at_once_is_accepted_and_failed() -> None:
    outcome = provider.answered(WISH, answer(fixture("assembled_task_failed")), NOW)
    assert isinstance(outcome, Accepted)
    assert outcome.report.status == "failed"


@pytest.mark.parametrize(
    ("status", "body", "code", "provider_code"),
    [
        (402, fixture("payment_required"), "insufficient_credits", "40201"),
        (200, fixture("payment_required"), "insufficient_credits", "40201"),
        (400, fixture("webhook_not_supported"), "invalid_params", None),
        (401, {"error": {"code": "UNAUTHORIZED", "message": "key"}}, "auth", "UNAUTHORIZED"),
        (403, {"detail": "Model not allowed for this user"}, "auth", None),
        (403, {"error": {"code": 1, "message": "insufficient balance"}}, "insufficient_credits", "1"),
        (404, {"detail": "App not found: not_exists"}, "invalid_params", None),
        (200, {"error": {"code": 8004005003, "error_message": "x"}}, "invalid_params", "8004005003"),
        (400, {"error": {"code": 8004005099, "error_message": "x"}}, "provider_error", "8004005099"),
    ],
)
def test_refusals_are_refused(status: int, body: Any, code: str, provider_code: str | None) -> None:
    outcome = provider.answered(WISH, answer(body, status), NOW)
    assert isinstance(outcome, Refused)
    assert (outcome.error.code, outcome.error.provider_code) == (code, provider_code)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, {"detail": "Runtime execution failed"}),
        (200, {"error": {"code": 8004005099, "error_message": "x"}}),
        (200, {"data": None}),
        (200, []),
        (302, {"id": "t"}),
    ],
)
def test_what_proves_nothing_is_unclear(status: int, body: Any) -> None:
    assert isinstance(provider.answered(WISH, answer(body, status), NOW), Unclear)
    assert isinstance(queue.answered(WISH, answer(body, status), NOW), Unclear)


def test_too_many_is_not_accepted() -> None:
    assert isinstance(queue.answered(WISH, answer({}, 429), NOW), NotAccepted)


@given(JSON, st.sampled_from([200, 202, 302, 400, 404, 429, 500]), st.sampled_from([provider, queue]))
def test_no_answer_raises(value: Any, status: int, dialect: Provider) -> None:
    said = Answer(status=status, body=json.dumps(value).encode())
    assert dialect.answered(WISH, said, NOW) is not None
    with contextlib.suppress(Unmapped):
        dialect.read(said, [grid()])


# --- status ----------------------------------------------------------------------------------------------------------


def test_a_task_is_asked_for_by_its_id() -> None:
    call = provider.query([grid()], account(provider))
    assert (call.method, call.url) == ("GET", "https://cloud.vtrix.ai/model/v1/generation/task/task-1")


def test_a_request_is_asked_for_under_its_model_and_never_at_an_address_from_an_answer() -> None:
    asked = job(3, "upscale", facts={"response_url": "https://evil.example/x"}, provider_job_id="mm/../su")
    call = queue.query([asked], account(queue))
    expected = "https://cloud.seaart.ai/model/v1/queue/midjourney_upscale/requests/mm%2F..%2Fsu/response"
    assert call.url == expected


def test_an_unfinished_response_is_running() -> None:
    (report,) = queue.read(answer(fixture("queue_in_progress"), 202), [grid()])
    assert report.status == "running"


def test_an_odd_response_leads_to_the_status_and_from_there_to_the_result() -> None:
    kept = job(3, "imagine", status="running", provider_job_id="mmsu_1")
    (odd,) = queue.read(answer({"detail": "Runtime execution failed"}, 500), [kept])
    kept = fold(kept, odd, AT)
    assert kept.job.status == "running"
    assert queue.query([kept], account(queue)).url.endswith("/requests/mmsu_1/status")
    with pytest.raises(Unmapped):
        queue.read(answer({}, 500), [kept])
    (ready,) = queue.read(answer(fixture("queue_completed")), [kept])
    kept = fold(kept, ready, AT)
    assert kept.job.status == "running"
    assert queue.query([kept], account(queue)).url.endswith("/requests/mmsu_1/response")
    (done,) = queue.read(answer(fixture("queue_result")), [kept])
    assert fold(kept, done, AT).job.status == "completed"


def test_a_task_that_is_gone_is_left_out_and_a_wrong_key_is_no_news() -> None:
    for dialect in (provider, queue):
        assert dialect.read(answer({"detail": "Request not found"}, 404), [grid()]) == []
        with pytest.raises(Unmapped):
            dialect.read(answer({}, 401), [grid()])


# --- stopping --------------------------------------------------------------------------------------------------------


def test_a_queue_request_is_stopped_at_its_own_address_and_never_at_one_from_an_answer() -> None:
    foreign = {"cancel_url": "https://evil.example/x"}
    running = job(3, "vary", status="running", facts=foreign, provider_job_id="mm/../su")
    call = queue.cancel(running, account(queue))
    assert call is not None
    expected = "https://cloud.seaart.ai/model/v1/queue/midjourney_variation/requests/mm%2F..%2Fsu/cancel"
    assert (call.method, call.url, call.body) == ("PUT", expected, None)
    assert call.headers == {"authorization": "Bearer sk-1"}


def test_what_the_vendor_has_not_named_or_offers_no_way_for_is_not_stopped() -> None:
    assert queue.cancel(job(3, "imagine", status="submitting", provider_job_id=None), account(queue)) is None
    assert provider.cancel(job(3, "imagine", status="running"), account(provider)) is None
