"""Any HTTP address: method, headers and body of the operator's own."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest

from handlers.http.transport import HttpTransport
from handlers.http_request import HttpRequest, check_headers
from receiver.errors import OptionError
from receiver.lib.signatures import Secret
from receiver.model.deliveries import Dead, Delivered, Outcome
from receiver.model.events import OperatorData, OperatorEvent
from support.delivering import Bound, outgoing, strange_event

URL = "https://n8n.example.com/webhook/pictures"
BODY = '{"prompt": {{ job.prompt | tojson }}, "pictures": {{ job.images | map(attribute="url") | list | tojson }}}'


async def sent(event: Any = None, answer: int = 200, **options: Any) -> tuple[Outcome, list[httpx.Request]]:
    seen: list[httpx.Request] = []

    def side(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(answer, text=f"no: {request.headers.get('x-team')}")

    made = HttpRequest(HttpRequest.Options(url=Secret(URL), **options))
    return await Bound(made, HttpTransport(httpx.MockTransport(side)), 0).deliver(outgoing(event)), seen


async def test_without_a_body_the_event_goes_out_as_it_was_kept() -> None:
    outcome, (request,) = await sent()
    assert outcome == Delivered(status=200)
    assert (request.method, str(request.url), request.content) == ("POST", URL, outgoing().body)
    assert (request.headers["content-type"], request.headers["idempotency-key"]) == ("application/json", "evt_01")


async def test_method_headers_and_body_are_the_operators() -> None:
    headers = {"X-Team": Secret("studio"), "Content-Type": Secret("application/x-own")}
    _, (request,) = await sent(method="PUT", headers=headers, body=BODY)
    assert (request.method, request.headers["x-team"]) == ("PUT", "studio")
    assert request.headers.get_list("content-type") == ["application/x-own"]
    assert msgspec.json.decode(request.content) == {
        "prompt": "a garden",
        "pictures": ["https://cdn.example.com/1.png"],
    }


async def test_whatever_a_vendor_says_the_body_is_json() -> None:
    outcome, (request,) = await sent(strange_event(), body=BODY)
    assert outcome == Delivered(status=200)
    assert msgspec.json.decode(request.content)["prompt"] == strange_event().data.prompt


async def test_an_operator_event_goes_out_as_it_is() -> None:
    data = OperatorData(sink="team", reason="it is down")
    event = OperatorEvent(id="evt_1", source="gridhook", type="sink.failing", subject="team", time="2026", data=data)
    _, (request,) = await sent(event, body=BODY)
    assert msgspec.json.decode(request.content)["data"]["reason"] == "it is down"


async def test_a_get_has_no_body() -> None:
    _, (request,) = await sent(method="GET")
    assert (request.method, request.content) == ("GET", b"")


@pytest.mark.parametrize("body", ['{"a": "{{ job.params.text }}"}', "{{ 1 + job.prompt }}"])
async def test_a_body_that_cannot_be_made_is_final_and_nothing_is_sent(body: str) -> None:
    outcome, seen = await sent(strange_event(), body=body)
    assert isinstance(outcome, Dead)
    assert outcome.note.startswith("the body cannot be made")
    assert seen == []


async def test_a_header_is_not_shown_where_the_other_side_repeats_it() -> None:
    outcome, _ = await sent(answer=400, headers={"x-team": Secret("hush-hush")})
    assert (outcome.status, outcome.note) == (400, "HTTP 400: no: ***")


@pytest.mark.parametrize("name", ["", "x y", "x:", "Host", "content-length", "é"])
def test_a_header_that_cannot_be_set_is_told(name: str) -> None:
    with pytest.raises(OptionError, match="not the name of a header"):
        check_headers({name: Secret("x")})
