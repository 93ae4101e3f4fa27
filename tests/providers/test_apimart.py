"""APIMart's dialect against the documented payloads."""

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
from receiver.errors import Unmapped, Unsupported
from receiver.lib.signatures import Secret
from receiver.model.deliveries import (
    Accepted,
    NotAccepted,
    Refused,
    Unclear,
)
from receiver.model.folding import fold
from receiver.model.jobs import (
    Cost,
    Image,
    Job,
    KeptJob,
)
from receiver.providers.apimart import APIMart

FIXTURES = Path(__file__).parent.parent / "fixtures" / "apimart"
GENERATIONS = "https://api.apimart.ai/v1/midjourney/generations"
HOOK = "https://hooks.example.com/in/mart/ref1"
NOW = 1_795_255_200_000

provider: Provider = APIMart(APIMart.Options())
source = Source(name="mart", provider=provider, base_url=provider.base_url, api_key=Secret("sk-1"))

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=8), inner, max_size=4)
        | st.fixed_dictionaries(
            {},
            optional={
                "id": inner,
                "task_id": inner,
                "data": inner,
                "code": inner,
                "status": inner | st.sampled_from(["SUCCESS", "failed", "modal", "processing", "cancelled"]),
                "action": inner | st.sampled_from(["DESCRIBE", "IMAGINE"]),
                "error": inner,
                "progress": inner,
                "result": inner,
                "images": inner,
                "image_urls": inner,
                "buttons": inner,
                "cost": inner,
                "credits_cost": inner,
                "prompt": inner,
            },
        )
    ),
    max_leaves=12,
)


def fixture(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text())


def job(number: int, action: str, params: dict[str, Any] | None = None, **more: Any) -> KeptJob:
    facts = more.pop("facts", {})
    fields = {"status": "completed", "provider_job_id": f"task_{number}", "provider": "apimart", **more}
    made = Job(
        id=f"job_{number}",
        source="mart",
        action=action,
        params=params or {},
        root_id="job_1",
        created_at="2026-11-21T10:00:00.000Z",
        **fields,
    )
    return KeptJob(number=number, job=made, facts=facts, intent=f"i{number}")


def order(action: str, params: dict[str, Any] | None = None, *ancestors: KeptJob, hook: str | None = HOOK) -> Order:
    return Order(
        kept=job(9, action, params, status="planned", provider_job_id=None), ancestors=ancestors, webhook_url=hook
    )


def grid(version: str | None = "7", **more: Any) -> KeptJob:
    params = {"prompt": "a cat"} | ({"version": version} if version else {})
    facts = {"buttons": ["MJ::JOB::upsample::2::abc123", "MJ::JOB::variation::2::abc123"]}
    return job(1, "imagine", params, **{"facts": facts, **more})


def pick(index: int = 2) -> KeptJob:
    return job(2, "pick", {"index": index})


def sent(call: Call) -> tuple[str, dict[str, Any]]:
    return call.url, json.loads(call.body or b"null")


def answer(value: Any, status: int = 200) -> Answer:
    return Answer(status=status, body=json.dumps(value).encode())


# --- in --------------------------------------------------------------------------------------------------------------


def test_the_documented_task_object_is_read_with_its_wrapper_and_its_credits() -> None:
    (report,) = provider.parse(fixture("task_completed"), {})
    assert report.provider_job_id == "task_01KA040M0HP1GJWBJYZMKX1XS1"
    assert (report.status, report.progress, report.action) == ("completed", 100, "pick")
    assert report.images == (Image(index=1, url="https://upload.apimart.ai/f/image/…_0.png"),)
    assert report.cost == Cost(amount=Decimal("1.5"), unit="credits", source="reported")


def test_bare_listed_and_older_task_objects_read_the_same() -> None:
    wrapped = fixture("task_completed")
    bare = wrapped["data"]
    older = {**bare, "result": {"images": [{"url": bare["result"]["images"][0]["url"][0]}]}}
    expected = provider.parse(wrapped, {})
    assert provider.parse(bare, {}) == expected
    assert provider.parse({"data": [bare]}, {}) == expected
    assert provider.parse(older, {}) == expected


