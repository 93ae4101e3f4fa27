"""A vendor described in TOML alone: the documented shapes of the lesser vendors, and what an operator may write."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.config import load
from receiver.contracts import (
    Answer,
    Order,
    Request,
    Seal,
    Source,
)
from receiver.errors import (
    ConfigError,
    OptionError,
    Unmapped,
    Unsupported,
    Unverified,
)
from receiver.flows.intake import verify, verify_head
from receiver.lib.signatures import Secret
from receiver.model.deliveries import Unclear
from receiver.model.folding import numbered_item
from receiver.model.jobs import (
    Job,
    KeptJob,
    Report,
)
from receiver.providers import PROVIDERS
from receiver.providers.generic import Generic
from receiver.providers.generic.options import Options

FIXTURES = Path(__file__).parent.parent / "fixtures" / "generic"
NOW = 1_795_255_200_000
URL = "https://x.example/1.png"


def fixture(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text())


def described(toml: str = "") -> Generic:
    return Generic(msgspec.convert(tomllib.loads(toml), Options))


def read(value: Any, toml: str = "") -> Report:
    [report] = described(toml).parse(value, {})
    return report


def seal(toml: str, headers: dict[str, str], *secrets: str, body: bytes = b"{}") -> Seal:
    provider = described(toml)
    source = Source(name="other", provider=provider, base_url="", secrets=tuple(Secret(text) for text in secrets))
    return provider.seal(Request(source="other", headers=headers, body=body, received_at=NOW), source)


# --- the documented shapes, with nothing configured -------------------------------------------------------------------


def test_apiframe_v1_ends_without_a_status() -> None:
    report = read(fixture("apiframe_v1_final"))
    assert report.provider_job_id == "29e983ca-7e86-4017-a9e3-ef6fe9cd5f2a"
    assert (report.status, report.progress, report.action) == ("completed", 100, "imagine")
    assert report.grid_url == "https://.../xxxxxxxx.png"
    assert [image.index for image in report.images] == [1, 2, 3, 4]


def test_apiframe_v1_reports_progress() -> None:
    report = read(fixture("apiframe_v1_processing"))
    assert (report.status, report.progress) == ("running", 40)


def test_ttapi_is_read() -> None:
    report = read(fixture("ttapi_fetch"))
    assert report.provider_job_id == "c679a92e-dae0-462d-b70f-dcfeaf2189fa"
    assert (report.status, report.action, report.prompt) == ("completed", "imagine", "a cat")
    assert len(report.images) == 4
    assert report.grid_url is not None


def test_legnext_is_read() -> None:
    report = read(fixture("legnext_job"))
    assert report.provider_job_id == "a616de55-6130-4e1f-b8cd-531ed0599353"
    assert (report.status, report.action) == ("completed", "imagine")
    assert report.grid_url == "https://cdn.legnext.ai/temp/1760408558306.png"
    assert len(report.images) == 4


def test_midjourney_proxy_is_read_and_its_one_picture_is_the_grid() -> None:
    report = read(fixture("midjourney_proxy"))
    assert report.provider_job_id == "14001929738841620"
    assert (report.status, report.action, report.prompt) == ("completed", "imagine", "猫猫")
    assert report.grid_url == "https://cdn.discordapp.com/attachments/xxx/xxx/xxxx.png"
    assert report.images == ()


def test_midjourney_proxys_upscale_has_its_picture_as_a_tile() -> None:
    report = read(fixture("midjourney_proxy") | {"action": "UPSCALE"})
    assert (report.action, report.grid_url) == ("pick", None)
    assert [image.index for image in report.images] == [1]


def test_midjourney_proxy_tells_why_it_failed_and_shows_no_unfinished_picture() -> None:
    failed = fixture("midjourney_proxy") | {"status": "FAILURE", "progress": "", "failReason": "Banned prompt"}
    report = read(failed)
    assert (report.status, report.progress, report.images) == ("failed", None, ())
    assert report.error is not None
    assert report.error.code == "moderated"
    running = read(fixture("midjourney_proxy") | {"status": "IN_PROGRESS", "progress": "46%"})
    assert (running.status, running.progress, running.grid_url) == ("running", 46, None)


def test_piapi_is_read_inside_its_envelope() -> None:
    report = read(fixture("assembled_piapi_completed"))
    assert (report.provider_job_id, report.status) == ("58cb41b7-556d-46c0-b82e-1e116aa1a31a", "completed")
    assert (report.action, len(report.images), report.error) == ("imagine", 4, None)
    with pytest.raises(Unmapped, match=r"paths\.id"):
        read(fixture("piapi_envelope"))


# --- what an operator may write ---------------------------------------------------------------------------------------

SHOP = """
progress_unit = "fraction"
cost_unit = "USD"
actions = { enlarge = "upscale", "grid-please" = "imagine" }
[paths]
id = "meta.ids[1]"
status = ["nowhere", "meta.state"]
progress = "meta.share"
images = "out[*].files[0].href"
grid = []
error = "meta.why"
error_code = "meta.number"
action = "meta.kind"
cost = "meta.price"
[words]
queued = ["Parked"]
completed = ["All Done", "processing"]
failed = ["broke"]
"""


def shop(**meta: Any) -> Any:
    out = [
        {"files": [{"href": "https://x.example/1.png"}]},
        {"files": []},
        {"files": [{"href": "https://x.example/2.png"}]},
    ]
    return {"meta": {"ids": ["no", "j1"], **meta}, "out": out}


def test_a_described_vendor_is_read_by_its_own_paths_and_words() -> None:
    report = read(shop(state="ALL-DONE", share=0.2, kind="grid please", price="0.15"), SHOP)
    assert (report.provider_job_id, report.status, report.progress) == ("j1", "completed", 100)
    assert report.action == "imagine"
    assert [image.url for image in report.images] == ["https://x.example/1.png", "https://x.example/2.png"]
    assert report.cost is not None
    assert (report.cost.amount, report.cost.unit, report.cost.source) == (Decimal("0.15"), "USD", "reported")


def test_its_words_win_over_the_usual_ones_and_stand_beside_them() -> None:
    assert read(shop(state="processing"), SHOP).status == "completed"
    assert read(shop(state="parked"), SHOP).status == "queued"
    assert read(shop(state="pending"), SHOP).status == "queued"
    assert read(shop(state="cancelled"), SHOP).status == "canceled"


def test_a_share_of_one_is_a_progress() -> None:
    report = read(shop(state="running", share=0.45, price=3), SHOP)
    assert (report.progress, report.cost, report.images) == (45, None, ())


def test_a_failure_carries_the_vendors_code() -> None:
    error = read(shop(state="broke", why="queue is full", number=8_004_005_099), SHOP).error
    assert error is not None
    assert (error.code, error.provider_code, error.retryable) == ("queue_full", "8004005099", True)


def test_an_unknown_status_is_unmapped_and_the_message_says_where_to_name_it() -> None:
    with pytest.raises(Unmapped, match="name it in words"):
        read(shop(state="napping"), SHOP)
    with pytest.raises(Unmapped, match="no status"):
        read({"id": "a"})


@pytest.mark.parametrize(
    ("word", "action", "params"),
    [
        ("upsample2", "pick", {"index": 2}),
        ("upscale#1", "pick", {}),
        ("upscale-1x", "pick", {}),
        ("upscale-2x", "upscale", {"kind": "2x"}),
        ("Upscale Creative", "upscale", {"kind": "creative"}),
        ("variation3", "vary", {"index": 3}),
        ("variation-strong", "vary", {}),
        ("pan-left", "pan", {}),
        ("pan1", "pan", {}),
        ("reroll", "reroll", {}),
        ("shorten", None, {}),
        ("", None, {}),
        (None, None, {}),
    ],
)
def test_an_action_is_recognised_by_its_word(word: str | None, action: str | None, params: dict[str, Any]) -> None:
    report = read({"id": "a", "status": "done", "action": word, "image_url": URL})
    assert (report.action, report.params) == (action, params)


@pytest.mark.parametrize(
    ("toml", "wrong"),
    [
        ('paths = { id = "a..b" }', r"paths\.id .*joined by dots"),
        ('paths = { id = "a.[0]" }', "joined by dots"),
        ('paths = { status = ["ok", "a[x]"] }', r"paths\.status"),
        ('paths = { images = "a[*" }', "joined by dots"),
        ('paths = { images = " a" }', "joined by dots"),
        ('paths = { images = "" }', "joined by dots"),
        ("paths = { id = [] }", r"paths\.id is empty"),
        ('verify = { header = "x signature" }', r"verify\.header"),
        ('verify = { scheme = "hmac-sha256-hex", signed = "{header:x-time}." }', r"verify\.signed .*cover the body"),
        ('verify = { scheme = "hmac-sha256-hex", signed = "{header:x time}.{body}" }', "part that is not known"),
        ('verify = { scheme = "hmac-sha256-hex", signed = "{body}.{id}" }', "part that is not known"),
        ('verify = { scheme = "hmac-sha256-hex", timestamp = "x-time" }', r"verify\.timestamp .*header:x-timestamp"),
        ('verify = { scheme = "hmac-sha256-hex", timestamp = "header:x-time" }', r"verify\.timestamp .*not covered"),
        ('verify = { timestamp = "header:x-time", signed = "{header:x-time}.{body}" }', r"verify\.timestamp .*covered"),
        ('words = { queued = ["x"], failed = ["X"] }', "both queued and failed"),
        ('words = { queued = [" "] }', "empty word"),
        ('actions = { a = "enlarge" }', "there are: blend"),
    ],
)
def test_a_description_that_cannot_be_meant_is_refused_with_the_remedy(toml: str, wrong: str) -> None:
    with pytest.raises(OptionError, match=wrong):
        described(toml)


@pytest.mark.parametrize(
    "toml",
    ['verfy = { header = "x" }', 'verify = { headers = "x" }', 'verify = { scheme = "md5" }', "paths = { id = 1 }"],
)
def test_an_unknown_key_or_scheme_is_no_description(toml: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        described(toml)


# --- verification -----------------------------------------------------------------------------------------------------


def test_by_default_the_usual_header_echoes_a_secret() -> None:
    assert seal("", {"x-webhook-secret": "b"}, "a", "b") == "valid"
    assert seal("", {"x-webhook-secret": "c"}, "a", "b") == "wrong"
    assert seal("", {}, "a") == "absent"
    assert seal("", {"x-webhook-secret": ""}) == "absent"


def test_another_header_with_a_prefix_can_be_named() -> None:
    toml = 'verify = { header = "Authorization", prefix = "Bearer " }'
    assert seal(toml, {"authorization": "Bearer a"}, "a") == "valid"
    assert seal(toml, {"authorization": "Bearer b"}, "a") == "wrong"
    assert seal(toml, {"x-webhook-secret": "a"}, "a") == "absent"


@pytest.mark.parametrize("prefix", [" sha256=", "sha\u00e4=", "sha256=\n", "\x00"])
def test_a_prefix_that_no_header_can_carry_is_a_mistake_of_the_configuration(tmp_path: Path, prefix: str) -> None:
    file = tmp_path / "gridhook.toml"
    file.write_text(
        f'[sources.x]\nprovider = "generic"\nsecrets = "s"\nverify = {{ prefix = {json.dumps(prefix)} }}\n', "utf-8"
    )
    with pytest.raises(ConfigError) as caught:
        load(file, {}, PROVIDERS, {})
    (found,) = caught.value.problems
    assert (found.where, found.wrong) == ("sources.x.verify.prefix", "can stand before nothing in a header")


@pytest.mark.parametrize("prefix", ["", "sha256=", "v1="])
def test_an_hmac_in_hexadecimal_is_verified_under_every_secret(prefix: str) -> None:
    toml = f'verify = {{ header = "x-signature", scheme = "hmac-sha256-hex", prefix = "{prefix}" }}'
    good = hmac.new(b"b", b"body", hashlib.sha256).hexdigest()
    assert seal(toml, {"x-signature": prefix + good}, "a", "b", body=b"body") == "valid"
    assert seal(toml, {"x-signature": good}, "a", "b", body=b"body") == "valid"
    assert seal(toml, {"x-signature": prefix + good}, "a", "b", body=b"bodY") == "wrong"
    assert seal(toml, {"x-signature": prefix + good}, "a", body=b"body") == "wrong"
    assert seal(toml, {"x-webhook-secret": "a"}, "a", body=b"body") == "absent"


def test_an_hmac_in_base64_is_verified() -> None:
    toml = 'verify = { header = "x-signature", scheme = "hmac-sha256-base64" }'
    good = base64.b64encode(hmac.digest(b"a", b"body", hashlib.sha256)).decode()
    assert seal(toml, {"x-signature": good}, "a", body=b"body") == "valid"
    assert seal(toml, {"x-signature": good}, "b", body=b"body") == "wrong"
    assert seal(toml, {"x-signature": "%%%"}, "a", body=b"body") == "wrong"


TIMED = """
[verify]
header = "X-Signature"
scheme = "hmac-sha256-hex"
prefix = "v1="
signed = "{header:X-Id}.{header:X-Time}.{body}"
timestamp = "header:X-Time"
"""


def timed(time: str, **changed: str) -> dict[str, str]:
    """The headers of a webhook that was signed at this time, then changed."""
    mac = hmac.digest(b"key", f"m1.{time}.{{}}".encode(), hashlib.sha256).hex()
    return {"x-id": "m1", "x-time": time, "x-signature": f"v1={mac}"} | {
        name.replace("_", "-"): value for name, value in changed.items()
    }


@pytest.mark.parametrize(
    ("seconds", "wanted"),
    [(0, "valid"), (-300, "valid"), (300, "valid"), (-301, "too_old"), (301, "too_new"), (-(10**9), "too_old")],
)
def test_a_signed_time_that_is_far_away_is_told_apart(seconds: int, wanted: Seal) -> None:
    now = NOW // 1000
    assert seal(TIMED, timed(str(now + seconds)), "other", "key") == wanted
    assert seal(TIMED, timed(f"{now + seconds}.000"), "key") == wanted
    assert seal(TIMED, timed(str((now + seconds) * 1000)), "key") == wanted
    # A wrong signature says nothing of the time that stands there.
    assert seal(TIMED, timed(str(now + seconds)), "other") == "wrong"
    assert seal(TIMED, timed(str(now), x_time=str(now + seconds)), "key") == ("valid" if seconds == 0 else "wrong")


def test_how_far_away_a_time_may_be_is_configured() -> None:
    old = timed(str(NOW // 1000 - 11))
    assert seal(TIMED + "tolerance = 11", old, "key") == "valid"
    assert seal(TIMED + "tolerance = 10", old, "key") == "too_old"


def test_what_else_was_signed_must_be_as_it_was() -> None:
    now = str(NOW // 1000)
    assert seal(TIMED, timed(now, x_id="m2"), "key") == "wrong"
    assert seal(TIMED, timed(now), "key", body=b"[]") == "wrong"


@given(st.text())
def test_no_time_makes_it_raise(text: str) -> None:
    mac = hmac.digest(b"key", f"m1.{text}.{{}}".encode("utf-8", "surrogateescape"), hashlib.sha256).hex()
    headers = {"x-id": "m1", "x-time": text, "x-signature": mac}
    assert seal(TIMED, headers, "key") in ("wrong", "too_old", "too_new", "valid")


@pytest.mark.parametrize("scheme", ["hmac-sha256-hex", "hmac-sha256-base64"])
def test_a_signature_is_judged_once_the_body_is_here(scheme: str) -> None:
    provider = described(f'verify = {{ scheme = "{scheme}" }}')
    source = Source(name="other", provider=provider, base_url="", secrets=(Secret("key"),))
    head = Request(source="other", headers={"x-webhook-secret": "00"}, body=b"", received_at=NOW)
    verify_head(head, source, b"a key of refs")
    with pytest.raises(Unverified, match="signature_differs"):
        verify(head, source, b"a key of refs")
    with pytest.raises(Unverified, match="signature_missing"):
        verify(msgspec.structs.replace(head, headers={}), source, b"a key of refs")


def test_an_empty_secret_signs_nothing() -> None:
    toml = 'verify = { scheme = "hmac-sha256-hex" }'
    forged = hmac.new(b"", b"{}", hashlib.sha256).hexdigest()
    assert seal(toml, {"x-webhook-secret": forged}, "") == "wrong"


@given(st.text(st.characters(codec=None)), st.sampled_from(["secret", "hmac-sha256-hex", "hmac-sha256-base64"]))
def test_no_header_text_makes_it_raise(given: str, scheme: str) -> None:
    assert seal(f'verify = {{ scheme = "{scheme}" }}', {"x-webhook-secret": given}, "a secret nobody sends") == "wrong"


# --- what is not in every post ---------------------------------------------------------------------------------------


def failing(value: Any, toml: str) -> tuple[str | None, str | None]:
    """Status and error code of a report."""
    report = read({"id": "a"} | value, toml)
    return report.status, report.error.code if report.error is not None else None


WRITTEN = 'paths.error = "why"'


@pytest.mark.parametrize(
    ("value", "toml", "wanted"),
    [
        ({"status": "done", "why": "content moderation rejected"}, WRITTEN, ("failed", "moderated")),
        ({"status": "done", "why": [{"msg": "no", "type": "x"}]}, WRITTEN, ("failed", "provider_error")),
        ({"status": "done", "why": {"detail": {"message": "timed out"}}}, WRITTEN, ("failed", "provider_timeout")),
        ({"status": "done", "why": "success"}, WRITTEN, ("completed", None)),
        ({"status": "done", "why": ""}, WRITTEN, ("completed", None)),
        ({"status": "done", "why": 0}, WRITTEN, ("completed", None)),
        ({"status": "done", "why": "warning: slow"}, WRITTEN + "\nerror_wins = false", ("completed", None)),
        ({"status": "running", "why": "a retry"}, WRITTEN, ("running", None)),
        ({"why": "rate limit"}, WRITTEN, ("failed", "rate_limited")),
        ({"why": "slow", "progress": 5}, WRITTEN + "\nfailed_by_error = false", ("running", None)),
        ({"error": "slow", "progress": 5}, "", ("running", None)),
        ({"error": "slow", "progress": 5}, "failed_by_error = true", ("failed", "provider_error")),
        ({"status": "done", "error": "odd"}, "", ("completed", None)),
        ({"status": "Content Moderated"}, "", ("failed", "moderated")),
        ({"status": "failed", "message": "success", "code": 200}, "", ("failed", "provider_error")),
        *(
            ({"status": "done", "why": nothing}, WRITTEN, ("completed", None))
            for nothing in ("No error", "0", "false", "n/a", "操作成功", "Request successful.", {"code": 0, "msg": ""})
        ),
        ({"status": "done", "why": True}, WRITTEN, ("failed", "provider_error")),
        ({"why": True}, WRITTEN, ("failed", "provider_error")),
        ({"status": "done", "n": "nsfw"}, WRITTEN + '\npaths.error_code = "n"', ("failed", "moderated")),
        ({"status": "done", "n": 1, "image": URL}, WRITTEN + '\npaths.error_code = "n"', ("completed", None)),
        ({"status": "done", "n": "E7", "image": URL}, WRITTEN + '\npaths.error_code = "n"', ("completed", None)),
        ({"n": "E7"}, WRITTEN + '\npaths.error_code = "n"', ("failed", "provider_error")),
        ({"n": "E7", "progress": 5}, WRITTEN + '\npaths.error_code = "n"', ("running", None)),
        ({"status": "done", "n": 200}, WRITTEN + '\npaths.error_code = "n"', ("completed", None)),
        ({"status": "done", "n": 429}, WRITTEN + '\npaths.error_code = "n"', ("failed", "rate_limited")),
        ({"status": "failed", "why": "x", "n": "1102"}, WRITTEN + """
