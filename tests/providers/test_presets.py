"""The shipped presets against their vendors' documented samples: what is read, and what proves that it is genuine."""

from __future__ import annotations

import json
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from receiver.config.files.presets import make_from_preset, shipped_presets
from receiver.contracts import Answer, Call, Order, Parent, Provider, Source
from receiver.flows.bodies import kept_body
from receiver.lib.signatures import Secret
from receiver.model.deliveries import Accepted, Refused
from receiver.model.folding import fold
from receiver.model.jobs import Image, Job, KeptJob, Report
from receiver.providers.generic import Generic
from receiver.providers.generic.options import PRESETS, Options

FIXTURES: Final = Path(__file__).parent.parent / "fixtures" / "presets"
NAMES: Final = sorted(shipped_presets(Options))
SAMPLES: Final = [
    (folder.name, file.stem) for folder in sorted(FIXTURES.iterdir()) for file in sorted(folder.glob("*.json"))
]
NOW_S: Final = 1_795_255_200
SECRET: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
DESIGNED: Final = (
    "replicate fal kie kie-midjourney piapi runware wavespeed leonardo bfl useapi ttapi legnext imaginepro imagineapi "
    "apiframe-v1 openai-images ideogram"
)


@cache
def shipped(name: str) -> Provider:
    return make_from_preset(Generic, name, Path("/"))


def body_of(name: str, fixture: dict[str, Any]) -> Any:
    """A fixture's own body, or the sample of the preset that it names."""
    if "body" in fixture:
        return fixture["body"]
    return json.loads((PRESETS / "samples" / f"{name}.json").read_text())[fixture["sample"]]


def sample_body(name: str) -> bytes:
    """The documented webhook of a result."""
    return json.dumps(json.loads((PRESETS / "samples" / f"{name}.json").read_text())["completed"]).encode()


def told(report: Report) -> dict[str, Any]:
    """What a report says, without what it does not."""
    cost = report.cost
    said = {
        "provider_job_id": report.provider_job_id,
        "status": report.status,
        "progress": report.progress,
        "action": report.action,
        "params": report.params,
        "prompt": report.prompt,
        "grid_url": report.grid_url,
        "images": [[image.index, image.url] for image in report.images],
        "cost": None if cost is None else f"{cost.amount.normalize():f} {cost.unit}",
        "error": None if report.error is None else {"code": report.error.code, "message": report.error.message},
    }
    return {name: value for name, value in said.items() if value not in (None, {}, [])}


def test_the_presets_of_the_design_are_there_and_no_others() -> None:
    assert sorted(DESIGNED.split()) == NAMES


@pytest.mark.parametrize(("name", "sample"), SAMPLES)
def test_a_documented_sample_is_read_as_it_is_meant(name: str, sample: str) -> None:
    fixture = json.loads((FIXTURES / name / f"{sample}.json").read_text())
    assert fixture["standing"] in ("documented", "inferred")
    assert fixture["source"]
    body = body_of(name, fixture)
    if sample == "accepted":
        assert "expected" not in fixture
        return
    assert [told(report) for report in shipped(name).parse(body, {})] == fixture["expected"]


@pytest.mark.parametrize("name", NAMES)
def test_every_preset_has_samples_of_an_answer_an_end_and_a_failure(name: str) -> None:
    assert {"accepted", "completed", "failed"} <= {sample for preset, sample in SAMPLES if preset == name}
    kept = json.loads((PRESETS / "samples" / f"{name}.json").read_text())
    assert {"accepted", "completed", "failed"} <= set(kept)


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_says_what_is_documented_and_that_it_was_never_seen_live(name: str) -> None:
    head = (PRESETS / f"{name}.toml").read_text().partition("\n\n")[0]
    assert "Documented:" in head
    assert "Never seen live" in head


# --- what is asked and ordered ----------------------------------------------------------------------------------------

