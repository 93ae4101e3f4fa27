"""Orders at a vendor that is described in TOML: what goes out, what the answer means, what follows what."""

from __future__ import annotations

import json
import tomllib
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest

from receiver.contracts import Answer, Call, Order, Parent, Source
from receiver.errors import InvalidParams, OptionError, Unsupported
from receiver.lib.signatures import Secret
from receiver.model.deliveries import Accepted, NotAccepted, OrderOutcome, Refused, Unclear
from receiver.model.jobs import Image, Job, KeptJob
from receiver.providers.generic import Generic
from receiver.providers.generic.options import Options

NOW = 1_795_255_200_000
AT = "2026-11-21T10:00:00.000Z"
KEY, SECRET, HOOK = "the-key", "the-word", "https://hooks.example.com/in/heron/ref1"
HERON = """
cost_unit = "USD"
paces = { imagine = 90.0 }
expires_after = 3600.0
[paths]
id = "piece.id"
status = "piece.state"
images = "piece.files[*]"
error = "piece.problem.text"
error_code = "piece.problem.code"
[errors]
queue_full = ["no easel"]
[orders.imagine]
url = "https://api.heron.example/pieces?mode={params.mode}&v=2"
headers = { authorization = "Bearer {key}", x-tag = "{params.tag}" }
body = '''{"prompt": "{prompt}", "seed": "{params.seed}", "flags": "--ar {params.aspect_ratio}",
  "list": ["{params.a}", 1],
  "hook": {"url": "{webhook_url}", "word": "{secret}"}}'''
idempotency_header = "X-Once"
refused = ["piece.problem", 418]
price = "0.05"
[orders.pick]
url = "https://api.heron.example/pieces/{parent.provider_job_id}/tiles/{index}"
headers = { authorization = "Bearer {key}" }
body = '{"tile": "{index0}", "picture": "{parent.image}"}'
id = ["new.id", "id"]
price = "0.01"
parents = ["imagine"]
[orders.upscale]
method = "PUT"
url = "https://api.heron.example/enlarge"
body = '{"picture": "{parent.image}", "kind": "{params.kind}"}'
parents = ["imagine", "pick"]
[orders.faceswap]
url = "https://api.heron.example/swap"
body = '{"id": "{uuid}", "face": "{params.face_url}"}'
"""


def described(toml: str = HERON) -> Generic:
    return Generic(msgspec.convert(tomllib.loads(toml), Options, strict=False))


def source(provider: Generic | None = None, **more: Any) -> Source:
    fields = {"base_url": "", "api_key": Secret(KEY), "secrets": (Secret(SECRET),), **more}
    return Source(name="heron", provider=provider or described(), **fields)


def job(action: str, **more: Any) -> KeptJob:
    fields = {"source": "heron", "status": "completed", "provider_job_id": "p 1/2", "params": {}, **more}
    made = Job(id="job_1", provider="generic", action=action, root_id="job_1", created_at=AT, **fields)
    return KeptJob(number=1, job=made, intent="i")


def tiles(count: int) -> tuple[Image, ...]:
    return tuple(Image(index=index, url=f"https://x.example/{index}.png") for index in range(1, count + 1))


def planned(action: str, params: dict[str, Any], parent: KeptJob | None = None, hook: str | None = HOOK) -> Order:
    kept = job(action, params=params, status="planned", provider_job_id=None)
    return Order(kept=kept, ancestors=() if parent is None else (parent,), webhook_url=hook)


def call(action: str, params: dict[str, Any], parent: KeptJob | None = None, hook: str | None = HOOK) -> Call:
    return described().order(planned(action, params, parent, hook), source(), None)


def body(made: Call) -> Any:
    return json.loads(made.body or b"")


def answered(status: int, value: Any, action: str = "imagine") -> OrderOutcome:
    answer = Answer(status=status, body=value if isinstance(value, bytes) else json.dumps(value).encode())
    return described().answered(planned(action, {}), answer, NOW)


# --- what goes out ---------------------------------------------------------------------------------------------------


def test_values_stand_in_their_places_as_what_they_are() -> None:
    params = {"prompt": 'a "cat"\n', "seed": 7, "aspect_ratio": "3:2", "mode": "a&b=c", "tag": "x", "a": [True, None]}
    made = call("imagine", params)
    assert made.method == "POST"
    assert made.url == "https://api.heron.example/pieces?mode=a%26b%3Dc&v=2"
    assert made.headers == {
        "authorization": "Bearer the-key",
        "x-tag": "x",
        "content-type": "application/json",
        "x-once": "job_1",
    }
    hook = {"url": HOOK, "word": SECRET}
    assert body(made) == {
        "prompt": 'a "cat"\n',
        "seed": 7,
        "flags": "--ar 3:2",
        "list": [[True, None], 1],
        "hook": hook,
    }


