"""What every handler keeps to. A new one is a line in CASES."""

from __future__ import annotations

import atexit
import base64
import logging
import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from decimal import Decimal
from functools import cache
from typing import Any, Final, get_args

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from handlers.apprise import Apprise
from handlers.discord import Discord
from handlers.email import Email
from handlers.http.transport import HttpTransport
from handlers.http_request import HttpRequest
from handlers.local.json_lines import JsonLines
from handlers.local.program import Program
from handlers.log import Log
from handlers.nats import Nats
from handlers.ntfy import Ntfy
from handlers.slack import Slack
from handlers.teams import Teams
from handlers.telegram import Telegram
from handlers.webhook import Webhook
from receiver.contracts import Handler, NoOptions, ProbedHandler, SinkProbe
from receiver.errors import TransportError
from receiver.lib.signatures import Secret
from receiver.model.deliveries import (
    Again,
    Dead,
    Delivered,
    Outcome,
    OutgoingEvent,
)
from receiver.model.events import Event, EventType
from receiver.model.jobs import (
    Cost,
    Hold,
    Image,
    Job,
    JobError,
    Status,
)
from support.delivering import Bound
from support.json_services import JsonServices, json_services
from support.nats_server import add_stream, nats_server
from support.strict_sinks import StrictMailbox, mail_server