ONE, TWO, FOUR = (f"https://upload.apimart.ai/f/image/{number}.png" for number in (1, 2, 4))


@pytest.mark.parametrize(
    "pictures",
    [
        [{"url": [ONE, TWO, None, FOUR]}],
        [{"url": [ONE, TWO]}, {"url": [None, FOUR]}],
        [{"url": [ONE]}, {"url": TWO}, {"url": []}, {"url": [FOUR]}],
        [{"url": ONE}, {"url": TWO}, {"url": None}, {"url": FOUR}],
        [ONE, TWO, None, FOUR],
    ],
)
def test_a_missing_picture_moves_no_other_tile(pictures: list[Any]) -> None:
    for where in ({"result": {"images": pictures}}, {"image_urls": [ONE, TWO, None, FOUR]}):
        (report,) = provider.parse({"id": "t", "status": "completed", **where}, {})
        assert [(image.index, image.url) for image in report.images] == [(1, ONE), (2, TWO), (4, FOUR)]
        assert report.action == "imagine"


@pytest.mark.parametrize(
    "where",
    [
        {"result": {"images": [{"url": [ONE, ONE]}, {"url": [ONE, FOUR]}]}},
        {"image_urls": [ONE, ONE, ONE, FOUR]},
    ],
)
def test_a_repeated_picture_moves_no_other_tile(where: dict[str, Any]) -> None:
    (report,) = provider.parse({"id": "t", "status": "completed", **where}, {})
    assert [(image.index, image.url) for image in report.images] == [(1, ONE), (2, ONE), (3, ONE), (4, FOUR)]
    assert report.action == "imagine"


def test_without_credits_the_cost_is_in_dollars_and_a_failed_task_has_none() -> None:
    task = {name: value for name, value in fixture("task_completed")["data"].items() if name != "credits_cost"}
    (report,) = provider.parse(task, {})
    assert report.cost == Cost(amount=Decimal("0.15"), unit="USD", source="reported")
    (failed,) = provider.parse({**task, "status": "failed"}, {})
    assert failed.cost is None


def test_the_midjourney_view_gives_grid_tiles_and_buttons() -> None:
    (report,) = provider.parse(fixture("view_imagine"), {})
    assert (report.status, report.progress, report.action) == ("completed", 100, "imagine")
    assert report.grid_url == "https://cdn.apimart.ai/mj_xxxx.png"
    assert [image.index for image in report.images] == [1, 2, 3, 4]
    assert report.facts["buttons"] == ["MJ::JOB::upsample::1::abc123def456", "MJ::JOB::variation::1::abc123def456"]
    assert report.prompt == "a beautiful sunset over mountains"


def test_a_failed_task_keeps_the_vendors_code_and_words() -> None:
    (report,) = provider.parse({"id": "t", "status": "failed", "error": fixture("task_error")}, {})
    assert report.status == "failed"
    assert report.error is not None
    assert (report.error.code, report.error.provider_code, report.error.message) == (
        "provider_error",
        "task_failed",
        "…",
    )


def test_a_failure_in_the_view_tells_its_reason_not_its_prompt() -> None:
    body = {"id": "t", "status": "FAILURE", "progress": "", "fail_reason": "Banned prompt detected", "description": "x"}
    (report,) = provider.parse(body, {})
    assert report.error is not None
    assert (report.error.code, report.error.message) == ("moderated", "Banned prompt detected")
    (silent,) = provider.parse({"id": "t", "status": "FAILURE", "description": "/imagine a cat"}, {})
    assert silent.error is not None
    assert "cat" not in silent.error.message


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("NOT_START", "queued"),
        ("SUBMITTED", "queued"),
        ("IN_PROGRESS", "running"),
        ("MODAL", "running"),
        ("SUCCESS", "completed"),
        ("FAILURE", "failed"),
        ("pending", "queued"),
        ("processing", "running"),
        ("completed", "completed"),
        ("failed", "failed"),
        ("cancelled", "canceled"),
        ("submitted", "queued"),
        ("in_progress", "running"),
    ],
)
def test_every_status_word_of_both_vocabularies_is_known(word: str, status: str) -> None:
    (report,) = provider.parse({"id": "t", "status": word, "progress": "46%"}, {})
    assert report.status == status
    assert report.progress == (100 if status == "completed" else 46)
    assert (report.awaits_step, report.facts) == (word == "MODAL", {})