paths.error_code = "n"
errors = { moderated = ["policies", "1102"] }""", ("failed", "moderated")),
    ],
)  # fmt: skip
def test_an_error_is_a_failure_where_it_is_said(value: Any, toml: str, wanted: tuple[str, str | None]) -> None:
    assert failing(value, toml) == wanted


def test_a_constant_action_is_that_of_every_job() -> None:
    grid = {"id": "a", "status": "done", "image_url": URL, "action": "whatever"}
    assert (read(grid, 'action = "imagine"').action, read(grid, 'action = "imagine"').grid_url) == ("imagine", URL)
    assert read(grid, 'action = "pick"').grid_url is None
    with pytest.raises(OptionError, match="imagine"):
        described('action = "imagin"')


def test_a_grid_that_is_written_is_no_tile_where_the_action_is_not_told() -> None:
    post = {"id": "a", "status": "done", "uri": URL}
    assert (read(post, 'paths.grid = "uri"').grid_url, read(post, 'paths.grid = "uri"').images) == (URL, ())
    picked = read(post | {"action": "upscale"}, 'paths.grid = "uri"')
    assert (picked.grid_url, len(picked.images)) == (None, 1)


def test_the_index_of_a_tile_is_the_picks_or_the_pictures() -> None:
    post = {"id": "a", "status": "done", "image_urls": [URL], "n": "3"}
    picked = read(post | {"action": "pick"}, 'paths.index = "n"\nactions = { pick = "pick" }')
    assert (picked.params, picked.images[0].index) == ({"index": 3}, 1)
    other = read(post, 'paths.index = "n"')
    assert (other.images[0].index, other.numbered) == (3, True)
    first = read(post | {"n": 0}, 'paths.index = "n"')
    assert (first.images[0].index, first.items) == (1, (numbered_item(0),))
    assert read(post | {"n": 0, "action": "pick"}, 'paths.index = "n"\nactions = { pick = "pick" }').params == {}


def test_costs_of_one_post_add_up_in_the_vendors_unit() -> None:
    toml = 'paths.cost = "rows[*].points"\ncost_unit = "USD"\ncost_factor = 0.0000001'
    cost = read({"id": "a", "status": "done", "rows": [{"points": 700000}, {}, {"points": "300000"}]}, toml).cost
    assert cost is not None
    assert (cost.amount, cost.unit) == (Decimal("0.1"), "USD")
    assert read({"id": "a", "status": "done", "rows": [{"points": -1}]}, toml).cost is None
    nothing = read({"id": "a", "status": "done", "rows": [{"points": 0}]}, toml).cost
    assert nothing is not None
    assert str(nothing.amount) == "0"


@pytest.mark.parametrize(
    "value",
    [
        {"task_id": "a", "status": "SUCCEED", "output": [URL]},
        {"id": "a", "status": "succeeded", "output": URL},
        {"id": "a", "status": "Ready", "result": {"sample": URL, "prompt": "a cat"}},
        {"code": 200, "msg": "success", "data": {"taskId": "a", "state": "success",
                                                 "resultJson": json.dumps({"resultUrls": [URL]})}},
        {"code": 200, "msg": "ok", "data": {"taskId": "a", "resultUrls": [URL]}, "status": "success"},
        {"request_id": "r-1", "output": {"task_id": "a", "task_status": "SUCCEEDED", "results": [{"url": URL}]}},
        {"code": 0, "data": {"task_id": "a", "task_status": "succeed", "result": {"images": [{"url": URL}]}}},
        {"jobid": "a", "status": "completed", "response": {"imageUx": [{"id": 1, "url": URL}]}},
        {"task": {"id": "a", "status": "TASK_STATUS_SUCCEED"}, "images": [{"image_url": URL}]},
        {"data": {"id": "a", "status": "done", "result_url": URL}},
        {"data": {"task_id": "a", "status": "COMPLETED", "generated": [URL]}},
        {"id": "a", "status": "completed", "data": [{"url": URL}]},
        {"id": "a", "status": "done", "data": [{"b64_json": None, "url": URL}], "images": [{"imageUrl": URL}]},
    ],
)  # fmt: skip
def test_common_shapes_are_read_without_a_description(value: dict[str, Any]) -> None:
    report = read(value)
    assert (report.provider_job_id, report.status) == ("a", "completed")
    assert [image.url for image in report.images] == [URL]


def test_goapis_first_shape_is_a_grid() -> None:
    post = {"task_id": "a", "status": "finished", "meta": {"task_type": "imagine"}, "task_result": {"image_url": URL}}
    assert (read(post).action, read(post).grid_url, read(post).images) == ("imagine", URL, ())


def test_a_grid_inside_an_output_is_no_tile() -> None:
    post = {
        "task_id": "a",
        "task_type": "imagine",
        "status": "completed",
        "output": {"image_url": URL, "image_urls": []},
    }
    assert (read(post).grid_url, read(post).images) == (URL, ())


def test_each_job_of_a_post_is_a_report_and_a_bad_one_hides_no_other() -> None:
    provider = described('each = ["data[*]", "errors[*]"]\npaths.error = "message"')
    ok, failed = {"id": "a", "status": "done"}, {"id": "b", "message": "no"}
    reports = provider.parse({"data": [ok, {"id": "c"}], "errors": [failed]}, {})
    assert [(report.provider_job_id, report.status) for report in reports] == [("a", "completed"), ("b", "failed")]
    bad: list[Any] = [{}, {"data": []}, {"data": [{}]}, [], {"data": [{"id": "a", "status": "done"}] * 1001}]
    for nothing in bad:
        with pytest.raises(Unmapped):
            provider.parse(nothing, {})


def test_several_jobs_in_one_post_are_never_taken_for_one() -> None:
    with pytest.raises(Unmapped, match="each"):
        read({"data": [{"id": "a"}, {"id": "b"}], "status": "done"}, 'paths.id = "data[*].id"')
    twice = {"data": [{"id": "a"}, {"id": "a"}], "status": "done"}
    assert read(twice, 'paths.id = "data[*].id"').provider_job_id == "a"


def test_items_stand_beside_their_pictures() -> None:
    toml = 'paths.images = "rows[*].url"\npaths.item = "rows[*].uuid"'
    rows = [{"url": URL, "uuid": "i1"}, {"url": URL + "2", "uuid": "i2"}]
    assert read({"id": "a", "status": "done", "rows": rows}, toml).items == ("i1", "i2")
    assert read({"id": "a", "status": "done", "rows": [rows[0], {"url": URL}]}, toml).items == ()


@pytest.mark.parametrize("toml", ['redact = ["a|json.b"]', 'redact = ["a..b"]', 'challenge = "a..b"', 'each = "a.."'])
def test_a_path_that_cannot_be_meant_is_refused_wherever_it_stands(toml: str) -> None:
    with pytest.raises(OptionError):
        described(toml)


# --- nothing goes out -------------------------------------------------------------------------------------------------


def test_a_generic_source_only_receives() -> None:
    provider = described()
    source = Source(name="other", provider=provider, base_url="")
    job = Job(id="job_1", source="other", provider="generic", status="planned", root_id="job_1", created_at="")
    kept = KeptJob(number=1, job=job)
    assert "only receives" in str(provider.refusal("imagine", {"prompt": "a"}, None))
    with pytest.raises(Unsupported, match="only receives"):
        provider.order(Order(kept=kept), source, None)
    with pytest.raises(Unsupported, match="cannot be asked"):
        provider.query([kept], source)
    with pytest.raises(Unmapped):
        provider.read(Answer(status=200), [kept])
    assert isinstance(provider.answered(Order(kept=kept), Answer(status=200), NOW), Unclear)
    assert (provider.next_actions(kept), provider.price("imagine", {}), provider.webhooks) == ((), None, False)
