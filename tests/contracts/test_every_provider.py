"""What every dialect promises, whatever its vendor: one line of the table each."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.order import with_extra
from receiver.contracts import (
    Answer,
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
from receiver.model.actions import CANONICAL, PARAMETERS, Params
from receiver.model.deliveries import (
    Accepted,
    NotAccepted,
    Refused,
    Unclear,
)
from receiver.model.folding import fold
from receiver.model.jobs import (
    Image,
    Job,
    KeptJob,
    Report,
)
from receiver.providers import PROVIDERS

FIXTURES = Path(__file__).parent.parent / "fixtures"
NOW = 1_795_255_200_000
AT = "2026-11-21T10:00:00.000Z"
HOOK = "https://hooks.example.com/in/main/ref1"
KEY, SECRET = "the-api-key", "the-secret"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One vendor: documented webhook bodies and the status they tell, and an answer to an order with its job id."""

    webhooks: dict[str, str]
    #: Name of the fixture that is a 2xx to an order, and the job's id in it; None where nothing can be ordered.
    submitted: tuple[str, str] | None
    #: The webhook header that proves a body genuine, for vendors that have one without `secrets`.
    signed: str | None = None
    #: Options that choose another of the vendor's APIs.
    variants: tuple[dict[str, Any], ...] = ()
    #: Whether any of its APIs can stop a job.
    cancels: bool = False
    #: What it is made with, and where its calls then go (by itself: to its `base_url`).
    options: dict[str, Any] = {}
    calls: str | None = None


#: A vendor that is described in TOML.
DESCRIBED: dict[str, Any] = {
    "query": {"url": "https://api.heron.example/pieces/{id}", "headers": {"authorization": "Bearer {key}"}},
    "orders": {
        action: {
            "url": "https://api.heron.example/pieces",
            "headers": {"authorization": "Bearer {key}"},
            "body": json.dumps(
                {"kind": action, "prompt": "{prompt}", "tile": "{index0}"}
                | ({} if action == "imagine" else {"of": "{parent.provider_job_id}"})
                | {"callback": {"url": "{webhook_url}", "word": "{secret}"}}
            ),
            "price": Decimal(3),
            "parents": () if action == "imagine" else ("imagine", "vary"),
        }
        | ({"idempotency_header": "idempotency-key"} if action == "imagine" else {})
        for action in ("imagine", "pick", "upscale", "vary")
    },
}
LINES = {
    "journeyapi": Line(
        webhooks={
            "fetch_processing": "running",
            "fetch_finished": "completed",
            "fetch_failed": "failed",
            "fetch_many_upscale": "completed",
        },
        submitted=("submitted", "772a0622-a41d-63f6-c938-668877662222"),
    ),
    "apiframe": Line(
        webhooks={
            "webhook_progress": "running",
            "webhook_completed": "completed",
            "webhook_failed": "failed",
            "job": "completed",
        },
        submitted=("submitted", "a1b2c3d4-e5f6-7890-abcd-ef1234567890"),
        signed="x-webhook-signature",
    ),
    "apimart": Line(
        webhooks={"task_completed": "completed", "view_imagine": "completed"},
        submitted=("submitted", "task_01KV52C0TEJSYZMCG0NCS4YWKK"),
    ),
    "vtrix": Line(
        webhooks={"assembled_task_completed": "completed", "assembled_task_failed": "failed"},
        submitted=("assembled_task_completed", "task-1"),
        variants=({"api": "queue"},),
        cancels=True,
    ),
    "midjourney-proxy": Line(
        webhooks={
            "assembled_trueai_pick": "completed",
            "assembled_trueai_grid": "completed",
            "novicezk_success": "completed",
            "novicezk_failed": "failed",
            "trueai_running": "running",
            "trueai_modal": "running",
        },
        submitted=("submitted", "8498455807619990"),
        options={"flavour": "trueai", "base_url": "https://mj.example"},
        variants=({"flavour": "novicezk"}, {"flavour": "novicezk", "simple_change": True}),
        cancels=True,
    ),
    "generic": Line(
        webhooks={
            "apiframe_v1_processing": "running",
            "apiframe_v1_final": "completed",
            "assembled_piapi_completed": "completed",
            "legnext_job": "completed",
            "midjourney_proxy": "completed",
            "ttapi_fetch": "completed",
        },
        submitted=("described_submitted", "p-17"),
        options=DESCRIBED,
        calls="https://api.heron.example",
    ),
}
#: One order of every canonical action, normalized.
ACTIONS: dict[str, tuple[Params, ...]] = {
    "imagine": ({"prompt": "a cat"},),
    "pick": ({"index": 2},),
    "upscale": tuple({"kind": kind} for kind in ("2x", "4x", "subtle", "creative", "v5_2x", "v5_4x")),
    "vary": ({"index": 3}, {"strength": "subtle"}, {"strength": "strong"}),
    "reroll": ({},),
    "zoom": ({"factor": 1.5}, {"factor": 2.0}),
    "pan": ({"direction": "left"},),
    "inpaint": ({"mask": "AAAA", "prompt": "a hat"}, {}),
    "outpaint": ({"factor": 2.0}, {}),
    "blend": ({"image_urls": ["https://x.example/1.png", "https://x.example/2.png"]},),
    "describe": ({"image_url": "https://x.example/1.png"}, {"image_urls": ["https://x.example/1.png"]}),
}
#: What a person must bring along: a mask as it is or its address.
MATERIAL: dict[str, tuple[Params, ...]] = {"inpaint": ({}, {"mask": "AAAA"}, {"mask": "https://x.example/m.png"})}
PICTURES = tuple(Image(index=index, url=f"https://x.example/{index}.png") for index in (1, 2, 3, 4))