@pytest.mark.parametrize("body", [{"id": "t", "status": "PAUSED"}, {"id": "t"}, {"status": "SUCCESS"}, [], 1, None])
def test_what_is_not_known_is_unmapped(body: Any) -> None:
    with pytest.raises(Unmapped):
        provider.parse(body, {})


def test_describe_keeps_its_text() -> None:
    (report,) = provider.parse({"id": "t", "status": "SUCCESS", "action": "DESCRIBE", "prompt": "1. a\n2. b"}, {})
    assert report.action == "describe"
    assert report.facts["content"] == ["1. a", "2. b"]


@given(JSON)
def test_no_json_value_raises_anything_but_unmapped(value: Any) -> None:
    with contextlib.suppress(Unmapped):
        provider.parse(value, {})


@given(st.text(), st.booleans())
def test_no_header_makes_the_seal_raise(text: str, guarded: bool) -> None:
    secrets = (Secret("s3cret"),) if guarded else ()
    account = Source(name="mart", provider=provider, base_url="", secrets=secrets)
    request = Request(source="mart", headers={"x-webhook-secret": text}, body=b"", received_at=NOW)
    expected = "absent" if not guarded else "valid" if text == "s3cret" else "wrong"
    assert provider.seal(request, account) == expected


# --- orders ----------------------------------------------------------------------------------------------------------

SINGLE = (pick(), grid())


@pytest.mark.parametrize(
    ("wish", "path", "body"),
    [
        (
            order("imagine", {"prompt": "a cat", "version": "7", "aspect_ratio": "16:9", "stylize": 250}),
            "imagine",
            {"prompt": "a cat", "version": "7", "size": "16:9", "stylize": 250},
        ),
        (order("pick", {"index": 2}, grid()), "upscale", {"task_id": "task_1", "index": 2}),
        (order("vary", {"index": 3}, grid()), "variation", {"task_id": "task_1", "index": 3}),
        (
            order("vary", {"index": 3, "strength": "subtle"}, grid()),
            "low-variation",
            {"task_id": "task_1", "index": 3},
        ),
        (order("vary", {"strength": "strong"}, *SINGLE), "high-variation", {"task_id": "task_2", "index": 1}),
        (order("reroll", {}, grid()), "reroll", {"task_id": "task_1"}),
        (order("zoom", {"factor": 1.5}, *SINGLE), "zoom", {"task_id": "task_2", "zoom_ratio": 1.5}),
        (order("pan", {"direction": "up"}, *SINGLE), "pan", {"task_id": "task_2", "direction": "up"}),
        (order("inpaint", {}, *SINGLE), "inpaint", {"task_id": "task_2"}),
        (order("blend", {"image_urls": ["https://x/1", "https://x/2"]}), "blend", None),
        (order("describe", {"image_url": "https://x/1"}), "describe", {"image_urls": ["https://x/1"]}),
        (
            order("edits", {"prompt": "a hat", "image_urls": ["https://x/1"]}),
            "edits",
            {"prompt": "a hat", "image_urls": ["https://x/1"]},
        ),
        (order("remix-subtle", {"index": 4}, grid("8.1")), "remix-subtle", {"task_id": "task_1", "index": 4}),
        (
            order("video", {"index": 1, "motion": "low"}, grid()),
            "video",
            {"task_id": "task_1", "index": 0, "motion": "low"},
        ),
    ],
)
def test_each_action_is_the_documented_request(wish: Order, path: str, body: dict[str, Any] | None) -> None:
    call = provider.order(wish, source, None)
    assert (call.method, call.url) == ("POST", f"{GENERATIONS}/{path}")
    assert call.headers["authorization"] == "Bearer sk-1"
    assert sent(call)[1] == (body if body is not None else wish.params) | {"webhook": HOOK}
    assert provider.prepare(wish, source) is None


