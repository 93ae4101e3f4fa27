"""Apiframe v2's dialect against the documented payloads (seed 004, the vendor's pages and OpenAPI document)."""

from __future__ import annotations

import hashlib
import hmac
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

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
    Seal,
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
from receiver.model.folding import fold
from receiver.model.jobs import (
    Cost,
    Image,
    Job,
    KeptJob,
)
from receiver.providers.apiframe import Apiframe

FIXTURES = Path(__file__).parent.parent / "fixtures" / "apiframe"
JOB = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"
HOOK = "https://hooks.example.com/in/frame/ref1"
BODY = (FIXTURES / "webhook_completed.json").read_bytes()
KEY, OLD = "afk_your_api_key_here", "afk_old"
NOW = 1_795_255_200_000

provider: Provider = Apiframe(NoOptions())


def account(**more: Any) -> Source:
    keys = {"api_key": Secret(KEY), "old_api_keys": (Secret(OLD),), **more}
    return Source(name="frame", provider=provider, base_url=provider.base_url, **keys)


source = account()


def fixture(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text())


def job(action: str, params: Params | None = None, **more: Any) -> KeptJob:
    fields = {"status": "completed", "provider_job_id": JOB, "provider": "apiframe", **more}
    made = Job(id="job_7", source="frame", action=action, params=params or {}, root_id="job_1", created_at="", **fields)
    return KeptJob(number=7, job=made, intent="i")


def order(action: str, params: Params | None = None, parent: KeptJob | None = None, hook: str | None = None) -> Order:
    planned = job(action, params, status="planned", provider_job_id=None)
    return Order(kept=planned, ancestors=(parent,) if parent else (), webhook_url=hook)


def built(told: Order) -> tuple[Call, Any]:
    call = provider.order(told, source, None)
    return call, json.loads(call.body or b"")


def mac(key: bytes, body: bytes = BODY) -> str:
    return hmac.new(key, body, hashlib.sha256).hexdigest()


