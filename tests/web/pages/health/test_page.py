"""How sources and sinks do, whether a webhook is set up, and looking after what must be reached."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from handlers.http.foreign import GuardedClient
from handlers.http.transport import HttpTransport
from handlers.log import Log
from handlers.ntfy import Ntfy
from receiver.composition import Outside
from receiver.config import Config
from receiver.contracts import DeliveryContext, NoOptions, Sink, Transport
from receiver.lib.signatures import PROBE_HEADER, Secret, probe_answer
from receiver.model.deliveries import order_lane, sink_lane
from receiver.model.destinations import Destination
from receiver.model.money import Breaker
from support.browsing import VIEWER, Browser, a_browser, words
from support.face import GRID, with_source
from support.records import NOW
from support.world import Clock

SINKS = {"team": Sink(name="team", handler=Log(NoOptions()), handler_name="log")}


def outside(answer: object, clock: Clock) -> Outside:
    """A world in which every call is answered like that."""

    @asynccontextmanager
    async def open_transport(_config: Config) -> AsyncIterator[Transport]:
        network = httpx.MockTransport(answer)  # type: ignore[arg-type]
        transport = HttpTransport(network)
        yield transport
        await transport.aclose()

    @asynccontextmanager
    async def open_context(config: Config, sink: Sink) -> AsyncIterator[DeliveryContext]:
        async with open_transport(config) as transport:
            foreign = GuardedClient(transport, ())
            yield DeliveryContext(transport=transport, foreign=foreign, sink=sink.name, clock=clock, timeout=5)

    return Outside(open_context=open_context, open_transport=open_transport)


async def test_what_is_well_is_said_in_three_words(tmp_path: Path) -> None:
    async with a_browser(tmp_path, sinks=SINKS) as browser:
        page = words(await browser.see("/health"))
        assert "All is well" in page
        assert "No webhook came yet" in page
        await browser.face.post(GRID)
        page = words(await browser.see("/health"))
        assert "Jobs 1" in page
        assert "100 % by webhook" in page
        assert "The last webhook came now" in page


async def test_what_needs_a_look_stands_on_top_with_a_way_to_it(tmp_path: Path) -> None:
    async with a_browser(tmp_path, sinks=SINKS) as browser:
        store = browser.face.store
        breaker = Breaker(source="journey", code="auth", note="<b>no</b>", since=NOW, probe_at=NOW + 1, failures=1)
        await store.write(lambda tx: tx.put_breaker(breaker))
        paused = Destination(lane=sink_lane("team"), wait_until=NOW + 60_000, failures=21, paused_at=NOW)
        await store.write(lambda tx: tx.put_destination(paused))
        page = await browser.see("/health")
        assert "2 things need a look" in words(page)
        assert "journey takes no orders (auth): <b>no</b>" in words(page)
        assert "team refused 21 deliveries in a row" in words(page)
        assert 'href="/deliveries?sink=team"' in page
        await store.write(lambda tx: tx.close_breaker("journey"))
        await store.write(lambda tx: tx.clear_destination(sink_lane("team")))
        await store.write(
            lambda tx: tx.put_destination(Destination(lane=order_lane("journey"), failures=3, paused_at=NOW))
        )
        assert "journey cannot be reached" in words(await browser.see("/health"))


async def test_only_an_admin_is_shown_secrets(tmp_path: Path) -> None:
    source = with_source("mart", secrets=(), token=Secret("a-token-in-the-path"))
    async with a_browser(tmp_path, sources=(source,)) as browser:
        page = await browser.see("/health")
        assert "hook-secret" in page
        assert "https://hooks.example.com/in/mart/a-token-in-the-path" in page
    async with a_browser(tmp_path, sources=(source,), role_token=VIEWER) as browser:
        page = await browser.see("/health")
        assert ">hook-secret<" not in page
        assert 'data-copy="hook-secret"' not in page
        assert 'data-secret="' not in page
        assert "a-token-in-the-path" not in page
        assert "Only an admin is shown it" in words(page)
        assert (await browser.send("/doctor")).status_code == 403
        assert (await browser.send("/sinks/team/test")).status_code == 403


async def test_the_light_turns_with_the_first_webhook_and_says_why_one_was_refused(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        part = await browser.see("/health/hooks/journey")
        assert 'class="dot wait"' in part
        assert "every 3s" in part
        await browser.face.post(GRID, headers={"x-webhook-secret": "wrong"})
        assert "Lately refused: header_differs" in words("<body>" + await browser.see("/health/hooks/journey"))
        await browser.face.post(GRID)
        part = await browser.see("/health/hooks/journey")
        assert 'class="dot ok"' in part
        assert "every 3s" not in part
        await browser.see("/health/hooks/nothing", status=404)


async def test_a_sink_is_tested_by_a_button(tmp_path: Path) -> None:
    clock = Clock()
    world = outside(lambda _: httpx.Response(200), clock)
    # No log: that is the whole process's, and what other tests left of it.
    push = Ntfy(Ntfy.Options(url=Secret("https://ntfy.example/studio")))
    sinks = {"team": Sink(name="team", handler=push, handler_name="ntfy")}
    async with a_browser(tmp_path, sinks=sinks, clock=clock, outside=world) as browser:
        assert "/sinks/team/test" in await browser.see("/health")
        answer = await browser.send("/sinks/team/test")
        assert (answer.status_code, "team took the test" in words(answer.text)) == (200, True)
        assert (await browser.send("/sinks/nobody/test")).status_code == 404


async def test_where_no_calls_can_be_made_none_is_offered(tmp_path: Path) -> None:
    async with a_browser(tmp_path, sinks=SINKS) as browser:
        page = await browser.see("/health")
        assert "/doctor" not in page
        assert "/test" not in page
        assert (await browser.send("/doctor")).status_code == 404


async def test_the_doctor_tells_what_is_well_and_what_is_not(tmp_path: Path) -> None:
    clock = Clock()
    asked: list[str] = []
    browsers: list[Browser] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        if "/healthz" in str(request.url):
            told = probe_answer(browsers[0].face.store.ref_key, request.url.params["probe"])
            return httpx.Response(200, headers={PROBE_HEADER: told, "date": "Tue, 01 Jan 2030 00:00:00 GMT"})
        return httpx.Response(405 if "/in/" in str(request.url) else 401)

    async with a_browser(tmp_path, sinks=SINKS, clock=clock, outside=outside(answer, clock)) as browser:
        browsers.append(browser)
        await browser.see("/health")
        page = words((await browser.send("/doctor")).text)
        assert "https://hooks.example.com leads here" in page
        assert "https://hooks.example.com/in/journey can be posted to" in page
        assert "s beside the answer's" in page
        assert "source journey the api_key is refused (HTTP 401)" in page
        assert "database a write took" in page
        assert "sink team is only tried by a message" in page
        assert not any("hooks.example.com/in/" in url and "?" in url for url in asked)


async def test_who_answers_in_our_place_is_found_out(tmp_path: Path) -> None:
    clock = Clock()
    world = outside(lambda _: httpx.Response(200, headers={PROBE_HEADER: "0" * 32}), clock)
    async with a_browser(tmp_path, clock=clock, outside=world) as browser:
        await browser.see("/health")
        assert "but not by this gridhook" in words((await browser.send("/doctor")).text)


async def test_a_probe_is_answered_as_only_this_gridhook_can(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        answer = await browser.client.get("/healthz?probe=abc")
        assert answer.headers[PROBE_HEADER] == probe_answer(browser.face.store.ref_key, "abc")
        assert re.fullmatch("[0-9a-f]{32}", answer.headers[PROBE_HEADER])
        assert PROBE_HEADER not in (await browser.client.get("/healthz?probe=" + "a" * 65)).headers
        assert PROBE_HEADER not in (await browser.client.get("/healthz")).headers