WAITING = msgspec.structs.replace(job(3, "inpaint", status="running"), awaits_step=True)
MODAL = order("modal", {"prompt": "a hat", "mask_url": "https://x/m.png"}, WAITING, pick(), grid())


def test_modal_goes_on_with_the_inpaints_own_task_and_webhook() -> None:
    url, body = sent(provider.order(MODAL, source, None))
    assert url == f"{GENERATIONS}/modal"
    assert body == {"task_id": "task_3", "prompt": "a hat", "mask_url": "https://x/m.png"}


def test_modal_is_done_once_taken_and_leaves_the_task_to_the_inpaint() -> None:
    outcome = provider.answered(
        MODAL, answer({"code": 200, "data": [{"status": "submitted", "task_id": "task_3"}]}), NOW
    )
    assert isinstance(outcome, Accepted)
    assert (outcome.report.provider_job_id, outcome.report.status) == (None, "completed")
    done = Parent(action="inpaint", provider="apimart", kept=job(3, "inpaint"))
    assert provider.refusal("modal", {}, done) is not None


def test_without_a_webhook_url_none_is_sent() -> None:
    assert "webhook" not in sent(provider.order(order("reroll", {}, grid(), hook=None), source, None))[1]


def test_hd_upscale_of_a_pick_names_the_grid_and_its_own_button() -> None:
    wish = order("upscale", {"kind": "subtle", "speed": "fast"}, *SINGLE)
    assert provider.prepare(wish, source) is None
    url, body = sent(provider.order(wish, source, None))
    assert url == f"{GENERATIONS}/upscale"
    assert body == {
        "task_id": "task_1",
        "custom_id": "MJ::JOB::upsample_v7_2x_subtle::2::abc123",
        "speed": "fast",
        "webhook": HOOK,
    }


def test_unknown_buttons_are_read_from_the_grid_first() -> None:
    wish = order("upscale", {"kind": "creative"}, pick(1), grid(facts={}))
    call = provider.prepare(wish, source)
    assert call is not None
    assert (call.method, call.url) == ("GET", "https://api.apimart.ai/v1/midjourney/task_1")
    assert call.headers == {"authorization": "Bearer sk-1"}
    body = sent(provider.order(wish, source, answer(fixture("view_imagine"))))[1]
    assert body["custom_id"] == "MJ::JOB::upsample_v7_2x_creative::1::abc123def456"
    assert body["task_id"] == "task_1"


@pytest.mark.parametrize(
    ("version", "kind", "command"),
    [
        ("5", "2x", "upsample_v5_2x"),
        ("5.2", "4x", "upsample_v5_4x"),
        ("5", "v5_2x", "upsample_v5_2x"),
        ("5", "v5_4x", "upsample_v5_4x"),
        ("6", "2x", "upsample_v6_2x_subtle"),
        ("6.1", "creative", "upsample_v6_2x_creative"),
        ("7", "subtle", "upsample_v7_2x_subtle"),
        ("8.1", "creative", "upsample_v7_2x_creative"),
        (None, "2x", "upsample_v7_2x_subtle"),
    ],
)
def test_the_hd_command_follows_the_version(version: str | None, kind: str, command: str) -> None:
    body = sent(provider.order(order("upscale", {"kind": kind}, pick(), grid(version)), source, None))[1]
    assert body["custom_id"] == f"MJ::JOB::{command}::2::abc123"


@pytest.mark.parametrize(
    ("version", "kind"), [("7", "4x"), ("6", "v5_2x"), ("5", "subtle"), ("5", "creative"), ("8.2", "2x"), ("4", "2x")]
)
def test_a_kind_that_the_version_has_not_is_refused_before_anything_is_sent(version: str, kind: str) -> None:
    with pytest.raises(Unsupported, match="nearest"):
        provider.order(order("upscale", {"kind": kind}, pick(), grid(version)), source, None)
    parent = Parent(action="imagine", provider="apimart", kept=grid(version))
    said = provider.refusal("upscale", {"kind": kind, "index": 2}, parent)
    assert said is not None
    assert "nearest" in said