def load(name: str, options: dict[str, Any] | None = None) -> Provider:
    module, _, attribute = PROVIDERS[name].partition(":")
    cls = getattr(import_module(module), attribute)
    provider: Provider = cls(msgspec.convert(LINES[name].options | (options or {}), cls.Options))
    return provider


def root(name: str) -> str:
    """Where the vendor's calls go."""
    return LINES[name].calls or PROVIDER[name].base_url


def dialects(name: str) -> list[Provider]:
    """The provider as it is without options, and with those that choose another API."""
    return [PROVIDER[name], *(load(name, options) for options in LINES[name].variants)]


PROVIDER = {name: load(name) for name in LINES}
every = pytest.mark.parametrize("name", LINES)


def source_of(name: str, **more: Any) -> Source:
    provider = PROVIDER[name]
    return Source(name="main", provider=provider, base_url=provider.base_url, api_key=Secret(KEY), **more)


def fixture(name: str, file: str) -> bytes:
    return (FIXTURES / name / f"{file}.json").read_bytes()


def job(name: str, action: str | None, **more: Any) -> KeptJob:
    fields = {"status": "completed", "provider_job_id": "their-1", "images": PICTURES, "params": {}, **more}
    facts = fields.pop("facts", {})
    made = Job(id="job_1", source="main", provider=name, action=action, root_id="job_1", created_at=AT, **fields)
    return KeptJob(number=1, job=made, facts=facts, intent="i")


def planned(name: str, action: str, params: Params, parent: KeptJob | None, hook: str | None = HOOK) -> Order:
    kept = job(name, action, params=params, status="planned", provider_job_id=None, images=())
    return Order(kept=kept, ancestors=() if parent is None else (parent,), webhook_url=hook)


def real_parents(name: str) -> Iterator[KeptJob | None]:
    """No parent, and one of every action, with the facts that the vendor's own documented answers leave."""
    yield None
    grids = [report for file in LINES[name].webhooks for report in PROVIDER[name].parse(read(name, file), {})]
    facts = next((report.facts for report in grids if report.facts), {})
    for action in sorted(CANONICAL):
        single = {"images": PICTURES[:1]} if action in ("pick", "upscale") else {}
        yield job(name, action, facts=facts, **single)


def read(name: str, file: str) -> Any:
    return json.loads(fixture(name, file))


def orders(name: str, hook: str | None = HOOK) -> Iterator[tuple[Order, Parent | None]]:
    for parent in real_parents(name):
        known = None if parent is None else Parent(action=parent.job.action, provider=name, kept=parent)
        for action, choices in ACTIONS.items():
            for params in choices:
                yield planned(name, action, params, parent, hook), known


# --- strategies -------------------------------------------------------------------------------------------------------