def test_what_is_not_given_leaves_its_key_its_pair_and_its_header_out() -> None:
    made = call("imagine", {"prompt": "a cat"}, hook=None)
    assert made.url == "https://api.heron.example/pieces?v=2"
    assert "x-tag" not in made.headers
    assert body(made) == {"prompt": "a cat", "flags": "--ar ", "list": [1], "hook": {}}


def test_a_follow_up_names_its_parent_and_its_tile() -> None:
    made = call("pick", {"index": 3}, job("imagine", images=tiles(4)))
    assert made.url == "https://api.heron.example/pieces/p%201%2F2/tiles/3"
    assert body(made) == {"tile": 2, "picture": "https://x.example/3.png"}


def test_an_order_may_bring_an_id_that_is_always_the_same() -> None:
    first = body(call("faceswap", {"face_url": "https://x.example/f.png"}))
    assert first == body(call("faceswap", {"face_url": "https://x.example/f.png"}))
    assert UUID(first["id"]).version == 4


def test_an_own_address_takes_the_place_of_scheme_and_host() -> None:
    made = described().order(planned("imagine", {"prompt": "x"}), source(base_url="http://127.0.0.1:9/relay"), None)
    assert made.url == "http://127.0.0.1:9/relay/pieces?v=2"


def test_a_picture_is_the_parents_only_one_its_tile_or_none() -> None:
    def refused(parent: KeptJob, params: dict[str, Any]) -> str | None:
        known = Parent(action=parent.job.action, provider="generic", kept=parent)
        return described().refusal("upscale", params, known)

    grid = job("imagine", images=tiles(4))
    assert body(call("upscale", {"index": 2, "kind": "4x"}, grid)) == {
        "picture": "https://x.example/2.png",
        "kind": "4x",
    }
    assert refused(grid, {"kind": "2x"}) == "the parent has 4 pictures; nearest: upscale with index 1-4"
    assert refused(grid, {"index": 4}) is None
    assert refused(job("imagine", images=tiles(1)), {}) is None
    alone = job("imagine", grid_url="https://x.example/grid.png")
    assert body(call("upscale", {}, alone)) == {"picture": "https://x.example/grid.png"}
    assert refused(alone, {"index": 2}) == "the parent has no picture 2"
    assert refused(job("imagine"), {}) == "the parent has no picture"


def test_a_job_of_another_source_is_no_parent_where_its_id_is_needed() -> None:
    other = job("imagine", source="other", images=tiles(4))
    with pytest.raises(Unsupported, match="heron does not know the jobs of other"):
        call("pick", {"index": 1}, other)
    assert body(call("upscale", {"index": 1}, other))["picture"] == "https://x.example/1.png"


@pytest.mark.parametrize(
    ("action", "params", "parent", "words"),
    [
        ("vary", {}, "imagine", "no order of vary; there are: faceswap, imagine, pick, upscale"),
        ("upscal", {}, "imagine", 'did you mean "upscale"'),
        ("pick", {"index": 1}, None, "pick needs a parent job: imagine"),
        ("pick", {"index": 1}, "upscale", "pick cannot follow upscale; nearest: after imagine"),
        ("pick", {}, "imagine", "pick needs index: it is part of the address"),
        ("pick", {"index": 1}, "imagine", None),
        ("imagine", {"prompt": "x"}, "imagine", None),
    ],
)
def test_what_cannot_be_ordered_is_told_with_what_can(
    action: str, params: dict[str, Any], parent: str | None, words: str | None
) -> None:
    known = None if parent is None else Parent(action=parent, provider="generic")
    reason = described().refusal(action, params, known)
    assert reason is None if words is None else words in (reason or "")


def test_what_a_header_cannot_hold_is_escaped_and_half_a_character_is_refused() -> None:
    assert call("imagine", {"prompt": "x", "tag": "a\r\nx: y\u00e9"}).headers["x-tag"] == "a%0D%0Ax: y%C3%A9"
    with pytest.raises(InvalidParams, match="half a character"):
        call("imagine", {"prompt": "\ud800"})


# --- what comes back -------------------------------------------------------------------------------------------------


