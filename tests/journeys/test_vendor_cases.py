"""What vendors really post, from the address to the job: each case of `fixtures/cases` and what is right for it."""

from __future__ import annotations

import base64
import hmac
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from standardwebhooks import Webhook

from receiver.config import load
from receiver.contracts import Filters, Source
from receiver.providers import PROVIDERS
from support.face import Face, a_face
from support.world import Clock

CASES: Final = sorted((Path(__file__).parent.parent / "fixtures" / "cases").glob("*.json"))
#: Made-up values for what the cases leave open.
TOKEN: Final = "made-up-token-of-a-source"
SECRET: Final = "whsec_" + base64.b64encode(b"a made-up secret of a source 32b").decode()
ENV: Final = {"TOK": TOKEN, "SEC": SECRET, "JKEY": "japi_live_made_up"}
#: Cases of vendors that have code of their own, too: the configuration that names it.
NATIVE: Final = {
    case: f'''
[sources.SOURCE]
provider = "midjourney-proxy"
flavour = "{flavour}"
base_url = "http://10.0.0.5:8080"
token = "env:TOK"
'''
    for case, flavour in (("ok-trueai", "trueai"), ("k08-late-success-mjproxy", "novicezk"))
}
MANY: Final = re.compile(r"<([0-9]+) times A>")


def read_case(path: Path) -> dict[str, Any]:
    """A case, whole."""
    case: dict[str, Any] = json.loads(path.read_text())
    return case


def the_source(case: dict[str, Any], folder: Path) -> Source:
    """The case's source, as `check` reads it."""
    file = folder / "gridhook.toml"
    file.write_text('public_url = "https://hooks.example.com"\n' + case["config"].replace("SOURCE", "vendor"))
    return load(file, ENV, PROVIDERS, {}).sources["vendor"]


def filled(text: str) -> str:
    """A text with what the cases leave open."""
    text = text.replace("SOURCE", "vendor").replace("TOKEN", TOKEN).replace("SECRET", SECRET)
    return MANY.sub(lambda found: "A" * int(found[1]), text)


def signed(case_id: str, body: bytes, now: int) -> dict[str, str]:
    """The headers that a vendor makes from a body."""
    if case_id == "k12-standard-webhooks":
        moment = datetime.fromtimestamp(now, UTC)
        signature = Webhook(SECRET).sign(msg_id="msg_1", timestamp=moment, data=body.decode())
        return {"webhook-id": "msg_1", "webhook-timestamp": str(now), "webhook-signature": signature}
    signature = hmac.digest(SECRET.encode(), b"%d.%s" % (now, body), "sha256").hex()
    return {"x-deapi-timestamp": str(now), "x-deapi-signature": f"sha256={signature}"}


async def send(face: Face, case_id: str, request: dict[str, Any], now: int) -> httpx.Response:
    """One request of a case."""
    body = (request.get("raw") or filled(json.dumps(request["body"]))).encode()
    headers = {name: filled(text) for name, text in request.get("headers", {}).items()}
    if "signed" in request:
        headers |= signed(case_id, body, now)
    return await face.client.request(request["method"], filled(request["path"]), content=body, headers=headers)


def seen(job: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """Of a job what the case speaks of."""
    error = job["error"] or {}
    everything = {
        **job,
        "images": len(job["images"]),
        "grid": job["grid_url"],
        "cost": job["cost"] and job["cost"]["amount"],
        "error": error.get("code"),
        "message": error.get("message"),
        "retryable": error.get("retryable"),
    }
    return {name: everything[name] for name in wanted}


def all_cases() -> list[Any]:
    """Each case as it is written, and where there is code for its vendor by that."""
    described = [pytest.param(read_case(path), id=path.stem) for path in CASES]
    by_name = {path.stem: path for path in CASES}
    native = [
        pytest.param({**read_case(by_name[name]), "config": config}, id=f"{name}-native")
        for name, config in NATIVE.items()
    ]
    return described + native


@pytest.mark.parametrize("case", all_cases())
async def test_what_a_vendor_posts_becomes_what_is_right(case: dict[str, Any], tmp_path: Path) -> None:
    outcome, clock = case["outcome"], Clock()
    source = the_source(case, tmp_path)
    async with a_face(tmp_path, sources=(source,), rules=(), clock=clock, max_body=8 * 1024 * 1024) as face:
        answers = [await send(face, case["id"], request, clock() // 1000) for request in case["requests"]]
        jobs = {job["provider_job_id"]: job for job in (await face.get("/jobs"))["items"]}
        events = [event["type"] for event in reversed((await face.get("/events"))["items"])]
        kept = await face.store.read(lambda tx: tx.requests(Filters()))
    assert [answer.status_code for answer in answers] == outcome.get("statuses", [200] * len(answers)), answers
    assert jobs.keys() == outcome["jobs"].keys()
    for name, wanted in outcome["jobs"].items():
        default = {"warning": None, "images": 0}
        assert seen(jobs[name], default | wanted) == default | wanted, name
        places = [image["index"] for image in jobs[name]["images"]]
        assert places == list(range(1, len(places) + 1))
    assert events == outcome.get("events", events)
    assert [answer.json().get("duplicate") for answer in answers] == outcome.get(
        "duplicates", [answer.json().get("duplicate") for answer in answers]
    )
    for answer, wanted in zip(answers, outcome.get("answers", []), strict=False):
        assert answer.json() == wanted
    for secret in outcome.get("hidden", []):
        assert all(filled(secret).encode() not in request.body for request in kept)


def test_there_are_cases() -> None:
    assert len(CASES) == 25