def raw_key(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def hex_key(key: str) -> bytes:
    return hashlib.sha256(key.encode()).hexdigest().encode()


def seal(headers: dict[str, str], at: Source = source, body: bytes = BODY) -> Seal:
    return provider.seal(Request(source="frame", headers=headers, body=body, received_at=NOW), at)


# --- in ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["sha256=", ""])
@pytest.mark.parametrize("key", [raw_key(KEY), hex_key(KEY), raw_key(OLD), hex_key(OLD)])
def test_both_readings_of_the_signing_key_count_for_every_api_key(key: bytes, prefix: str) -> None:
    assert seal({"x-webhook-signature": prefix + mac(key)}) == "valid"
    assert seal({"x-webhook-signature": prefix + mac(key)}, body=BODY + b" ") == "wrong"


def test_an_unsigned_request_is_absent_and_not_wrong() -> None:
    assert seal({}) == "absent"
    assert seal({"x-webhook-event": "completed"}) == "absent"


@pytest.mark.parametrize(
    "given",
    [
        "",
        "sha256=",
        "sha256",
        "zz" * 32,
        "00" * 32,
        mac(raw_key("other")),
        mac(KEY.encode()),
        mac(b""),
        mac(raw_key(KEY))[:-2],
        f"{mac(raw_key(KEY))}, {mac(raw_key('other'))}",
        "é" * 64,
        "\ud800",
    ],
)
def test_a_signature_that_does_not_verify_is_wrong(given: str) -> None:
    assert seal({"x-webhook-signature": given}) == "wrong"


def test_without_an_api_key_no_signature_can_be_valid() -> None:
    bare = account(api_key=None, old_api_keys=())
    assert seal({"x-webhook-signature": mac(b"")}, bare) == "wrong"
    assert seal({"x-webhook-signature": mac(raw_key(""))}, account(api_key=Secret(""), old_api_keys=())) == "wrong"


def test_with_secrets_the_echoed_secret_counts_and_a_wrong_signature_still_damns() -> None:
    secured = account(secrets=(Secret("s1"), Secret("s2")))
    good = mac(raw_key(KEY))
    assert seal({"x-webhook-secret": "s2"}, secured) == "valid"
    assert seal({"x-webhook-secret": "s2", "x-webhook-signature": good}, secured) == "valid"
    assert seal({"x-webhook-secret": "s2", "x-webhook-signature": "00"}, secured) == "wrong"
    assert seal({"x-webhook-secret": "s3", "x-webhook-signature": good}, secured) == "wrong"
    assert seal({"x-webhook-signature": good}, secured) == "absent"


@given(st.text(st.characters(codec=None)), st.binary(max_size=30))
def test_no_signature_text_makes_it_raise(given: str, body: bytes) -> None:
    assert seal({"x-webhook-signature": given}, body=body) == "wrong"


def test_the_documented_completed_webhook_is_read() -> None:
    [report] = provider.parse(fixture("webhook_completed"), {})
    assert (report.provider_job_id, report.status, report.progress) == (JOB, "completed", 100)
    assert report.images == (Image(index=1, url="https://cdn.apiframe.ai/results/a1b2c3d4.png"),)
    assert report.cost == Cost(amount=Decimal(10), unit="credits", source="reported")
    assert report.action is None, "a text may be a grid or a single picture"


def test_the_documented_failed_webhook_is_moderated_and_refunded() -> None:
    [report] = provider.parse(fixture("webhook_failed"), {})
    assert report.status == "failed"
    assert report.error is not None
    assert report.error.code == "moderated"
    assert report.cost is not None
    assert report.cost.amount == 0


def test_the_documented_progress_webhook_is_45_and_settles_no_cost() -> None:
    [report] = provider.parse(fixture("webhook_progress") | {"creditCost": 16}, {})
    assert (report.status, report.progress, report.cost) == ("running", 45, None)


def test_a_refund_settles_what_was_reserved() -> None:
    reserved = job("imagine", status="running", cost=Cost(amount=Decimal(16), unit="credits", source="table"))
    for value in (fixture("webhook_progress") | {"creditCost": 16}, fixture("webhook_failed") | {"creditCost": 0}):
        reserved = fold(reserved, provider.parse(value, {})[0], "2026-11-21T10:00:00.000Z")
    assert reserved.job.cost is not None
    assert reserved.job.cost.amount == 0


def test_the_documented_job_is_a_grid_of_four() -> None:
    [report] = provider.parse(fixture("job"), {})
    assert (report.provider_job_id, report.status, report.action) == (JOB, "completed", "imagine")
    assert report.grid_url == f"https://cdn2.apiframe.ai/images/{JOB}-grid.png"
    assert [image.index for image in report.images] == [1, 2, 3, 4]
    assert report.images[2].url.endswith("-3.png")


def test_the_documented_upsample_result_is_a_pick() -> None:
    value = fixture("webhook_completed") | {"result": fixture("result_upsample")}
    [report] = provider.parse(value, {})
    assert (report.action, report.grid_url, len(report.images)) == ("pick", None, 1)


def test_a_list_of_pictures_is_a_grid_too() -> None:
    urls = [f"https://x.example/{index}.png" for index in (1, 2, 3, 4)]
    [report] = provider.parse(fixture("webhook_completed") | {"result": urls}, {})
    assert [image.url for image in report.images] == urls
    assert report.action == "imagine"


def test_another_model_is_no_midjourney_action() -> None:
    [report] = provider.parse(fixture("job") | {"model": "flux-1.1-pro"}, {})
    assert report.action is None
    assert len(report.images) == 4


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ({"event": "completed"}, "completed"),
        ({"event": "progress"}, "running"),
        ({"status": "QUEUED"}, "queued"),
        ({"status": "CANCELLED"}, "canceled"),
        ({"event": "progress", "status": "COMPLETED"}, "completed"),
        ({"status": "succeeded"}, "completed"),
        ({"status": "in-progress"}, "running"),
        ({"status": "error"}, "failed"),
        ({"event": "later-invented", "status": "PROCESSING"}, "running"),
    ],
)
def test_status_counts_and_event_where_there_is_none(value: dict[str, Any], status: str) -> None:
    [report] = provider.parse({"jobId": JOB, **value}, {})
    assert report.status == status


@pytest.mark.parametrize(
    "value",
    [
        [],
        None,
        {},
        {"jobId": JOB},
        {"jobId": JOB, "status": "PAUSED", "event": "completed"},
        {"jobId": JOB, "event": "paused"},
        {"status": "COMPLETED"},
        {"jobId": {}, "status": "COMPLETED"},
    ],
)
def test_what_is_no_known_job_is_unmapped(value: Any) -> None:
    with pytest.raises(Unmapped):
        provider.parse(value, {"x-webhook-event": "completed"})


def test_an_expired_job_stays_completed_and_says_so() -> None:
    [report] = provider.parse(fixture("job") | {"expired": True}, {})
    assert report.status == "completed"
    assert report.facts == {"expired": True}


# --- out --------------------------------------------------------------------------------------------------------------

ACTION = "https://api.apiframe.ai/v2/images/midjourney/action"
PICK, IMAGINE = job("pick"), job("imagine")


def test_a_pick_is_the_documented_request() -> None:
    call, body = built(order("pick", {"index": 2}, IMAGINE))
    assert (call.method, call.url) == ("POST", ACTION)
    assert body == fixture("order_upsample")
    assert call.headers == {"x-api-key": KEY, "content-type": "application/json", "idempotency-key": "job_7"}


