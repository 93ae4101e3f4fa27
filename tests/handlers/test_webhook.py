"""The signed webhook: Standard Webhooks on the outside, the event's own bytes within."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import os
import time
from itertools import pairwise

import httpx
import msgspec
import pytest
import standardwebhooks

from handlers.http.transport import HttpTransport
from handlers.webhook import Webhook
from receiver.errors import OptionError
from receiver.lib.signatures import (
    Secret,
    fresh_standard_webhook_secret,
    standard_webhook_key,
)
from receiver.model.deliveries import (
    Again,
    Dead,
    Delivered,
    OutgoingEvent,
)
from receiver.model.events import Event
from receiver.model.jobs import Job
from support.delivering import Bound

NOW = 1_800_000_000_123
URL = "https://app.example.com/hooks?key=hush"
KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()


def outgoing(attempt: int = 1) -> OutgoingEvent:
    job = Job(
        id="job_01", source="journey", provider="journeyapi", status="completed", root_id="job_01", created_at="2026"
    )
    event = Event(id="evt_01", source="gridhook/journey", type="job.completed", subject="job_01", time="2026", data=job)
    # Not what encoding the event would give: the body must go out as it was kept.
    return OutgoingEvent(delivery_id="dlv_01", attempt=attempt, event=event, body=b'{ "kept": "\xc3\xa9" }')


def webhook(side: httpx.MockTransport, *secrets: str, now: int = NOW) -> Bound:
    options = Webhook.Options(url=Secret(URL), secret=tuple(map(Secret, secrets or (SECRET,))))
    return Bound(Webhook(options), HttpTransport(side), now)


def recorder(seen: list[httpx.Request]) -> httpx.MockTransport:
    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    return httpx.MockTransport(answer)


async def test_the_event_goes_out_byte_for_byte_to_the_configured_address() -> None:
    seen: list[httpx.Request] = []
    assert await webhook(recorder(seen)).deliver(outgoing()) == Delivered(status=200)
    (request,) = seen
    assert (request.method, str(request.url)) == ("POST", URL)
    assert request.content == outgoing().body
    assert request.headers["user-agent"] == "gridhook"


async def test_the_body_is_called_json_unless_the_cloudevents_type_is_asked_for() -> None:
    seen: list[httpx.Request] = []
    await webhook(recorder(seen)).deliver(outgoing())
    options = Webhook.Options(url=Secret(URL), secret=(Secret(SECRET),), content_type="application/cloudevents+json")
    await Bound(Webhook(options), HttpTransport(recorder(seen)), NOW).deliver(outgoing())
    assert [request.headers["content-type"] for request in seen] == [
        "application/json",
        "application/cloudevents+json",
    ]
    assert seen[0].content == seen[1].content


async def test_the_signature_is_that_of_standard_webhooks() -> None:
    seen: list[httpx.Request] = []
    await webhook(recorder(seen)).deliver(outgoing())
    headers = seen[0].headers
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == ("evt_01", "1800000000")
    signed = b"evt_01.1800000000." + seen[0].content
    mac = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{mac}"


async def test_with_two_secrets_every_event_is_signed_with_both() -> None:
    seen: list[httpx.Request] = []
    older = bytes(range(100, 124))
    await webhook(recorder(seen), SECRET, "whsec_" + base64.b64encode(older).decode()).deliver(outgoing())
    signed = b"evt_01.1800000000." + seen[0].content
    macs = [base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in (KEY, older)]
    assert seen[0].headers["webhook-signature"] == f"v1,{macs[0]} v1,{macs[1]}"


async def test_a_later_try_has_the_same_id_and_a_new_timestamp_and_signature() -> None:
    seen: list[httpx.Request] = []
    await webhook(recorder(seen)).deliver(outgoing())
    await webhook(recorder(seen), now=NOW + 60_000).deliver(outgoing(attempt=2))
    first, second = (request.headers for request in seen)
    assert first["webhook-id"] == second["webhook-id"]
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 60
    assert first["webhook-signature"] != second["webhook-signature"]


async def test_gone_is_dead_and_busy_is_tried_again() -> None:
    gone = await webhook(httpx.MockTransport(lambda _: httpx.Response(410))).deliver(outgoing())
    assert gone == Dead(note="HTTP 410", status=410)
    busy = httpx.Response(429, headers={"retry-after": "9"}, text="slowly")
    assert await webhook(httpx.MockTransport(lambda _: busy)).deliver(outgoing()) == Again(
        note="HTTP 429: slowly", status=429, after=9
    )


@pytest.mark.parametrize(
    "secret",
    [
        "plain",
        "whsec_",
        "whsec_not base64!",
        "whsec_abc",
        "whsec_ключ",
        "whsec_" + base64.b64encode(b"x" * 23).decode(),
        "whsec_" + base64.b64encode(b"x" * 65).decode(),
        SECRET.removeprefix("whsec_"),
        SECRET.rstrip("="),
        SECRET.replace("+", "-").replace("/", "_") + "==",
        # The same bytes with loose bits at their end: some libraries read it, others refuse it.
        SECRET[:-2] + chr(ord(SECRET[-2]) + 1) + "=",
    ],
)
def test_a_secret_that_cannot_be_used_is_refused_at_once_with_a_fresh_one_and_not_repeated(secret: str) -> None:
    fresh = []
    for _ in range(2):
        with pytest.raises(OptionError, match="whsec_") as caught:
            webhook(recorder([]), secret)
        fresh.append(caught.value.remedy.rpartition(" ")[2])
        assert len(standard_webhook_key(Secret(fresh[-1]))) == 32
        assert not secret.removeprefix("whsec_") or secret not in str(caught.value)
    assert fresh[0] != fresh[1]


def test_the_official_library_verifies_what_is_sent_with_every_secret_that_is_taken() -> None:
    """Two secrets are a rotation: whoever has either of them can verify."""
    lengths = (24, 25, 26, 32, 63, 64)
    secrets = ["whsec_" + base64.b64encode(os.urandom(length)).decode() for length in lengths]
    now = time.time_ns() // 1_000_000
    for older, newer in pairwise([fresh_standard_webhook_secret(), *secrets]):
        seen: list[httpx.Request] = []
        asyncio.run(webhook(recorder(seen), newer, older, now=now).deliver(outgoing()))
        for secret in (older, newer):
            official = standardwebhooks.Webhook(secret)
            assert official.verify(seen[0].content, dict(seen[0].headers)) == {"kept": "\xe9"}
        with pytest.raises(standardwebhooks.WebhookVerificationError):
            standardwebhooks.Webhook(SECRET).verify(seen[0].content, dict(seen[0].headers))


def test_an_empty_list_of_secrets_is_refused_with_a_fresh_one() -> None:
    options = Webhook.Options(url=Secret(URL), secret=())
    with pytest.raises(OptionError, match="is an empty list") as caught:
        Webhook(options)
    assert standard_webhook_key(Secret(caught.value.remedy.rpartition(" ")[2]))


def test_more_than_two_secrets_are_refused() -> None:
    with pytest.raises(OptionError, match="has 3 secrets"):
        webhook(recorder([]), SECRET, SECRET, SECRET)


@pytest.mark.parametrize("url", ["", "app.example.com/hush", "ftp://app.example.com/hush"])
def test_an_address_that_cannot_be_used_is_refused_at_once(url: str) -> None:
    options = msgspec.structs.replace(Webhook.Options(url=Secret(URL), secret=(Secret(SECRET),)), url=Secret(url))
    with pytest.raises(OptionError, match="url is not an http"):
        Webhook(options)