@pytest.mark.parametrize(
    ("params", "command"),
    [
        ({"prompt": "a cat --v 6.1 --ar 1:1"}, "upsample_v6_2x_subtle"),
        ({"prompt": "a cat --version 5"}, "upsample_v5_2x"),
        ({"prompt": "a cat --niji 6"}, "upsample_v6_2x_subtle"),
        ({"prompt": "a cat", "niji": True}, "upsample_v6_2x_subtle"),
        ({"prompt": "a cat --v 5", "version": "v6"}, "upsample_v6_2x_subtle"),
        ({"prompt": "a cat --video 5"}, "upsample_v7_2x_subtle"),
    ],
)
def test_the_version_is_found_in_parameters_and_prompt(params: dict[str, Any], command: str) -> None:
    root = job(1, "imagine", params, facts={"buttons": ["MJ::JOB::upsample::2::h"]})
    body = sent(provider.order(order("upscale", {"kind": "2x"}, pick(), root), source, None))[1]
    assert body["custom_id"] == f"MJ::JOB::{command}::2::h"


def test_a_variation_inherits_the_version_of_its_root_and_lends_its_own_buttons() -> None:
    varied = job(5, "vary", {"index": 1}, facts={"buttons": ["MJ::JOB::upsample::2::own"]})
    body = sent(provider.order(order("upscale", {"kind": "2x"}, pick(), varied, grid("6")), source, None))[1]
    assert body["task_id"] == "task_5"
    assert body["custom_id"] == "MJ::JOB::upsample_v6_2x_subtle::2::own"


def test_the_providers_own_prompt_tells_the_version_when_nothing_else_does() -> None:
    root = job(1, "imagine", {})
    view = {**fixture("view_imagine"), "prompt": "a cat --v 5"}
    body = sent(provider.order(order("upscale", {"kind": "4x"}, pick(1), root), source, answer(view)))[1]
    assert body["custom_id"] == "MJ::JOB::upsample_v5_4x::1::abc123def456"


def test_without_a_u_button_the_hash_of_the_v_button_serves() -> None:
    root = grid("8.1", facts={"buttons": ["MJ::JOB::low_variation::2::xyz"]})
    body = sent(provider.order(order("upscale", {"kind": "subtle"}, pick(), root), source, None))[1]
    assert body["custom_id"] == "MJ::JOB::upsample_v7_2x_subtle::2::xyz"


def test_an_upscale_straight_from_the_grid_takes_its_index() -> None:
    body = sent(provider.order(order("upscale", {"kind": "2x", "index": 2}, grid()), source, None))[1]
    assert body["custom_id"] == "MJ::JOB::upsample_v7_2x_subtle::2::abc123"


def test_a_pick_from_elsewhere_cannot_be_enlarged() -> None:
    wish = order("upscale", {"kind": "2x"}, job(2, "pick", {}))
    assert provider.prepare(wish, source) is None
    with pytest.raises(Unsupported, match="not known here"):
        provider.order(wish, source, None)


def test_a_custom_id_of_ones_own_goes_out_with_the_grids_id() -> None:
    own = {"kind": "2x", "custom_id": "MJ::JOB::upsample_v7_2x_subtle::2::own"}
    wish = order("upscale", own, *SINGLE)
    assert provider.prepare(wish, source) is None
    body = sent(provider.order(wish, source, None))[1]
    assert body == {"task_id": "task_1", "custom_id": own["custom_id"], "webhook": HOOK}


@pytest.mark.parametrize("prepared", [answer({}, 404), answer([], 502), Answer(status=200, body=b"<html>")])
def test_a_grid_that_cannot_be_read_stops_the_order(prepared: Answer) -> None:
    with pytest.raises(Unsupported):
        provider.order(order("upscale", {"kind": "2x"}, pick(), grid(facts={})), source, prepared)


def test_hostile_buttons_are_never_sent_on() -> None:
    root = grid(facts={"buttons": ["MJ::JOB::upsample::2::a\r\nb", "x::2::y", 'MJ::JOB::upsample::2::"}']})
    with pytest.raises(Unsupported, match="no button"):
        provider.order(order("upscale", {"kind": "2x"}, pick(), root), source, None)