def test_a_webhook_is_asked_for_with_all_its_events() -> None:
    _, body = built(order("pick", {"index": 2}, IMAGINE, HOOK))
    assert body == fixture("order_upsample") | {
        "webhookUrl": HOOK,
        "webhookEvents": ["progress", "completed", "failed"],
    }


def test_a_zoom_of_two_is_written_as_the_schema_writes_it() -> None:
    call, _ = built(order("zoom", {"factor": 2.0}, PICK))
    assert b'"zoomRatio":2}' in (call.body or b"")


def test_sending_again_is_the_same_call() -> None:
    told = order("imagine", {"prompt": "a cat"}, hook=HOOK)
    assert provider.order(told, source, None) == provider.order(told, source, None)
    assert provider.idempotent


@pytest.mark.parametrize(
    ("params", "wanted"),
    [
        ({"prompt": "a cat"}, {"prompt": "a cat"}),
        ({"prompt": "a", "aspect_ratio": "16:9"}, {"prompt": "a", "midjourneyParams": {"aspect_ratio": "16:9"}}),
        ({"prompt": "a", "version": "8.1"}, {"prompt": "a --v 8.1"}),
        ({"prompt": "a", "version": "niji 6"}, {"prompt": "a --niji 6"}),
        ({"prompt": "a --v 6", "version": "7"}, {"prompt": "a --v 6"}),
    ],
)
def test_a_generation_has_the_fields_of_the_schema_and_no_others(params: Params, wanted: dict[str, Any]) -> None:
    call, body = built(order("imagine", params))
    assert call.url == "https://api.apiframe.ai/v2/images/generate"
    assert body == {"model": "midjourney", **wanted}


@pytest.mark.parametrize(
    ("action", "params", "parent", "wanted"),
    [
        ("vary", {"index": 3}, IMAGINE, {"action": "variation", "index": 3}),
        ("inpaint", {"mask": "AAAA", "prompt": "x"}, PICK, {"action": "inpaint", "mask": "AAAA", "prompt": "x"}),
        ("inpaint", {"mask": "AAAA"}, PICK, {"action": "inpaint", "mask": "AAAA"}),
        ("outpaint", {"factor": 1.5}, PICK, {"action": "outpaint", "zoomRatio": 1.5}),
        ("zoom", {"factor": 2.0}, PICK, {"action": "outpaint", "zoomRatio": 2}),
        ("pan", {"direction": "left"}, PICK, {"action": "pan", "direction": "left"}),
        ("pick", {"index": 4}, job("pan"), {"action": "upsample", "index": 4}),
    ],
)
def test_every_follow_up_is_its_own_request(
    action: str, params: Params, parent: KeptJob, wanted: dict[str, Any]
) -> None:
    call, body = built(order(action, params, parent))
    assert call.url == ACTION
    assert body == {"parentJobId": JOB, **wanted}


@pytest.mark.parametrize(
    ("action", "params", "after", "nearest"),
    [
        ("upscale", {"kind": "2x"}, "pick", "pick, or upscale at a JourneyAPI source (source = ...)"),
        ("reroll", {}, "imagine", "vary with index"),
        ("describe", {}, None, "imagine"),
        ("vary", {"strength": "strong"}, "pick", "vary with index 1-4"),
        ("vary", {"index": 1}, "pick", "inpaint, outpaint, pan, zoom"),
        ("pick", {"index": 1}, "pick", "inpaint, outpaint, pan, zoom"),
        ("pan", {"direction": "up"}, "imagine", "pick a tile first"),
        ("inpaint", {"mask": "A"}, "vary", "pick a tile first"),
        ("pan", {"direction": "up"}, "pan", "pick a tile first"),
        ("inpaint", {}, "pick", "a base64 PNG"),
        ("outpaint", {"factor": 1.7}, "pick", "factor 1.5 or 2"),
        ("outpaint", {}, "pick", "factor 1.5 or 2"),
        ("pick", {"index": 1, "speed": "fast"}, "imagine", "index"),
        ("imagine", {"prompt": "a", "stylize": 100}, None, "aspect_ratio"),
        ("imagine", {"prompt": "a", "model": "flux"}, None, "model midjourney"),
        ("imagine", {"prompt": "a", "aspect_ratio": "wide"}, None, "16:9"),
        ("imagine", {"prompt": "a" * 2001}, None, "2000"),
        ("imagine", {"prompt": "a" * 1997, "version": "7"}, None, "2000"),
    ],
)
def test_what_the_vendor_would_refuse_is_refused_with_the_nearest(
    action: str, params: Params, after: str | None, nearest: str
) -> None:
    parent = None if after is None else Parent(action=after, provider="apiframe")
    reason = provider.refusal(action, params, parent)
    assert reason is not None
    assert nearest in reason
    with pytest.raises(Unsupported):
        provider.order(order(action, params, None if after is None else job(after)), source, None)