HEADER_TEXT = st.text(st.characters(codec=None), max_size=80) | st.text(max_size=80)
HEADERS = st.dictionaries(
    st.sampled_from(["x-webhook-secret", "x-webhook-signature", "x-signature", "content-type", "x-webhook-event"]),
    HEADER_TEXT,
)
WORDS = st.sampled_from(["completed", "SUCCESS", "failed", "PROCESSING", "modal", "imagine", "https://x.example/1.png"])
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | WORDS | st.just("1e9999999")
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=8,
)
#: Status and headers of an answer, and its body where that is not the JSON.
STATUSES = st.sampled_from([200, 202, 400, 404, 409, 429, 500]) | st.integers(100, 599)
WAITS = st.dictionaries(st.just("retry-after"), st.text(max_size=20))
GARBLED = st.none() | st.binary(max_size=30)


def names_in(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*(names_in(inner) for inner in value.values()))
    return set().union(*(names_in(inner) for inner in value)) if isinstance(value, list) else set()


@cache
def like_a_body(name: str) -> st.SearchStrategy[Any]:
    """A documented body with some of it replaced, JSON under the names that the vendor uses, or any JSON.

    Made once for each vendor: to make such a strategy takes longer than to draw from it.
    """
    return st.sampled_from(sorted(LINES[name].webhooks)).flatmap(lambda file: _near(name, file)) | JSON


@cache
def _near(name: str, file: str) -> st.SearchStrategy[Any]:
    known = sorted(names_in(read(name, file)))
    in_their_names = st.recursive(
        LEAVES, lambda inner: st.lists(inner, max_size=3) | _named(known, inner), max_leaves=12
    )
    return in_their_names | _with_replacements(fixture(name, file))


@st.composite
def _with_replacements(draw: st.DrawFn, text: bytes) -> Any:
    body = json.loads(text)
    for _ in range(draw(st.integers(1, 3))):
        place = body
        while isinstance(place, dict) and place:
            key = draw(st.sampled_from(sorted(place)))
            if not isinstance(place[key], dict) or draw(st.booleans()):
                place[key] = draw(JSON)
                break
            place = place[key]
    return body


def _named(names: list[str], inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.dictionaries(st.sampled_from(names), inner, max_size=6)


# --- what it is -------------------------------------------------------------------------------------------------------


def test_every_provider_of_the_table_has_its_line_here() -> None:
    assert set(LINES) == set(PROVIDERS)


@every
def test_it_says_what_it_is(name: str) -> None:
    for provider in dialects(name):
        assert provider.name == name
        assert provider.unit in ("credits", "USD")
        assert provider.seals in ("secret", "signature", "nothing")
        assert [type(said) for said in (provider.webhooks, provider.refunds)] == [bool] * 2
        assert isinstance(provider.idempotent, bool | frozenset)
        assert type(provider.query_batch) is int
        assert provider.query_batch >= 0
        assert provider.retention is None or (type(provider.retention) is float and provider.retention > 0)
        assert all(type(pace) is float and pace > 0 for pace in provider.paces.values())
        url = provider.base_url
        assert url == "" or (url.startswith("https://") and not url.endswith("/"))
        assert (url == "") == (LINES[name].calls is not None)


@every
def test_every_price_is_in_the_unit_that_the_vendor_counts_in(name: str) -> None:
    for provider in dialects(name):
        costs = [provider.price(action, params) for action, choices in ACTIONS.items() for params in choices]
        assert {cost.unit for cost in costs if cost is not None} <= {provider.unit}


@every
def test_an_unknown_option_is_refused(name: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"no_such_option": 1}, PROVIDER[name].Options)


# --- in ---------------------------------------------------------------------------------------------------------------


@every
def test_every_documented_webhook_tells_its_status(name: str) -> None:
    for file, status in LINES[name].webhooks.items():
        [report] = PROVIDER[name].parse(read(name, file), {})
        assert (file, report.status) == (file, status)
        assert report.provider_job_id
        assert (report.error is not None) == (status == "failed")
        assert [image.index for image in report.images] == list(range(1, len(report.images) + 1))


@every
def test_what_it_reports_can_be_folded_and_written(name: str) -> None:
    for file, status in LINES[name].webhooks.items():
        [report] = PROVIDER[name].parse(read(name, file), {})
        after = fold(job(name, None, status="running", images=()), report, AT)
        assert after.job.status == status
        assert msgspec.json.decode(msgspec.json.encode(after.job), type=Job) == after.job
        assert fold(after, report, AT) is after, "a repeat changes nothing"


