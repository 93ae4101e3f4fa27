"""Vendors that are played from their presets: what gridhook orders is understood, and what they say is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from receiver.config.files.presets import make_from_preset, shipped_presets
from receiver.contracts import Answer, Call, Order, Request, Source
from receiver.lib.signatures import Secret
from receiver.model.actions import GRIDS
from receiver.model.deliveries import Accepted, Refused
from receiver.model.jobs import Job, KeptJob, Report
from receiver.pretend.described.face import PretendDescribed
from receiver.pretend.described.matching import CallMatcher, which
from receiver.pretend.described.writing import written
from receiver.pretend.options import VendorOptions
from receiver.pretend.vendor import PretendVendor
from receiver.pretend.vendors import build_described
from receiver.providers.generic import Generic
from receiver.providers.generic.call_options import OrderKeys
from receiver.providers.generic.options import Options

NAMES: Final = sorted(shipped_presets(Options))
NOW: Final = 1_795_255_200_000
HOOK: Final = "http://hooks.example/in/own/ref1"
OWN: Final = """
[paths]
id = "piece.nr"
status = "piece.state"
images = "piece.files[*].url"
[words]
completed = ["HUNG"]
failed = ["TORN"]
[orders.imagine]
url = "https://heron.example/pieces"
headers = { x-key = "{key}" }
body = '{"prompt": "{prompt}", "hook": "{webhook_url}"}'
[query]
url = "https://heron.example/pieces/{id}"
headers = { x-key = "{key}" }
"""


class Played:
    """A pretend vendor, and the source that orders there."""

    def __init__(self, name: str, **options: Any) -> None:
        self.provider = make_from_preset(Generic, name, Path("/"))
        self.vendor: PretendVendor = build_described(
            Path(name).stem, self.provider, VendorOptions(pace=0, progress_steps=0, **options), lambda: NOW
        )
        assert isinstance(self.vendor.face, PretendDescribed)
        self.face: PretendDescribed = self.vendor.face
        self.source = Source(
            name="own",
            provider=self.provider,
            base_url="http://vendor.example",
            api_key=Secret("the-key"),
            secrets=(Secret(self.face.secret),),
        )

    async def call(self, call: Call) -> Answer:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.vendor.app)) as client:
            answer = await client.request(call.method, call.url, headers=call.headers, content=call.body)
        return Answer(status=answer.status_code, headers=dict(answer.headers), body=answer.content)

    async def order(self, action: str, params: dict[str, Any], parent: KeptJob | None = None) -> tuple[Order, Answer]:
        job = Job(
            id="job_1",
            source="own",
            provider="generic",
            action=action,
            params=params,
            status="planned",
            root_id="job_1",
            created_at="2026-11-21T10:00:00.000Z",
        )
        order = Order(
            kept=KeptJob(number=1, job=job, intent="i"), ancestors=(parent,) if parent else (), webhook_url=HOOK
        )
        return order, await self.call(self.provider.order(order, self.source, None))

    async def ordered(self, action: str, params: dict[str, Any], parent: KeptJob | None = None) -> KeptJob:
        """A job that was taken and is completed, with its pictures."""
        order, answer = await self.order(action, params, parent)
        outcome = self.provider.answered(order, answer, NOW)
        assert isinstance(outcome, Accepted), (answer, outcome)
        await self.vendor.until(lambda: all(job.ended for job in self.vendor.jobs))
        [report] = self.told(outcome.report.provider_job_id or "", "completed")
        job = msgspec.structs.replace(
            order.kept.job,
            provider_job_id=report.provider_job_id,
            status="completed",
            images=report.images,
            grid_url=report.grid_url,
        )
        return msgspec.structs.replace(order.kept, job=job)

    def told(self, job_id: str, kind: Any) -> list[Report]:
        """What the webhook about a job tells, once it is verified."""
        job = self.vendor.work.book.get(job_id)
        assert job is not None
        job = msgspec.structs.replace(job, order=msgspec.structs.replace(job.order, webhook_url=HOOK))
        hook = self.face.hook(job, kind, self.vendor.options, "the-key")
        assert hook is not None
        headers = {name.lower(): value for name, value in hook.headers.items()}
        if self.face.is_signed and self.face.options.verify.scheme != "ed25519":
            request = Request(source="own", headers=headers, body=hook.body, received_at=NOW)
            assert self.provider.seal(request, self.source) == "valid"
            forged = {name.lower(): value for name, value in self.face.forgery(hook).headers.items()}
            assert self.provider.seal(msgspec.structs.replace(request, headers=forged), self.source) == "wrong"
        return self.provider.parse(json.loads(hook.body), headers)

    async def close(self) -> None:
        await self.vendor.close()


@pytest.mark.parametrize("name", NAMES)
async def test_an_order_is_taken_told_and_answered_for(name: str) -> None:
    played = Played(name, lose=True)
    kept = await played.ordered("imagine", {"prompt": "a cat", "model": "owner/model"})
    job = kept.job
    assert job.images or job.grid_url
    assert all(image.url.startswith("http://vendor.example/pictures/") for image in job.images)
    assert job.grid_url is None or job.grid_url.endswith("/grid.png")
    assert [bill.endpoint for bill in played.vendor.bills] == ["imagine"]
    asked = await played.call(played.provider.query([kept], played.source))
    [report] = played.provider.read(asked, [kept])
    assert (report.provider_job_id, report.status) == (job.provider_job_id, "completed")
    assert [image.url for image in report.images] == [image.url for image in job.images]
    await played.close()


FOLLOWED: Final = [
    (name, action)
    for name in NAMES
    for action, order in make_from_preset(Generic, name, Path("/")).description.orders.items()
    if "imagine" in order.parents
]


@pytest.mark.parametrize(("name", "action"), FOLLOWED)
async def test_a_follow_up_works_on_its_parent(name: str, action: str) -> None:
    played = Played(name, lose=True)
    parent = await played.ordered("imagine", {"prompt": "a cat", "model": "owner/model"})
    params = {} if action == "reroll" else {"index": 2}
    if name == "runware":
        params = {"factor": 2}
    kept = await played.ordered(action, params, parent)
    assert len(kept.job.images) == 1 or (action in GRIDS and (kept.job.images or kept.job.grid_url))
    assert [bill.endpoint for bill in played.vendor.bills] == ["imagine", action]
    await played.close()


@pytest.mark.parametrize("name", NAMES)
async def test_a_failure_and_a_running_job_are_told(name: str) -> None:
    played = Played(name, lose=True, fail="Banned prompt detected")
    order, answer = await played.order("imagine", {"prompt": "a cat", "model": "owner/model"})
    outcome = played.provider.answered(order, answer, NOW)
    assert isinstance(outcome, Accepted)
    job_id = outcome.report.provider_job_id or ""
    await played.vendor.until(lambda: all(job.ended for job in played.vendor.jobs))
    [report] = played.told(job_id, "failed")
    assert (report.provider_job_id, report.status) == (job_id, "failed")
    if played.face.options.paths.error:
        assert report.error is not None
        assert report.error.message == "Banned prompt detected"
    job = played.vendor.jobs[0]
    played.vendor.work.put(msgspec.structs.replace(job, state="running", progress=40))
    kept = order.kept.with_job(provider_job_id=job_id)
    [report] = played.provider.read(await played.call(played.provider.query([kept], played.source)), [kept])
    assert report.status in ("queued", "running")
    await played.close()


@pytest.mark.parametrize("name", NAMES)
async def test_what_is_refused_is_understood_as_refused(name: str) -> None:
    played = Played(name, order_failures=("402",))
    order, answer = await played.order("imagine", {"prompt": "a cat", "model": "owner/model"})
    assert answer.status == 402
    outcome = played.provider.answered(order, answer, NOW)
    assert isinstance(outcome, Refused)
    assert outcome.error.code == "insufficient_credits"
    assert played.vendor.bills == ()
    await played.close()


async def test_a_wrong_key_and_an_address_of_no_call_are_refused() -> None:
    played = Played("replicate", api_key="another")
    _, answer = await played.order("imagine", {"prompt": "a cat", "model": "owner/model"})
    assert answer.status == 401
    played = Played("replicate")
    call = Call(method="POST", url="http://vendor.example/else", headers={"authorization": "Bearer k"}, body=b"{}")
    assert (await played.call(call)).status == 404
    call = Call(method="POST", url="http://vendor.example/v1/predictions", headers={}, body=b"{")
    assert (await played.call(call)).status == 400


async def test_a_preset_of_ones_own_is_played_from_its_paths_and_words(tmp_path: Path) -> None:
    (tmp_path / "heron.toml").write_text(OWN)
    played = Played(str(tmp_path / "heron.toml"), lose=True)
    kept = await played.ordered("imagine", {"prompt": "a cat"})
    assert len(kept.job.images) == 4
    asked = await played.call(played.provider.query([kept], played.source))
    assert json.loads(asked.body)["piece"]["state"] == "HUNG"
    await played.close()


async def test_an_ed25519_vendor_publishes_its_key() -> None:
    played = Played("fal")
    keys = await played.call(Call(method="GET", url="http://vendor.example/.well-known/jwks.json", headers={}))
    [key] = json.loads(keys.body)["keys"]
    assert (key["kty"], key["crv"], len(key["x"])) == ("OKP", "Ed25519", 43)
    assert isinstance(played.face.key_pair, Ed25519PrivateKey)


# --- the pieces -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "path", "new", "after"),
    [
        ({}, "a.b", 1, {"a": {"b": 1}}),
        ({"a": {"c": 2}}, "a.b", 1, {"a": {"c": 2, "b": 1}}),
        ({"a": [1, 2]}, "a[1]", 9, {"a": [1, 9]}),
        ({}, "a[1].b", 9, {"a": [None, {"b": 9}]}),
        ({"a": [{"u": 1, "k": 0}, {"u": 2}]}, "a[*].u", [5, 6, 7], {"a": [{"u": n, "k": 0} for n in (5, 6, 7)]}),
        ({"a": '{"x":1}'}, "a|json.u[*]", ["p"], {"a": '{"x":1,"u":["p"]}'}),
        ({"a": "text"}, "a|match(t(.))", "x", {"a": "text"}),
    ],
)
def test_a_value_is_written_where_a_path_leads(value: Any, path: str, new: Any, after: Any) -> None:
    assert written(value, path, new) == after


def test_of_two_calls_to_one_address_the_one_with_more_of_its_words_is_meant() -> None:
    calls = [
        CallMatcher("imagine", OrderKeys(url="https://x.example/t", body='{"kind": "draw", "p": "{prompt}"}')),
        CallMatcher("pick", OrderKeys(url="https://x.example/t", body='{"kind": "pick", "b": "U{index}"}')),
    ]
    found = which(calls, "POST", "/t", {}, {"kind": "pick", "b": "U3", "extra": 1})
    assert found is not None
    assert (found.action, found.values) == ("pick", {"index": "3"})
    assert which(calls, "POST", "/t", {}, {"kind": "else"}) is None
    assert which(calls, "GET", "/t", {}, {"kind": "draw"}) is None