def test_an_answer_that_names_the_job_is_an_acceptance() -> None:
    outcome = answered(201, {"piece": {"id": "p9", "state": "running"}})
    assert isinstance(outcome, Accepted)
    assert (outcome.report.provider_job_id, outcome.report.status) == ("p9", "running")
    outcome = answered(200, {"new": {"id": 17}}, "pick")
    assert isinstance(outcome, Accepted)
    assert (outcome.report.provider_job_id, outcome.report.status) == ("17", "queued")


def test_a_vendor_that_is_done_at_once_is_done_but_a_bare_success_is_about_the_order() -> None:
    done = {"piece": {"id": "p9", "state": "done", "files": ["https://x.example/1.png"]}}
    outcome = answered(200, done)
    assert isinstance(outcome, Accepted)
    assert (outcome.report.status, len(outcome.report.images)) == ("completed", 1)
    outcome = answered(200, {"piece": {"id": "p9", "state": "success"}})
    assert isinstance(outcome, Accepted)
    assert outcome.report.status == "queued"


@pytest.mark.parametrize("status", [200, 400, 418])
def test_a_refusal_is_told_by_a_path_or_a_status(status: int) -> None:
    outcome = answered(status, {"piece": {"id": "p9", "problem": {"text": "Content policy", "code": "E7"}}})
    assert isinstance(outcome, Refused)
    assert (outcome.error.code, outcome.error.message, outcome.error.provider_code) == (
        "moderated",
        "Content policy",
        "E7",
    )


@pytest.mark.parametrize(
    "problem",
    [None, {}, [], "", "0", 0, "success", [{}], {"code": 0, "text": "", "raw": None}, {"code": "0", "text": "OK"}],
)
def test_an_empty_place_for_a_refusal_refuses_nothing(problem: Any) -> None:
    outcome = answered(200, {"piece": {"id": "p9", "state": "queued", "problem": problem}})
    assert isinstance(outcome, Accepted)
    assert outcome.report.provider_job_id == "p9"


@pytest.mark.parametrize("problem", ["no", 7, True, {"code": 7, "text": ""}, {"text": {"why": "no"}}, [{"code": "x"}]])
def test_whatever_stands_there_refuses(problem: Any) -> None:
    assert isinstance(answered(200, {"piece": {"id": "p9", "problem": problem}}), Refused)


def test_a_refusal_that_passes_is_tried_again_later() -> None:
    outcome = answered(200, {"piece": {"problem": {"text": "no easel is free"}}})
    assert isinstance(outcome, NotAccepted)
    assert outcome.note == "no easel is free"


@pytest.mark.parametrize(
    ("status", "value"),
    [
        (200, b""),
        (200, {"piece": {}}),
        (500, {"piece": {"problem": {"text": "crashed"}}}),
        (502, b"<html>"),
        (409, {"error": "idempotency key in use"}),
    ],
)
def test_what_proves_neither_is_unclear(status: int, value: Any) -> None:
    assert isinstance(answered(status, value), Unclear)


# --- what it is ------------------------------------------------------------------------------------------------------


def test_it_is_a_full_citizen() -> None:
    provider = described()
    assert (provider.webhooks, provider.idempotent) == (True, frozenset({"imagine"}))
    assert (provider.paces, provider.retention) == ({"imagine": 90.0}, 3600.0)
    price = provider.price("imagine", {})
    assert price is not None
    assert (price.amount, price.unit, price.source) == (Decimal("0.05"), "USD", "table")
    assert provider.price("upscale", {}) is None
    account = source(provider)
    assert account.honours_key("imagine")
    assert not account.honours_key("pick")


def test_known_are_the_canonical_parameters_and_those_in_the_templates() -> None:
    provider = described()
    assert provider.parameters("imagine") == {"prompt", "version", "aspect_ratio", "seed", "mode", "tag", "a"}
    assert provider.parameters("faceswap") == {"face_url"}
    assert source(provider).unknown_params("imagine", {"sed": 7}) == {"sed": 'did you mean "seed"?'}


def test_what_follows_is_offered_with_its_price() -> None:
    provider = described()
    offered = provider.next_actions(job("imagine", images=tiles(4)))
    assert [(one.action, one.params, one.cost.amount if one.cost else None) for one in offered] == [
        *(("pick", {"index": index}, Decimal("0.01")) for index in (1, 2, 3, 4)),
        *(("upscale", {"index": index}, None) for index in (1, 2, 3, 4)),
    ]
    assert provider.next_actions(job("imagine", images=tiles(4))) is offered
    assert [(one.action, one.params) for one in provider.next_actions(job("pick", images=tiles(1)))] == [
        ("upscale", {})
    ]
    assert not provider.next_actions(job("imagine", status="failed"))