@every
@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_no_json_makes_parse_raise_anything_but_unmapped(name: str, data: st.DataObject) -> None:
    value = data.draw(like_a_body(name))
    try:
        reports = PROVIDER[name].parse(value, data.draw(HEADERS))
    except Unmapped:
        return
    assert reports
    for report in reports:
        assert isinstance(report, Report)
        assert report.provider_job_id is None or 0 < len(report.provider_job_id) <= 200
        assert report.progress is None or 0 <= report.progress <= 100
        assert report.cost is None or report.cost.amount >= 0
        assert all(image.url.lower().startswith(("http://", "https://")) for image in report.images)
        msgspec.json.encode(report)


@every
@settings(deadline=None)
@given(headers=HEADERS, body=st.binary(max_size=60), secured=st.booleans())
def test_no_header_makes_seal_raise_or_believe(name: str, headers: dict[str, str], body: bytes, secured: bool) -> None:
    source = source_of(name, secrets=(Secret(SECRET),) if secured else ())
    request = Request(source="main", headers=headers, body=body, received_at=NOW)
    assert PROVIDER[name].seal(request, source) in ("absent", "wrong")


@every
def test_the_right_secret_is_valid_a_wrong_one_wrong_and_none_absent(name: str) -> None:
    source = source_of(name, secrets=(Secret(SECRET), Secret("an-older-one")))
    wanted = {SECRET: "valid", "an-older-one": "valid", "another": "wrong", "": "wrong", f"{SECRET}, another": "wrong"}
    for text, seal in wanted.items():
        request = Request(source="main", headers={"x-webhook-secret": text}, body=b"{}", received_at=NOW)
        assert PROVIDER[name].seal(request, source) == seal
    assert PROVIDER[name].seal(Request(source="main", headers={}, body=b"{}", received_at=NOW), source) == "absent"


@pytest.mark.parametrize("name", [name for name, line in LINES.items() if line.signed])
def test_a_signature_holds_for_its_body_alone(name: str) -> None:
    key = hashlib.sha256(KEY.encode()).digest()
    header = {LINES[name].signed or "": hmac.new(key, b"{}", hashlib.sha256).hexdigest()}
    source = source_of(name)
    told = {
        body: PROVIDER[name].seal(Request(source="main", headers=header, body=body, received_at=NOW), source)
        for body in (b"{}", b"{ }")
    }
    assert told == {b"{}": "valid", b"{ }": "wrong"}
    assert PROVIDER[name].seals == "signature"


# --- out --------------------------------------------------------------------------------------------------------------


@every
def test_what_is_refused_sends_nothing_and_what_is_allowed_is_a_call(name: str) -> None:
    provider, source = PROVIDER[name], source_of(name)
    calls = 0
    for order, parent in orders(name):
        reason = provider.refusal(order.action, order.params, parent)
        assert reason is None or reason.strip()
        if reason is not None:
            with pytest.raises((Unsupported, InvalidParams)):
                provider.order(order, source, None)
            continue
        if provider.local(order) is not None or provider.prepare(order, source) is not None:
            continue
        try:
            call = provider.order(order, source, None)
        except (Unsupported, InvalidParams):
            continue
        calls += 1
        assert call.method == "POST"
        assert call.url.startswith(root(name) + "/")
        assert isinstance(json.loads(call.body or b""), dict)
    assert (calls > 0) == (LINES[name].submitted is not None)


@every
def test_a_grid_can_be_picked_where_anything_can_be_ordered(name: str) -> None:
    provider = PROVIDER[name]
    grid = next(parent for parent in real_parents(name) if parent is not None and parent.job.action == "imagine")
    reason = provider.refusal("pick", {"index": 2}, Parent(action="imagine", provider=name, kept=grid))
    assert (reason is None) == (LINES[name].submitted is not None)


@every
def test_no_key_and_no_secret_is_in_an_address_or_a_repr(name: str) -> None:
    provider = PROVIDER[name]
    source = source_of(name, secrets=(Secret(SECRET),), old_api_keys=(Secret("old-key"),))
    for order, parent in orders(name):
        if provider.refusal(order.action, order.params, parent) is not None or provider.local(order) is not None:
            continue
        prepared = provider.prepare(order, source)
        call = prepared or _built(provider, order, source)
        if call is None:
            continue
        shown = f"{call.url} {call!r}"
        assert all(text not in shown for text in (KEY, SECRET, "old-key"))
        assert any(KEY in value for value in call.headers.values())
        assert b"old-key" not in (call.body or b"")


def _built(provider: Provider, order: Order, source: Source) -> Any:
    try:
        return provider.order(order, source, None)
    except (Unsupported, InvalidParams):
        return None