def test_a_variation_of_a_grid_needs_its_tile() -> None:
    with pytest.raises(Unsupported, match="index"):
        provider.order(order("vary", {"strength": "subtle"}, grid()), source, None)


# --- what is possible ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "params", "after", "nearest"),
    [
        ("shorten", {}, None, "imagine"),
        ("outpaint", {}, "pick", "zoom"),
        ("zoom", {}, "imagine", "pick a tile first"),
        ("pan", {"direction": "up"}, "vary", "pick a tile first"),
        ("inpaint", {"mask": "x"}, "pick", "modal"),
        ("upscale", {"kind": "2x"}, "imagine", "give index"),
        ("upscale", {"kind": "2x"}, "upscale", "zoom"),
        ("modal", {}, "pick", "inpaint"),
        ("vary", {"strength": "subtle"}, "imagine", "give index"),
        ("reroll", {}, "pick", "zoom"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_nearest_that_can(
    action: str, params: dict[str, Any], after: str | None, nearest: str
) -> None:
    parent = Parent(action=after, provider="apimart") if after else None
    said = provider.refusal(action, params, parent)
    assert said is not None
    assert nearest in said.partition("nearest")[2]


def test_versions_without_zoom_and_remix_are_refused_once_they_are_known() -> None:
    newest = Parent(action="pick", provider="apimart", kept=job(2, "pick", {"index": 1}, prompt="a cat --v 8.1"))
    assert provider.refusal("zoom", {}, newest) is not None
    old = Parent(action="imagine", provider="apimart", kept=grid("7"))
    assert provider.refusal("remix-strong", {"index": 1}, old) is not None
    assert provider.refusal("remix-strong", {"index": 1}, Parent(action="imagine", provider="apimart")) is None


def test_a_job_of_another_vendor_is_refused_and_a_root_needs_no_parent() -> None:
    assert provider.refusal("reroll", {}, Parent(action="imagine", provider="vtrix")) is not None
    assert provider.refusal("reroll", {}, None) is not None
    assert provider.refusal("imagine", {"prompt": "x"}, None) is None


@pytest.mark.parametrize("parent", [grid(), grid("8.1"), pick(), job(4, "upscale", {"kind": "2x"})])
def test_every_next_action_can_be_ordered(parent: KeptJob) -> None:
    shown = KeptJob(number=1, job=with_picture(parent.job), facts=parent.facts)
    actions = provider.next_actions(shown)
    assert actions
    for one in actions:
        said = provider.refusal(
            one.action, one.params, Parent(action=parent.job.action, provider="apimart", kept=shown)
        )
        assert said is None
        tile = (shown, grid()) if parent.job.action != "imagine" else (shown,)
        provider.order(order(one.action, one.params, *tile), source, None)


def with_picture(made: Job) -> Job:
    fields = {name: getattr(made, name) for name in Job.__struct_fields__}
    return Job(**{**fields, "images": (Image(index=1, url="https://x/1.png"),)})


def test_the_price_is_not_known() -> None:
    assert provider.price("imagine", {}) is None


# --- answers ---------------------------------------------------------------------------------------------------------

WISH = order("reroll", {}, grid())


def test_the_documented_answer_is_accepted() -> None:
    outcome = provider.answered(WISH, answer(fixture("submitted")), NOW)
    assert isinstance(outcome, Accepted)
    assert outcome.report.provider_job_id == "task_01KV52C0TEJSYZMCG0NCS4YWKK"
    assert outcome.report.status == "queued"


def test_an_instant_result_is_accepted_and_completed() -> None:
    outcome = provider.answered(WISH, answer({"code": 200, "data": [fixture("view_imagine")]}), NOW)
    assert isinstance(outcome, Accepted)
    assert outcome.report.status == "completed"


def test_an_inpaint_that_waits_for_its_mask_is_running_and_says_so() -> None:
    outcome = provider.answered(order("inpaint", {}, *SINGLE), answer(fixture("inpaint_submitted")), NOW)
    assert isinstance(outcome, Accepted)
    kept = fold(job(9, "inpaint", status="submitting", provider_job_id=None), outcome.report, "t")
    assert (kept.job.status, kept.awaits_step) == ("running", True)


def test_repeat_reports_the_first_task_and_keeps_the_others() -> None:
    body = {"code": 200, "data": [{"status": "submitted", "task_id": f"task_{n}"} for n in (1, 2, 3)]}
    outcome = provider.answered(WISH, answer(body), NOW)
    assert isinstance(outcome, Accepted)
    assert outcome.report.provider_job_id == "task_1"
    assert outcome.report.sibling_ids == ("task_2", "task_3")


@pytest.mark.parametrize(
    ("status", "code", "message", "expected"),
    [
        (400, 400, "prompt is required", "invalid_params"),
        (400, 4, "task_id is required for reroll", "invalid_params"),
        (404, 3, "task x not found", "invalid_params"),
        (401, 401, "no", "auth"),
        (402, 402, "no", "insufficient_credits"),
        (403, 403, "no", "auth"),
        (400, 24, "no", "moderated"),
        (400, 400, "This action requires an upscaled task, run upscale first", "unsupported"),
        (502, 9, "service rejected", "provider_error"),
        (200, 24, "no", "moderated"),
        (200, 400, "no", "invalid_params"),
        (200, 402, "no", "insufficient_credits"),
    ],
)
def test_documented_refusals_are_refused(status: int, code: int, message: str, expected: str) -> None:
    body = {"error": {"code": code, "message": message, "type": "x"}}
    outcome = provider.answered(WISH, answer(body, status), NOW)
    assert isinstance(outcome, Refused)
    assert (outcome.error.code, outcome.error.provider_code, outcome.error.message) == (expected, str(code), message)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (502, {"error": {"code": 502, "message": "…", "type": "bad_gateway"}}),
        (500, {"error": {"code": 9, "message": "…"}}),
        (502, {"code": 9, "data": [{"task_id": "t"}]}),
        (503, {"error": {"code": 429, "message": "…"}}),
        (200, {"code": 200, "data": []}),
        (200, {"code": 400, "id": "req-1", "error": {"message": "…"}}),
        (200, {"code": 200, "data": [{"status": "submitted"}]}),
    ],
)
def test_what_proves_nothing_is_unclear(status: int, body: Any) -> None:
    assert isinstance(provider.answered(WISH, answer(body, status), NOW), Unclear)