NOW = 1_800_000_000_000
#: What a handler may send beside the event's own bytes.
MAX_SENT = 100_000
#: An answer that every healthy side can give.
HEALTHY = {
    "ok": True,
    "ts": "1.2",
    "channel": "C1",
    "id": "1",
    "channel_id": "12",
    "result": {"message_id": 1, "chat": {"id": -100123}},
}


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One handler as it would be configured."""

    handler: type[Any]
    options: msgspec.Struct
    #: Whether it speaks HTTP to another side.
    speaks: bool = True
    #: Whether the other side can be asked, for nothing, if it knows us; else there is only a connection to try.
    asks: bool = False

    def made(self, side: Callable[[httpx.Request], httpx.Response], now: int = NOW) -> Bound:
        """The handler, with `side` as the network."""
        handler: Handler = self.handler(self.options)
        return Bound(handler, HttpTransport(httpx.MockTransport(side)), now)

    @property
    def secrets(self) -> list[str]:
        """Every secret of its options, and the part of an address that makes it one."""
        given = [getattr(self.options, name) for name in self.options.__struct_fields__]
        values = [tuple(value.values()) if isinstance(value, dict) else value for value in given]
        each = [one for value in values for one in (value if isinstance(value, tuple) else (value,))]
        texts = [value.reveal() for value in each if isinstance(value, Secret)]
        return [part for text in texts for part in (text, text.rpartition("/")[2])]


FOLDER: Final = tempfile.mkdtemp(prefix="gridhook-handlers-")
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)


class MailCase(Case, frozen=True, kw_only=True):
    """The one that speaks SMTP: each delivery meets a mail server of its own."""

    def made(self, side: Callable[[httpx.Request], httpx.Response], now: int = NOW) -> Bound:
        """The handler, with a healthy mail server, and `side` as the network where pictures are."""
        return MailBound(self.handler(self.options), HttpTransport(httpx.MockTransport(side)), now)


class MailBound(Bound):
    """A mail handler and its context."""

    async def deliver(self, outgoing: OutgoingEvent) -> Outcome:
        """One try, at a mail server that takes everything that is right."""
        async with mail_server(StrictMailbox()) as port:
            options = msgspec.structs.replace(MAIL, smtp=f"smtp://127.0.0.1:{port}")
            return await Bound(Email(options), self.context.transport, NOW).deliver(outgoing)

    async def probe(self) -> SinkProbe:
        """Opens such a mail server."""
        mailbox = StrictMailbox()
        async with mail_server(mailbox) as port:
            options = msgspec.structs.replace(MAIL, smtp=f"smtp://127.0.0.1:{port}")
            found = await Bound(Email(options), self.context.transport, NOW).probe()
        assert not mailbox.mails
        return found


#: What runs beside the cases that need a real other side, from when one of them is first used.
BESIDE: Final = ExitStack()
atexit.register(BESIDE.close)


class NatsCase(Case, frozen=True, kw_only=True):
    """The one that speaks NATS: all deliveries meet one real server."""

    def made(self, _side: Callable[[httpx.Request], httpx.Response], now: int = NOW) -> Bound:
        """The handler, with the server as its network."""
        options = msgspec.structs.replace(NATS, servers=(Secret(nats_address()),))
        return NatsBound(Nats(options), HttpTransport(), now)


class NatsBound(Bound):
    """A NATS handler and its context."""

    async def deliver(self, outgoing: OutgoingEvent) -> Outcome:
        """One try, at a server that has a stream for all that a sink publishes."""
        await add_stream(nats_address(), "EVENTS", "gridhook.>")
        return await super().deliver(outgoing)


@cache
def nats_address() -> str:
    return BESIDE.enter_context(nats_server())


class AppriseCase(Case, frozen=True, kw_only=True):
    """The one that calls in threads: all deliveries meet one server of theirs."""

    def made(self, _side: Callable[[httpx.Request], httpx.Response], now: int = NOW) -> Bound:
        """The handler, with the server as its network."""
        url = apprise_side().url("hushhushhush")
        return Bound(Apprise(Apprise.Options(urls=(Secret(url),))), HttpTransport(), now)


@cache
def apprise_side() -> JsonServices:
    return BESIDE.enter_context(json_services())


NATS: Final = Nats.Options(servers=(Secret("nats://gridhook:hushhushhush@127.0.0.1:4222"),))
MAIL: Final = Email.Options(smtp="smtp://127.0.0.1:25", sender="bot@example.com", to=("ada@example.com",))
HOOK: Final = "https://hooks.example.com/services/T0/B0/hushhushhushhushhush"
CASES: Final = {
    "slack hook": Case(handler=Slack, options=Slack.Options(url=Secret(HOOK))),
    "slack bot": Case(asks=True, handler=Slack, options=Slack.Options(token=Secret("xoxb-hushhushhush"), channel="C1")),
    "slack bot with buttons": Case(
        asks=True,
        handler=Slack,
        options=Slack.Options(
            token=Secret("xoxb-hushhushhush"),
            channel="C1",
            app_token=Secret("xapp-hush-of-the-app"),
            signing_secret=Secret("hush-of-signatures"),
            confirm_above=Decimal(4),
        ),
    ),
    "discord webhook": Case(
        asks=True,
        handler=Discord,
        options=Discord.Options(url=Secret("https://discord.example/api/webhooks/12/hushhushhushhush")),
    ),
    "discord bot": Case(
        asks=True, handler=Discord, options=Discord.Options(token=Secret("hush.hush.hush"), channel="12")
    ),
    "telegram": Case(
        asks=True, handler=Telegram, options=Telegram.Options(token=Secret("123456:hushhushhushhush"), chat="-100123")
    ),
    "webhook": Case(
        handler=Webhook,
        options=Webhook.Options(url=Secret(HOOK), secret=(Secret("whsec_" + base64.b64encode(b"hush" * 8).decode()),)),
    ),
    "http": Case(
        handler=HttpRequest,
        options=HttpRequest.Options(url=Secret(HOOK), headers={"x-key": Secret("hush-in-a-header")}),
    ),
    "http with a body": Case(
        handler=HttpRequest,
        options=HttpRequest.Options(
            url=Secret(HOOK),
            method="PUT",
            body='{"said": {{ job.prompt | truncate(80) | tojson }}, "id": "{{ job.id }}"}',
        ),
    ),
    "ntfy": Case(
        handler=Ntfy, options=Ntfy.Options(url=Secret("https://ntfy.example/hushhushhush"), token=Secret("tk_hushhush"))
    ),
    "teams": Case(handler=Teams, options=Teams.Options(url=Secret(f"{HOOK}?sig=hushhushhushhushhush"))),
    "file": Case(handler=JsonLines, options=JsonLines.Options(path=f"{FOLDER}/events.jsonl"), speaks=False),
    "exec": Case(
        handler=Program,
        options=Program.Options(command=("/bin/sh", "-c", "cat >/dev/null"), env={"KEY": Secret("hush-in-a-variable")}),
        speaks=False,
    ),
    "email": MailCase(handler=Email, options=MAIL, speaks=False),
    "apprise": AppriseCase(
        handler=Apprise, options=Apprise.Options(urls=(Secret("json://127.0.0.1/hushhushhush"),)), speaks=False
    ),
    "nats": NatsCase(handler=Nats, options=NATS, speaks=False),
    "log": Case(handler=Log, options=NoOptions(), speaks=False),
}
#: What platforms can be asked without anybody seeing it.
FREE_QUESTIONS: Final = {
    ("POST", "/api/auth.test"),
    ("GET", "/api/v10/users/@me"),
    ("GET", "/api/v10/channels/12"),
    ("GET", "/api/webhooks/12/hushhushhushhush"),
    ("POST", "/bot123456:hushhushhushhush/getMe"),
    ("POST", "/bot123456:hushhushhushhush/getChat"),
}
every = pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])
speaking = pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items() if case.speaks])


def job(**changes: object) -> Job:
    plain = Job(
        id="job_01",
        source="journey",
        provider="journeyapi",
        provider_job_id="550e8400",
        action="pick",
        params={"index": 2},
        status="completed",
        progress=100,
        root_id="job_01",
        prompt="a garden",
        images=(Image(index=1, url="https://cdn.example.com/1.png"),),
        cost=Cost(amount=Decimal(2), unit="credits", source="table"),
        created_at="2026-11-21T10:00:00.000Z",
    )
    return msgspec.structs.replace(plain, **changes)


def outgoing(data: Job | None = None, kind: EventType = "job.completed", attempt: int = 1) -> OutgoingEvent:
    about = data or job()
    event = Event(
        id="evt_01", source="gridhook/journey", type=kind, subject=about.id, time="2026-11-21T10:00:00.000Z", data=about
    )
    return OutgoingEvent(delivery_id="dlv_01", attempt=attempt, event=event, body=msgspec.json.encode(event))


def healthy(_request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json=HEALTHY)


def recording(seen: list[httpx.Request]) -> Callable[[httpx.Request], httpx.Response]:
    """A healthy side; pictures cannot be had, and are not noted."""

    def side(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(404)
        seen.append(request)
        return healthy(request)

    return side


async def outcome_or_error(handler: Bound, sent: OutgoingEvent) -> Outcome | TransportError:
    """What became of a try; anything raised but a TransportError fails the test."""
    try:
        return await handler.deliver(sent)
    except TransportError as wrong:
        return wrong


# --- the class -------------------------------------------------------------------------------------------------------


@every
def test_it_says_how_fast_and_how_many_at_once(case: Case) -> None:
    assert case.handler.default_rate is None or case.handler.default_rate > 0
    assert case.handler.default_concurrency >= 1
    assert isinstance(case.options, case.handler.Options)


# --- a healthy side --------------------------------------------------------------------------------------------------


@every
async def test_a_parcel_reaches_a_healthy_side(case: Case) -> None:
    seen: list[httpx.Request] = []
    assert isinstance(await case.made(recording(seen)).deliver(outgoing()), Delivered)
    assert len(seen) == case.speaks


@every
@pytest.mark.parametrize("kind", get_args(EventType))
async def test_every_type_of_event_is_delivered(case: Case, kind: EventType) -> None:
    assert isinstance(await case.made(healthy).deliver(outgoing(kind=kind)), Delivered)


@every
async def test_a_job_that_is_hardly_known_is_delivered(case: Case) -> None:
    bare = Job(
        id="job_01", source="journey", provider="journeyapi", status="running", root_id="job_01", created_at="2026"
    )
    assert isinstance(await case.made(healthy).deliver(outgoing(bare, "job.progress")), Delivered)


foreign = st.text(max_size=400) | st.sampled_from(["<!channel>", "a" * 9000, "&" * 9000, "http://[x", "\x00\n\u202e"])


@st.composite
def strange_jobs(draw: st.DrawFn) -> Job:
    """Jobs with anything at all in what comes from outside."""
    text = draw(foreign)
    url = draw(foreign | st.just("https://cdn.example.com/" + "x" * 9000))
    return job(
        status=draw(st.sampled_from(get_args(Status))),
        action=text or None,
        params=draw(st.dictionaries(foreign | st.just("index"), st.none() | st.integers() | foreign, max_size=3)),
        prompt=text,
        grid_url=url,
        images=tuple(Image(index=index, url=url) for index in range(9)),
        tags={text: url},
        error=JobError(code="moderated", provider_code=text, message=text),
        hold=Hold(reason="pick", since="2026", note=text),
    )


@every
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(kind=st.sampled_from(get_args(EventType)), strange=strange_jobs())
async def test_whatever_a_vendor_says_is_delivered(case: Case, kind: EventType, strange: Job) -> None:
    sent = outgoing(strange, kind)
    seen: list[httpx.Request] = []
    assert isinstance(await case.made(recording(seen)).deliver(sent), Delivered)
    assert all(len(request.content) <= MAX_SENT for request in seen if request.content != sent.body)


@every
async def test_a_huge_event_does_not_make_what_is_added_to_it_huge(case: Case) -> None:
    sent = outgoing(job(prompt="<" * 2_000_000, images=tuple(Image(index=1, url="https://a/b") for _ in range(5000))))
    seen: list[httpx.Request] = []
    assert isinstance(await case.made(recording(seen)).deliver(sent), Delivered)
    assert all(len(request.content) <= MAX_SENT for request in seen if request.content != sent.body)


@every
async def test_a_repeat_says_the_same_under_the_same_id(case: Case) -> None:
    seen: list[httpx.Request] = []
    await case.made(recording(seen)).deliver(outgoing())
    await case.made(recording(seen), NOW + 60_000).deliver(outgoing(attempt=2))
    said = [(request.method, request.url, request.content, request.headers.get("webhook-id")) for request in seen]
    assert said[: len(said) // 2] == said[len(said) // 2 :]


@every
async def test_what_it_remembered_is_never_trusted(case: Case) -> None:
    for receipt in ("", "rubbish", "{}", "[]", '{"ts":1}', "\ud800"):
        sent = msgspec.structs.replace(outgoing(), receipt=receipt)
        assert isinstance(await case.made(healthy).deliver(sent), Delivered)


# --- a side that is not ----------------------------------------------------------------------------------------------


@speaking
@pytest.mark.parametrize("kind", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError])
async def test_a_side_that_is_down_is_for_later(case: Case, kind: type[httpx.HTTPError]) -> None:
    def side(_request: httpx.Request) -> httpx.Response:
        raise kind("down")

    assert isinstance(await outcome_or_error(case.made(side), outgoing()), Again | TransportError)


@speaking
@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_a_busy_side_is_for_later_and_says_when(case: Case, status: int) -> None:
    answer = httpx.Response(status, headers={"retry-after": "7"}, json=HEALTHY)
    outcome = await case.made(lambda _: answer).deliver(outgoing())
    assert isinstance(outcome, Again)
    assert (outcome.status, outcome.after) == (status, 7)


@speaking
@pytest.mark.parametrize("status", [302, 308, 400, 403, 404, 410])
async def test_a_refusal_is_final(case: Case, status: int) -> None:
    answer = httpx.Response(status, headers={"location": "https://elsewhere.example.com/"}, json=HEALTHY)
    outcome = await case.made(lambda _: answer).deliver(outgoing())
    assert isinstance(outcome, Dead)
    assert outcome.status == status


@speaking
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    status=st.integers(200, 599),
    body=st.binary(max_size=300) | st.sampled_from([b'{"ok":false}', b'{"ok":1,"error":[]}', b"[" * 9000, b"null"]),
    wait=st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=20),
)
async def test_any_answer_at_all_has_an_outcome_with_a_plain_note(
    case: Case, status: int, body: bytes, wait: str
) -> None:
    answer = httpx.Response(status, headers=[(b"retry-after", wait.encode("latin-1"))], content=body)
    outcome = await outcome_or_error(case.made(lambda _: answer), outgoing())
    note = str(outcome) if isinstance(outcome, TransportError) else outcome.note or ""
    assert note.isprintable()
    assert len(note) <= 400


# --- tried without a message ------------------------------------------------------------------------------------------


@every
async def test_it_is_opened_without_a_message(case: Case) -> None:
    seen: list[httpx.Request] = []

    def side(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return healthy(request)

    if not isinstance(case.handler(case.options), ProbedHandler):
        assert case.handler is Log
        return
    found = await case.made(side).probe()
    assert found.works, found.said
    assert found.said.isprintable()
    assert [request.url.path for request in seen if (request.method, request.url.path) not in FREE_QUESTIONS] == []
    assert not [secret for secret in case.secrets if secret in found.said]


@speaking
@pytest.mark.parametrize("status", [401, 403, 404, 429, 500])
async def test_opened_in_vain_it_says_so_and_shows_no_secret(case: Case, status: int) -> None:
    def side(request: httpx.Request) -> httpx.Response:
        text = f"{request.url} {' '.join(request.headers.values())}"
        return httpx.Response(status, json={"ok": False, "error": text, "description": text, "message": text})

    probed = case.made(side)
    found = await probed.probe()
    if case.asks:
        assert not found.works
    assert found.said
    assert found.said.isprintable()
    assert not [secret for secret in case.secrets if secret in found.said]


# --- secrets ---------------------------------------------------------------------------------------------------------


@every
@pytest.mark.parametrize("status", [200, 400, 404, 500])
async def test_no_secret_shows_even_if_the_other_side_repeats_the_whole_request(
    case: Case, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    def side(request: httpx.Request) -> httpx.Response:
        headers = " ".join(request.headers.values())
        return httpx.Response(status, json={"ok": False, "error": f"{request.url} {request.url.raw_path!r} {headers}"})

    handler = case.made(side)
    with capture_logs() as lines, caplog.at_level(logging.DEBUG):
        outcome = await outcome_or_error(handler, outgoing())
    shown = f"{outcome!r} {outcome} {handler!r} {handler} {case.options!r} {lines} {caplog.text}"
    assert not [secret for secret in case.secrets if secret in shown]


@speaking
async def test_no_secret_shows_if_the_other_side_is_down(case: Case) -> None:
    def side(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError(f"failed: {request.url}")

    result = await outcome_or_error(case.made(side), outgoing())
    assert not [secret for secret in case.secrets if secret in f"{result!r} {result}"]