@every
def test_the_webhook_address_goes_out_when_there_is_one_and_only_then(name: str) -> None:
    provider, source = PROVIDER[name], source_of(name, secrets=(Secret(SECRET),))
    if LINES[name].submitted is None:
        assert not provider.webhooks
        return
    with_hook = provider.order(planned(name, "imagine", {"prompt": "a cat"}, None), source, None)
    without = provider.order(planned(name, "imagine", {"prompt": "a cat"}, None, None), source, None)
    assert (HOOK.encode() in (with_hook.body or b"")) == provider.webhooks
    assert b"hook" not in (without.body or b"")
    assert SECRET.encode() not in (without.body or b"")


@every
def test_the_same_order_is_the_same_call(name: str) -> None:
    provider, source = PROVIDER[name], source_of(name)
    if LINES[name].submitted is None:
        return
    order = planned(name, "imagine", {"prompt": "a cat"}, None)
    assert provider.order(order, source, None) == provider.order(order, source, None)
    headers = provider.order(order, source, None).headers
    assert ("idempotency-key" in headers) == source.honours_key("imagine")


@every
def test_every_offered_next_action_is_allowed_once_its_own_material_is_given(name: str) -> None:
    provider = PROVIDER[name]
    offered = 0
    for parent in real_parents(name):
        if parent is None:
            continue
        known = Parent(action=parent.job.action, provider=name, kept=parent)
        for one in provider.next_actions(parent):
            offered += 1
            tries = [one.params | more for more in MATERIAL.get(one.action, ({},))]
            assert any(provider.refusal(one.action, params, known) is None for params in tries), one
            assert one.cost == provider.price(one.action, one.params)
    assert (offered > 0) == (LINES[name].submitted is not None)


@every
def test_every_next_action_names_parameters_that_are_known(name: str) -> None:
    provider = PROVIDER[name]
    for parent in real_parents(name):
        for one in provider.next_actions(parent) if parent is not None else ():
            assert set(one.params) <= provider.parameters(one.action), one


@every
def test_the_canonical_parameters_are_known_at_every_vendor_and_others_are_not(name: str) -> None:
    for action, names in PARAMETERS.items():
        known = PROVIDER[name].parameters(action)
        assert names <= known
        assert not known & {"knd", "promt", "extra", "source", "then"}


@every
def test_whatever_can_be_ordered_can_be_with_parameters_that_are_known(name: str) -> None:
    provider = PROVIDER[name]
    possible: dict[str, list[bool]] = {}
    for order, parent in orders(name):
        if provider.refusal(order.action, order.params, parent) is None:
            known = provider.parameters(order.action)
            possible.setdefault(order.action, []).append(set(order.params) <= known)
    assert all(any(known) for known in possible.values()), possible


@every
def test_extra_goes_into_the_top_level_of_every_order(name: str) -> None:
    extra = {"seed": 7, "nested": {"a": [1]}}
    for provider in dialects(name):
        source = msgspec.structs.replace(source_of(name), provider=provider)
        for order, _ in orders(name):
            try:
                call = provider.order(order, source, None)
            except (Unsupported, InvalidParams):
                continue
            sent = json.loads(with_extra(call, extra).body or b"")
            assert sent == json.loads(call.body or b"") | extra
            assert with_extra(call, {}) is call


@every
def test_nothing_is_offered_after_a_failure(name: str) -> None:
    assert not PROVIDER[name].next_actions(job(name, "imagine", status="failed", images=()))


# --- answers ----------------------------------------------------------------------------------------------------------


@every
def test_the_documented_acceptance_names_the_job(name: str) -> None:
    line = LINES[name]
    if line.submitted is None:
        outcome = PROVIDER[name].answered(planned(name, "imagine", {}, None), Answer(status=200, body=b"{}"), NOW)
        assert isinstance(outcome, Unclear)
        return
    file, job_id = line.submitted
    order = planned(name, "imagine", {"prompt": "a cat"}, None)
    outcome = PROVIDER[name].answered(order, Answer(status=200, body=fixture(name, file)), NOW)
    assert isinstance(outcome, Accepted)
    assert outcome.report.provider_job_id == job_id