def test_another_vendors_job_is_no_parent() -> None:
    reason = provider.refusal("pick", {"index": 1}, Parent(action="imagine", provider="vtrix"))
    assert reason is not None
    assert "vtrix" in reason
    assert provider.refusal("pick", {"index": 1}, None) == "pick needs a parent job"
    assert provider.refusal("pick", {"index": 1}, Parent(action=None, provider=None)) is None


def test_a_parent_whose_id_is_not_known_sends_nothing() -> None:
    with pytest.raises(Unsupported, match="parent"):
        provider.order(order("pick", {"index": 1}, job("imagine", provider_job_id=None)), source, None)


# --- answers ----------------------------------------------------------------------------------------------------------


def answer(status: int, value: Any, headers: dict[str, str] | None = None) -> Answer:
    return Answer(status=status, headers=headers or {}, body=json.dumps(value).encode())


@pytest.mark.parametrize(
    ("word", "status"),
    [("QUEUED", "queued"), ("PROCESSING", "running"), ("COMPLETED", "running"), ("FAILED", "running"), ("X", "queued")],
)
def test_an_accepted_order_never_ends_the_job_because_it_brings_no_result(word: str, status: str) -> None:
    told = provider.answered(order("imagine"), answer(202, {"jobId": JOB, "status": word}), NOW)
    assert isinstance(told, Accepted)
    assert (told.report.provider_job_id, told.report.status) == (JOB, status)


@pytest.mark.parametrize(
    ("status", "body", "code", "words"),
    [
        (400, {"error": "Invalid request", "details": {"index": ["must be 1-4"]}}, "invalid_params", "index: must be"),
        (401, {"error": "Invalid API key"}, "auth", "Invalid API key"),
        (
            402,
            {"error": "Insufficient credits", "creditsRequired": 16, "creditsAvailable": 3},
            "insufficient_credits",
            "16 needed, 3 left",
        ),
        (403, {"error": "key inactive"}, "auth", "inactive"),
        (404, {"error": "Job not found"}, "invalid_params", "not found"),
        (409, {"error": "requested action is not available for the parent job"}, "unsupported", "not available"),
        (409, {"error": "the parent timed out of follow-ups"}, "unsupported", "parent"),
    ],
)
def test_the_documented_refusals_are_permanent(status: int, body: Any, code: str, words: str) -> None:
    told = provider.answered(order("imagine"), answer(status, body), NOW)
    assert isinstance(told, Refused)
    assert (told.error.code, told.error.retryable, told.error.provider_code) == (code, False, str(status))
    assert words in told.error.message


def test_a_conflict_about_the_key_itself_tells_of_an_earlier_order() -> None:
    told = provider.answered(order("imagine"), answer(409, {"error": "Idempotency key reused"}), NOW)
    assert isinstance(told, Unclear)


def test_429_waits_as_long_as_it_says_and_503_is_unclear() -> None:
    limited = provider.answered(order("imagine"), answer(429, {"error": "slow"}, {"retry-after": "3"}), NOW)
    assert isinstance(limited, NotAccepted)
    assert limited.after == 3.0
    assert isinstance(provider.answered(order("imagine"), answer(503, {"error": "later"}), NOW), Unclear)


def test_a_query_asks_for_one_job_by_its_id() -> None:
    call = provider.query([job("imagine", provider_job_id="a/../b?c")], source)
    assert (call.method, call.url) == ("GET", "https://api.apiframe.ai/v2/jobs/a%2F..%2Fb%3Fc")
    assert call.headers == {"x-api-key": KEY}
    assert provider.query_batch == 1


def test_a_query_answer_is_the_job_and_404_is_nobody() -> None:
    [report] = provider.read(answer(200, fixture("job")), [IMAGINE])
    assert report.status == "completed"
    assert provider.read(answer(404, {"error": "not found"}), [IMAGINE]) == []
    with pytest.raises(Unmapped, match="HTTP 401"):
        provider.read(answer(401, {}), [IMAGINE])


def test_every_offered_next_action_is_allowed() -> None:
    grid = provider.next_actions(IMAGINE)
    assert [(one.action, one.params["index"]) for one in grid] == [
        (action, index) for action in ("pick", "vary") for index in (1, 2, 3, 4)
    ]
    assert {one.action for one in provider.next_actions(PICK)} == {"inpaint", "outpaint", "pan"}
    assert not provider.next_actions(job("imagine", status="failed"))


@pytest.mark.parametrize(("action", "amount"), [("imagine", 16), ("pick", 4), ("vary", 16), ("zoom", 16)])
def test_the_documented_prices_are_known(action: str, amount: int) -> None:
    assert provider.price(action, {}) == Cost(amount=Decimal(amount), unit="credits", source="table")
    assert provider.price("upscale", {}) is None