API_KEY: Final = "the-api-key"
HOOK: Final = "https://hooks.example.com/in/own/ref1"
ORDERS: Final = [
    (name, action) for name in NAMES for action in tomllib.loads((PRESETS / f"{name}.toml").read_text())["orders"]
]
#: The vendors whose orders can name no webhook URL: it belongs to the account.
REGISTERED: Final = {"leonardo", "imagineapi", "openai-images"}
#: Bodies that the vendors document for what follows an imagine, tile 2.
DOCUMENTED: Final[dict[tuple[str, str], tuple[str, Any]]] = {
    ("kie-midjourney", "pick"): (
        "https://api.kie.ai/api/v1/mj/generateUpscale",
        {"taskId": "parent-1", "imageIndex": 1, "callBackUrl": HOOK},
    ),
    ("piapi", "pick"): (
        "https://api.piapi.ai/api/v1/task",
        {
            "model": "midjourney",
            "task_type": "upscale",
            "input": {"origin_task_id": "parent-1", "index": "2"},
            "config": {"webhook_config": {"endpoint": HOOK, "secret": SECRET}},
        },
    ),
    ("useapi", "pick"): (
        "https://api.useapi.net/v3/midjourney/jobs/button",
        {"jobId": "parent-1", "button": "U2", "stream": False, "replyUrl": HOOK},
    ),
    ("ttapi", "pick"): (
        "https://api.ttapi.io/midjourney/v1/action",
        {"jobId": "parent-1", "action": "upsample2", "hookUrl": HOOK},
    ),
    ("legnext", "upscale"): (
        "https://api.legnext.ai/api/v1/upscale",
        {"jobId": "parent-1", "imageNo": 1, "callback": HOOK},
    ),
    ("imaginepro", "pick"): (
        "https://api.imaginepro.ai/api/v1/nova/button",
        {"messageId": "parent-1", "button": "U2", "webhookOverride": HOOK},
    ),
    ("apiframe-v1", "pick"): (
        "https://api.apiframe.pro/upscale-1x",
        {"parent_task_id": "parent-1", "index": "2", "webhook_url": HOOK, "webhook_secret": SECRET},
    ),
}


def account(name: str) -> Source:
    return Source(name="own", provider=shipped(name), base_url="", api_key=Secret(API_KEY), secrets=(Secret(SECRET),))


def kept(name: str, action: str, job_id: str, params: dict[str, Any]) -> KeptJob:
    job = Job(
        id="job_1",
        source="own",
        provider="generic",
        provider_job_id=job_id,
        action=action,
        params=params,
        status="completed",
        images=tuple(Image(index=index, url=f"https://cdn.example/{name}-{index}.png") for index in range(1, 5)),
        root_id="job_1",
        created_at="2026-11-21T10:00:00.000Z",
    )
    return KeptJob(number=1, job=job, intent="i")


def call_of(name: str, action: str) -> Call:
    source = account(name)
    parents = tomllib.loads((PRESETS / f"{name}.toml").read_text())["orders"][action].get("parents", [])
    params = {"prompt": "a cat", "model": "owner/model"} if not parents else {"index": 2}
    order = Order(
        kept=kept(name, action, "own-1", params),
        ancestors=tuple(kept(name, parent, "parent-1", {}) for parent in parents[:1]),
        webhook_url=HOOK,
    )
    parent = Parent(action=parents[0], provider="generic") if parents else None
    assert source.provider.refusal(action, params, parent) is None
    return source.provider.order(order, source, None)


@pytest.mark.parametrize(("name", "action"), ORDERS)
def test_an_order_goes_to_the_vendor_with_key_and_webhook_url(name: str, action: str) -> None:
    call = call_of(name, action)
    assert call.url.startswith("https://")
    assert "{" not in call.url
    assert any(API_KEY in value for value in call.headers.values())
    assert API_KEY not in call.url
    assert API_KEY.encode() not in (call.body or b"")
    assert b"{params" not in (call.body or b"")
    everything = f"{call.url} {(call.body or b'').decode()}"
    assert (HOOK in everything or "hooks.example.com%2Fin" in everything) == (name not in REGISTERED)
    if action == "imagine":
        assert "a cat" in everything
    else:
        assert "parent-1" in everything or "https://cdn.example/" in everything