@every
def test_what_says_nothing_about_the_order_is_unclear(name: str) -> None:
    if LINES[name].submitted is None:
        return
    order = planned(name, "imagine", {"prompt": "a cat"}, None)
    for status, body in ((200, b""), (200, b"{}"), (200, b"<html>"), (500, b"{}"), (502, b"bad gateway"), (302, b"")):
        outcome = PROVIDER[name].answered(order, Answer(status=status, body=body), NOW)
        assert isinstance(outcome, Unclear), (status, body)


@every
def test_429_is_not_accepted_and_its_wait_is_kept(name: str) -> None:
    if LINES[name].submitted is None:
        return
    order = planned(name, "imagine", {"prompt": "a cat"}, None)
    answer = Answer(status=429, headers={"retry-after": "9"}, body=b"{}")
    outcome = PROVIDER[name].answered(order, answer, NOW)
    assert isinstance(outcome, NotAccepted)
    assert outcome.after == 9.0


@every
@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_no_answer_makes_answered_raise_or_read_raise_anything_but_unmapped(name: str, data: st.DataObject) -> None:
    provider = PROVIDER[name]
    value = data.draw(like_a_body(name))
    garbled = data.draw(GARBLED)
    body = _encoded(value) if garbled is None else garbled
    answer = Answer(status=data.draw(STATUSES), body=body, headers=data.draw(WAITS))
    order = planned(name, "imagine", {"prompt": "a cat"}, None)
    assert isinstance(provider.answered(order, answer, NOW), Accepted | NotAccepted | Refused | Unclear)
    try:
        reports = provider.read(answer, [job(name, "imagine", status="running", images=())])
    except Unmapped:
        return
    assert all(isinstance(report, Report) for report in reports)


def _encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


@every
def test_only_what_takes_no_orders_cannot_be_asked(name: str) -> None:
    for provider in dialects(name):
        assert (provider.query_batch == 0) == (LINES[name].submitted is None)
        if provider.query_batch == 0:
            with pytest.raises(Unsupported):
                provider.query([job(name, "imagine", status="running", images=())], source_of(name))
            with pytest.raises(Unmapped):
                provider.read(Answer(status=200, body=b"{}"), [])


@every
def test_as_many_jobs_as_it_says_fit_into_one_query(name: str) -> None:
    for provider in dialects(name):
        asked = [job(name, "imagine", status="running", provider_job_id=f"j{n}") for n in range(provider.query_batch)]
        if asked:
            call = provider.query(asked, source_of(name))
            said = call.url.encode() + (call.body or b"")
            assert all((kept.job.provider_job_id or "").encode() in said for kept in asked)


@every
def test_a_job_is_stopped_at_its_own_source_or_not_at_all(name: str) -> None:
    foreign = {"cancel_url": "https://evil.example/cancel", "status_url": "https://evil.example/status"}
    calls = []
    for provider in dialects(name):
        source = msgspec.structs.replace(source_of(name), provider=provider, base_url="https://own.example/api")
        assert provider.cancel(job(name, "imagine", status="submitting", provider_job_id=None), source) is None
        for action in [*ACTIONS, None]:
            running = job(name, action, status="running", images=(), provider_job_id="a/b", facts=foreign)
            calls.append(provider.cancel(running, source))
    made = [call for call in calls if call is not None]
    assert (len(made) > 0) == LINES[name].cancels
    for call in made:
        assert call.url.startswith("https://own.example/api/")
        assert "a/b" not in call.url
        assert call.method != "GET"
        assert any(KEY in value for value in call.headers.values())
        assert KEY not in f"{call.url} {call!r}"


@every
def test_a_query_is_free_of_bodies_it_need_not_have_and_carries_the_key(name: str) -> None:
    provider = PROVIDER[name]
    running = job(name, "imagine", status="running", images=(), provider_job_id="a/b")
    if LINES[name].submitted is None:
        with pytest.raises(Unsupported):
            provider.query([running], source_of(name))
        return
    call = provider.query([running], source_of(name))
    assert call.url.startswith(root(name) + "/")
    assert "a/b" not in call.url
    assert (call.method == "GET") == (call.body is None)
    assert any(KEY in value for value in call.headers.values())


@every
def test_a_price_is_known_or_not_but_never_zero_and_never_a_float(name: str) -> None:
    for action, choices in ACTIONS.items():
        for params in choices:
            cost = PROVIDER[name].price(action, params)
            free = PROVIDER[name].local(planned(name, action, params, job(name, "imagine"))) is not None
            assert cost is None or (cost.source == "table" and (cost.amount > 0 or free))