# --- mistakes --------------------------------------------------------------------------------------------------------

WRONG = """
paces = { imagin = 5.0 }
[query]
url = "https://api.heron.example/pieces"
headers = { "bad name" = "x", host = "y" }
body = '{"a": "{idd}"}'
[query.paths]
statu = "x"
error = "a..b"
[orders.imagine]
url = "https://{params.host}.example/"
body = '{"prompt": "{{ prompt }}", "{prompt}": 1, "seed": "{param.seed}"}'
id = "a["
refused = [200, "x||"]
idempotency_header = "a b"
[orders.pick]
url = "api.heron.example/pick"
body = "prompt={prompt}"
[orders.upscale]
url = "https://me:pw@api.heron.example/{parent.image}#top"
parents = ["imagin"]
[orders.imagines]
url = "https://api.heron.example/{ prompt }"
"""


def test_every_mistake_is_found_at_once_with_its_key() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        described(WRONG)
    told = [one for one in caught.value.exceptions if isinstance(one, OptionError)]
    assert len(told) == len(caught.value.exceptions)
    assert all(one.remedy for one in told)
    assert {(one.key, one.wrong) for one in told} >= {
        ("paces", "'imagin' is no action here"),
        ("query.url", "asks for no job: {id} is neither here nor in query.body"),
        ("query.headers", "'bad name' is no header's name"),
        ("query.headers", "host is written by gridhook itself"),
        ("query.body", "has a placeholder {idd} that does not exist"),
        ("query.paths.statu", "unknown key"),
        ("query.paths.error", "'a..b' is no path at ''"),
        ("orders.imagine.url", "has a placeholder in its host, or a fragment (#)"),
        ("orders.imagine.body", "has {{ prompt }}, which is put in as it stands"),
        ("orders.imagine.body", "has a placeholder in the name '{prompt}'"),
        ("orders.imagine.body", "has a placeholder {param.seed} that does not exist"),
        ("orders.imagine.id", "'a[' is no path at 'a['"),
        ("orders.imagine.refused", "200 is no status of a refusal"),
        ("orders.imagine.refused", "'x||' is no path at '||'"),
        ("orders.imagine.idempotency_header", "'a b' is no header's name"),
        ("orders.pick.url", "is not an http:// or https:// address with a host"),
        ("orders.pick.body", "is not JSON: Expecting value at character 0"),
        ("orders.pick.parents", "is missing: it works on another job"),
        ("orders.upscale.url", "has a placeholder in its host, or a fragment (#)"),
        ("orders.upscale.parents", "'imagin' is no action"),
        ("orders", "'imagines' is no action"),
        ("orders.imagines.url", "has { prompt }, which is put in as it stands"),
    }
    assert not any("me:pw" in str(one) for one in told)


@pytest.mark.parametrize("header", ["Host", "content-length", "Authorization", "content-type"])
def test_an_idempotency_key_takes_no_other_headers_place(header: str) -> None:
    with pytest.raises(OptionError, match="written already"):
        described(
            "[orders.imagine]\nurl = 'https://api.heron.example/'\nheaders = { authorization = '{key}' }\n"
            f"idempotency_header = '{header}'"
        )


def test_json_in_a_text_that_values_could_break_out_of_is_a_mistake() -> None:
    order = "[orders.imagine]\nurl = 'https://api.heron.example/'\nbody = '''{\"input\": %s}'''"
    open_text = json.dumps('{"seed": {params.seed}, "prompt": "{prompt}"}')
    with pytest.raises(OptionError, match="no quotes around it"):
        described(order % open_text)
    fine = ('{"seed": "{params.seed}"}', "[{params.style}] {prompt}", '{prompt} says "{params.words}"', "[{params.a}]")
    for text in fine:
        described(order % json.dumps(text))


@pytest.mark.parametrize("factor", ["inf", "1e300", "0.0"])
def test_a_cost_factor_is_a_number_to_count_with(factor: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="cost_factor"):
        described(f"cost_factor = {factor}")


def test_a_password_in_an_address_is_a_mistake() -> None:
    with pytest.raises(OptionError, match="user and password"):
        described('[orders.imagine]\nurl = "https://me:pw@api.heron.example/"')