@pytest.mark.parametrize(("name", "action"), sorted(DOCUMENTED))
def test_a_follow_up_is_what_the_vendor_documents(name: str, action: str) -> None:
    call = call_of(name, action)
    assert (call.url, json.loads(call.body or b"null")) == DOCUMENTED[name, action]


@pytest.mark.parametrize("name", NAMES)
def test_the_documented_answer_to_an_order_is_understood(name: str) -> None:
    body = json.loads((PRESETS / "samples" / f"{name}.json").read_text())["accepted"]
    order = Order(kept=kept(name, "imagine", "own-1", {"prompt": "a cat"}), webhook_url=HOOK)
    outcome = shipped(name).answered(order, Answer(status=200, headers={}, body=json.dumps(body).encode()), 0)
    assert isinstance(outcome, Accepted), outcome
    assert f'"{outcome.report.provider_job_id}"' in json.dumps(body)
    assert outcome.report.status in ("queued", "running")


@pytest.mark.parametrize("name", NAMES)
def test_a_job_can_be_asked_for(name: str) -> None:
    source = account(name)
    assert source.provider.query_batch == 1
    call = source.provider.query([kept(name, "imagine", "job-7", {})], source)
    assert "job-7" in f"{call.url} {(call.body or b'').decode()}"
    assert any(API_KEY in value for value in call.headers.values())


ASKED: Final = [(name, sample) for name, sample in SAMPLES if sample.startswith("asked")]


@pytest.mark.parametrize(("name", "sample"), ASKED)
def test_the_answer_to_a_question_is_read_as_it_is_meant(name: str, sample: str) -> None:
    fixture = json.loads((FIXTURES / name / f"{sample}.json").read_text())
    answer = Answer(status=200, headers={}, body=json.dumps(body_of(name, fixture)).encode())
    job_id = fixture["expected"][0]["provider_job_id"]
    reports = shipped(name).read(answer, [kept(name, "imagine", job_id, {})])
    assert [told(report) for report in reports] == fixture["expected"]


def test_kie_says_no_with_http_200() -> None:
    answer = Answer(status=200, headers={}, body=b'{"code": 402, "msg": "Credits insufficient", "data": null}')
    for name in ("kie", "kie-midjourney"):
        order = Order(kept=kept(name, "imagine", "own-1", {"prompt": "a cat"}), webhook_url=HOOK)
        outcome = shipped(name).answered(order, answer, 0)
        assert isinstance(outcome, Refused)
        assert outcome.error.code == "insufficient_credits"


@pytest.mark.parametrize(
    ("name", "header"),
    [("piapi", "x-webhook-secret"), ("leonardo", "authorization"), ("apiframe-v1", "x-webhook-secret")],
)
def test_the_header_with_the_secret_is_known_to_who_explains_it(name: str, header: str) -> None:
    assert account(name).provider.secret_header == header


@pytest.mark.parametrize(
    ("name", "secret"), [("leonardo", "the-callback-key"), ("piapi", "struck-out-before-it-is-kept")]
)
def test_secrets_that_the_vendor_repeats_are_not_kept(name: str, secret: str) -> None:
    body = sample_body(name)
    assert secret.encode() in body
    kept = kept_body(body, {}, shipped(name).bodies)
    assert secret.encode() not in kept
    assert b"the-api-key" not in kept
    assert [told(report) for report in shipped(name).parse(json.loads(kept), {})] == [
        told(report) for report in shipped(name).parse(json.loads(body), {})
    ]


def test_the_pictures_of_a_runware_task_come_one_by_one_and_are_put_together() -> None:
    case = json.loads((FIXTURES.parent / "cases" / "k01-many-posts-runware.json").read_text())
    job = kept("runware", "imagine", "a770f077", {})
    job = job.with_job(status="running", images=())
    for request in case["requests"]:
        [report] = shipped("runware").parse(request["body"], {})
        job = fold(job, report, "2026-11-21T10:00:00.000Z")
    assert [image.index for image in job.job.images] == [1, 2, 3, 4]
    assert job.job.cost is not None
    assert f"{job.job.cost.amount}" == "0.0108"
