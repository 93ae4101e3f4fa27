"""The border to provider code: whatever it raises or returns, nothing is lost and nothing is paid twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from structlog.testing import capture_logs

from receiver.contracts import Answer, Call, Order, Provider, Request, Source
from receiver.errors import InvalidParams, ProviderBroke, Unmapped, Unsupported
from receiver.model.deliveries import Accepted, NotAccepted, Unclear
from receiver.model.jobs import Cost, KeptJob, NextAction, Report
from receiver.providers.shared.dialect import Dialect
from support.records import a_job, a_source

KEPT: KeptJob = a_job(1)
ORDER = Order(kept=KEPT)
REQUEST = Request(source="odd", headers={}, body=b"", received_at=0)
ANSWER = Answer(status=200)
#: How gridhook calls each method.
CALLS: dict[str, Callable[[Provider, Source], Any]] = {
    "seal": lambda provider, source: provider.seal(REQUEST, source),
    "parse": lambda provider, source: provider.parse({}, {}),
    "parameters": lambda provider, source: provider.parameters("imagine"),
    "refusal": lambda provider, source: provider.refusal("imagine", {}, None),
    "local": lambda provider, source: provider.local(ORDER),
    "prepare": lambda provider, source: provider.prepare(ORDER, source),
    "order": lambda provider, source: provider.order(ORDER, source, None),
    "answered": lambda provider, source: provider.answered(ORDER, ANSWER, 0),
    "query": lambda provider, source: provider.query([KEPT], source),
    "read": lambda provider, source: provider.read(ANSWER, [KEPT]),
    "cancel": lambda provider, source: provider.cancel(KEPT, source),
    "next_actions": lambda provider, source: provider.next_actions(KEPT),
    "price": lambda provider, source: provider.price("imagine", {}),
}
# The same records, for what their types do not allow.
odd_report: Any = Report
odd_call: Any = Call
odd_accepted: Any = Accepted
odd_not_accepted: Any = NotAccepted
odd_next_action: Any = NextAction
odd_cost: Any = Cost
RAISING = ("parse", "prepare", "order", "query", "read")


class Odd(Dialect):
    """A vendor's code that does in every method as it is told."""

    name = "odd"

    def parse(self, value: Any, headers: Any) -> list[Report]:
        return []


def told(does: Callable[[], Any]) -> Source:
    """A source whose provider does this, whatever it is asked."""
    provider = Odd(None)
    for method in CALLS:
        setattr(provider, method, lambda *_: does())
    return a_source(provider=provider)


def raising(wrong: BaseException) -> Callable[[], Any]:
    def does() -> Any:
        raise wrong

    return does


def asked(source: Source, method: str) -> Any:
    """What comes back, or the ProviderBroke that is raised."""
    try:
        return CALLS[method](source.provider, source)
    except ProviderBroke as wrong:
        return wrong


def is_by_contract(method: str, answer: Any) -> bool:
    """True if it is what gridhook makes of a method that broke."""
    if method in RAISING:
        return isinstance(answer, ProviderBroke)
    if method == "local":
        return isinstance(answer, Report) and answer.status == "failed"
    if method == "answered":
        return isinstance(answer, Unclear)
    if method == "refusal":
        return isinstance(answer, str) and "broke" in answer
    return bool(
        answer
        == {"seal": "absent", "parameters": frozenset(), "cancel": None, "next_actions": (), "price": None}[method]
    )


@pytest.mark.parametrize(
    "wrong",
    [
        KeyError("x"),
        RecursionError(),
        SystemExit(1),
        KeyboardInterrupt(),
        asyncio.CancelledError(),
        GeneratorExit(),
        BaseException("x"),
    ],
    ids=lambda wrong: type(wrong).__name__,
)
@pytest.mark.parametrize("method", CALLS)
def test_whatever_a_provider_raises_it_has_a_meaning(method: str, wrong: BaseException) -> None:
    with capture_logs() as lines:
        assert is_by_contract(method, asked(told(raising(wrong)), method))
    assert [(line["event"], line["method"]) for line in lines] == [("provider.broke", method)]


@pytest.mark.parametrize(
    "answer", [5, object(), ["x"], {"x": object()}, NotImplemented], ids=lambda one: type(one).__name__
)
@pytest.mark.parametrize("method", CALLS)
def test_whatever_a_provider_returns_it_has_a_meaning(method: str, answer: Any) -> None:
    assert is_by_contract(method, asked(told(lambda: answer), method))


@pytest.mark.parametrize("method", sorted(set(CALLS) - {"refusal", "local", "prepare", "cancel", "price"}))
def test_none_is_an_answer_only_where_the_contract_says_so(method: str) -> None:
    assert is_by_contract(method, asked(told(lambda: None), method))


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("parse", [odd_report(provider_job_id="a", status="running", progress="50")]),
        ("parse", [odd_report(provider_job_id="a", status="nearly")]),
        ("parse", [odd_report(provider_job_id="a", status="running", prompt="\ud800")]),
        ("parse", [odd_report(provider_job_id="a", status="running", facts={"odd": object()})]),
        ("parse", [odd_report(provider_job_id="a", status="running"), None]),
        ("read", (odd_report(provider_job_id="a", status="running"),)),
        ("order", odd_call(method="POST", url=None)),
        ("order", Call(method="POST", url="https://a.example/jobs/../admin")),
        ("query", Call(method="GET", url="https://a.example/jobs/..")),
        ("query", Call(method="GET", url="https://a.example/jobs/%2e%2E?a=b")),
        ("cancel", Call(method="PUT", url="https://a.example/jobs/./cancel")),
        ("order", odd_call(method="BREW", url="https://a.example")),
        ("order", odd_call(method="POST", url="https://a.example", headers={"a": 5})),
        ("order", odd_call(method="POST", url="https://a.example", headers=None)),
        ("order", odd_call(method="POST", url="https://a.example", body="text")),
        ("answered", odd_accepted(report=None)),
        ("answered", odd_accepted(report=odd_report(provider_job_id=5, status="queued"))),
        ("answered", odd_not_accepted(note=None)),
        ("answered", odd_not_accepted(note="x", status=2**65)),
        ("next_actions", [odd_next_action(action=5, params={})]),
        ("price", odd_cost(amount=Decimal("NaN"), unit="USD", source="table")),
        ("price", odd_cost(amount=Decimal(1), unit=None, source="table")),
    ],
    ids=lambda one: one if isinstance(one, str) else type(one).__name__,
)
def test_a_record_with_something_else_in_it_is_none(method: str, answer: Any) -> None:
    assert is_by_contract(method, asked(told(lambda: answer), method))


@pytest.mark.parametrize("wrong", [Unmapped("x"), Unsupported("x"), InvalidParams("x")], ids=repr)
@pytest.mark.parametrize("method", ["prepare", "order"])
def test_what_the_contract_lets_it_raise_stays_what_it_is(method: str, wrong: Exception) -> None:
    source = told(raising(wrong))
    with pytest.raises(type(wrong)) as caught:
        CALLS[method](source.provider, source)
    assert caught.value is wrong


def test_the_very_same_next_actions_stay_the_very_same() -> None:
    choices = (NextAction(action="pick", params={"index": 1}),)
    source = told(lambda: choices)
    assert asked(source, "next_actions") is choices
    assert asked(source, "next_actions") is choices


def test_a_source_guards_its_provider_once_and_shows_its_attributes() -> None:
    source = told(lambda: None)
    again = Source(name="again", provider=source.provider, base_url="")
    assert again.provider is source.provider
    assert (again.provider.name, again.provider.unit, again.provider.query_batch) == ("odd", "credits", 0)
