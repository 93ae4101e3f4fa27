"""What is asked of midjourney-proxy, and what its codes mean at each flavour."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from providers.midjourney_proxy.parts import (
    BASE,
    HOOK,
    NOW,
    account,
    answer,
    answered,
    fixture,
    grid,
    job,
    order,
    pick,
    sent,
)
from receiver.contracts import Answer
from receiver.errors import Unmapped, Unsupported
from receiver.model.deliveries import Accepted, NotAccepted, Refused, Unclear
from receiver.model.jobs import Image, Report

IMAGINE = order("imagine", {"prompt": "a cat"})
U2 = order("pick", {"index": 2}, grid())


# --- codes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("flavour", ["novicezk", "trueai"])
def test_taken_and_queued_name_the_task(flavour: str) -> None:
    source = account(flavour)  # type: ignore[arg-type]
    for name, task in (("submitted", "8498455807619990"), ("queued", "0741798445574458")):
        report = Report(provider_job_id=task, status="queued")
        assert answered(source, IMAGINE, fixture(name)) == Accepted(report=report, status=200)


def test_21_is_a_tile_that_was_picked_before_at_novicezk() -> None:
    outcome = answered(account("novicezk"), U2, fixture("exists"))
    assert isinstance(outcome, Accepted)
    assert (outcome.report.status, outcome.report.awaits_step) == ("completed", False)
    assert outcome.report.images == (Image(index=1, url="https://cdn.vendor.example/u2.png"),)
    assert outcome.report.provider_job_id is None


@pytest.mark.parametrize(
    ("properties", "status", "task"),
    [
        ({"status": "IN_PROGRESS"}, "running", "0741798445574458"),
        ({"status": "SUBMITTED"}, "queued", "0741798445574458"),
        ({}, "queued", "0741798445574458"),
        ({"status": "FAILURE"}, "failed", None),
    ],
)
def test_21_tells_at_novicezk_how_far_the_earlier_pick_is(
    properties: dict[str, str], status: str, task: str | None
) -> None:
    outcome = answered(account("novicezk"), U2, fixture("exists") | {"properties": properties})
    assert isinstance(outcome, Accepted)
    assert (outcome.report.status, outcome.report.provider_job_id) == (status, task)


def test_21_waits_for_a_modal_at_trueai() -> None:
    planned = order("inpaint", {}, pick())
    outcome = answered(account(), planned, fixture("modal_submitted"))
    report = Report(provider_job_id="1729072764329011", status="running", awaits_step=True)
    assert outcome == Accepted(report=report, status=200)


def test_a_modal_is_done_once_taken_and_its_parent_goes_on() -> None:
    planned = order("modal", {"prompt": "a hat"}, job(3, "inpaint", status="running", awaits_step=True))
    outcome = answered(account(), planned, {"code": 1, "result": "172903"})
    assert outcome == Accepted(report=Report(provider_job_id=None, status="completed", progress=100), status=200)


def test_a_full_queue_takes_it_later_and_a_refusal_says_why() -> None:
    for full in ({"code": 23, "description": "队列已满"}, {"code": 9, "description": "提交失败: 队列已满"}):
        assert isinstance(answered(account(), IMAGINE, full), NotAccepted), full
    codes = {
        "24": "moderated",
        "4": "invalid_params",
        "3": "invalid_params",
        "9": "provider_error",
        "-1": "provider_error",
    }
    for code, wanted in codes.items():
        outcome = answered(account(), IMAGINE, {"code": int(code), "description": "说不清", "result": "17291"})
        assert isinstance(outcome, Refused), code
        assert (outcome.error.code, outcome.error.provider_code, outcome.error.message) == (wanted, code, "说不清")
        assert outcome.error.retryable == (code == "9")


def test_words_beside_a_code_tell_more_than_the_code() -> None:
    outcome = answered(account("novicezk"), IMAGINE, {"code": 3, "description": "无可用的账号实例"})
    assert isinstance(outcome, Refused)
    assert (outcome.error.code, outcome.error.retryable) == ("provider_error", True)


def test_a_refusal_by_status_is_one_and_an_error_of_the_server_says_nothing() -> None:
    for status, code in ((401, "auth"), (403, "auth"), (404, "invalid_params")):
        outcome = account().provider.answered(IMAGINE, Answer(status=status, body="未登录".encode()), NOW)
        assert isinstance(outcome, Refused)
        assert outcome.error.code == code
    for number in (4, 9, 23, 1):
        told = {"code": number, "description": "upstream_error", "type": "upstream_error"}
        assert isinstance(answered(account(), IMAGINE, told, 500), Unclear), number
    unknown: tuple[Any, ...] = ({"code": 7, "result": "1"}, {"code": 1}, {"result": "1"}, [])
    for value in unknown:
        assert isinstance(answered(account(), IMAGINE, value), Unclear), value


# --- questions -------------------------------------------------------------------------------------------------------


def test_one_job_is_fetched_and_several_are_listed() -> None:
    source = account()
    one = source.provider.query([job(1, "imagine")], source)
    assert (one.method, one.url) == ("GET", f"{BASE}/mj/task/172901/fetch")
    many = source.provider.query([job(1, "imagine"), job(2, "pick")], source)
    assert (many.method, many.url) == ("POST", f"{BASE}/mj/task/list-by-condition")
    assert json.loads(many.body or b"") == {"ids": ["172901", "172902"]}
    assert {one.headers["mj-api-secret"], many.headers["mj-api-secret"]} == {"the-key"}
    assert "authorization" not in one.headers


def test_the_address_may_be_the_one_that_the_program_shows() -> None:
    for base in (f"{BASE}/mj", BASE):
        source = msgspec.structs.replace(account(), base_url=base)
        assert source.provider.order(IMAGINE, source, None).url == f"{BASE}/mj/submit/imagine"
    relay = msgspec.structs.replace(account(), base_url="https://relay.example/mj-fast/mj")
    assert relay.provider.query([job(1, "imagine")], relay).url.startswith("https://relay.example/mj-fast/mj/task/")


def test_an_unknown_task_is_left_out_in_every_way_it_is_said() -> None:
    read = account().provider.read
    unknown = (
        Answer(status=204, body=b""),
        Answer(status=200, body=b""),
        Answer(status=200, body=b"null"),
        answer([]),
        answer({"code": 3, "description": "关联任务不存在或已失效"}, 404),
        answer({"code": 4, "description": "task_no_found ", "type": "upstream_error"}, 400),
    )
    assert all(read(one, [job(1, "imagine")]) == [] for one in unknown)
    for wrong in (Answer(status=404, body=b"<html>"), answer({"error": "x"}, 401), answer(fixture("submitted"))):
        with pytest.raises(Unmapped):
            read(wrong, [job(1, "imagine")])


def test_listed_tasks_are_read_one_by_one() -> None:
    listed = [fixture("assembled_trueai_grid"), {"id": "x", "status": "?"}, fixture("trueai_modal")]
    reports = account().provider.read(answer(listed), [])
    assert [report.status for report in reports] == ["completed", "running"]


def test_trueai_alone_can_be_told_to_stop() -> None:
    source = account()
    running = job(1, "imagine", status="running")
    call = source.provider.cancel(running, source)
    assert call is not None
    assert (call.method, call.url) == ("POST", f"{BASE}/mj/task/172901/cancel")
    assert account("novicezk").provider.cancel(running, account("novicezk")) is None


# --- buttons ---------------------------------------------------------------------------------------------------------


def test_buttons_that_are_not_known_are_read_first_and_one_that_is_not_there_is_not_pressed() -> None:
    source = account()
    planned = order("upscale", {"kind": "subtle"}, job(2, "pick", {"index": 2}))
    first = source.provider.prepare(planned, source)
    assert first is not None
    assert (first.method, first.url) == ("GET", f"{BASE}/mj/task/172902/fetch")
    route, body = sent(source, planned, answer(fixture("assembled_trueai_pick")))
    assert route == "/mj/submit/action"
    assert body["customId"].startswith("MJ::JOB::upsample_v6_2x_subtle::1::")
    for nothing in (None, answer(fixture("assembled_trueai_grid")), answer({}, 500), Answer(status=200, body=b"")):
        with pytest.raises(Unsupported):
            source.provider.order(planned, source, nothing)


def test_nothing_is_read_first_where_no_button_is_needed_or_its_id_is_known() -> None:
    source = account()
    given = order("upscale", {"kind": "2x", "custom_id": "MJ::JOB::upsample_v9::1::h"}, job(2, "pick"))
    for planned in (IMAGINE, U2, order("zoom", {"factor": 2.0}, pick()), given):
        assert source.provider.prepare(planned, source) is None
    assert sent(source, given)[1]["customId"] == "MJ::JOB::upsample_v9::1::h"
    old = account("novicezk")
    assert old.provider.prepare(U2, old) is None


def test_the_webhook_and_the_state_go_out() -> None:
    _, body = sent(account(), U2)
    assert (body["notifyHook"], body["state"]) == (HOOK, "job_9")
    assert sent(account(), order("imagine", {"prompt": "a", "state": "mine"}))[1]["state"] == "mine"