def test_too_many_is_not_accepted() -> None:
    assert isinstance(provider.answered(WISH, answer({}, 429), NOW), NotAccepted)
    body = {"error": {"code": 429, "message": "…", "type": "rate_limit_error"}}
    assert isinstance(provider.answered(WISH, answer(body), NOW), NotAccepted)


@given(JSON, st.sampled_from([200, 202, 302, 400, 404, 429, 500, 502]))
def test_no_answer_raises(value: Any, status: int) -> None:
    body = json.dumps(value).encode()
    assert provider.answered(WISH, Answer(status=status, body=body), NOW) is not None
    with contextlib.suppress(Unmapped):
        provider.read(Answer(status=status, body=body), [grid()])


# --- status ----------------------------------------------------------------------------------------------------------


def test_a_task_is_asked_for_by_its_id() -> None:
    call = provider.query([grid()], source)
    assert (call.method, call.url) == ("GET", "https://api.apimart.ai/v1/tasks/task_1")
    odd = provider.query([grid(provider_job_id="../a b?")], source)
    assert odd.url == "https://api.apimart.ai/v1/tasks/..%2Fa%20b%3F"


def test_what_only_the_midjourney_view_shows_is_asked_there() -> None:
    assert provider.query([job(3, "inpaint")], source).url == "https://api.apimart.ai/v1/midjourney/task_3"


def test_a_status_answer_is_read_and_a_lost_task_is_left_out() -> None:
    (report,) = provider.read(answer(fixture("task_completed")), [grid()])
    assert report.status == "completed"
    assert provider.read(answer({}, 404), [grid()]) == []
    assert provider.read(answer({"code": 404, "message": "task not found"}), [grid()]) == []
    with pytest.raises(Unmapped):
        provider.read(answer(fixture("error"), 403), [grid()])
