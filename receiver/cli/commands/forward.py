"""`forward`: the events of a running gridhook, posted to a program on this machine."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Annotated, Final, NamedTuple

import httpx
import msgspec
import typer

from receiver.cli.screen import clean, fail, say, tell
from receiver.contracts.options import check_url
from receiver.errors import OptionError
from receiver.lib.times import system_clock

#: Where the token is looked for: the viewer's first, since it can do less.
TOKENS: Final = ("GRIDHOOK_VIEWER_TOKEN", "GRIDHOOK_ADMIN_TOKEN")
#: Seconds between two tries to reach the running gridhook, and for one post.
AGAIN_S: Final = 2.0
POST_S: Final = 15.0
#: A stream says something every 15 s at least.
SILENCE_S: Final = 45.0


class StreamedEvent(NamedTuple):
    """One event of a stream."""

    id: str
    body: str


class ForwardedHead(msgspec.Struct):
    """What is told of an event."""

    type: str
    subject: str


class LostStream(Exception):
    """The stream ended, or could not be opened: `str(it)` says why."""


def forward(
    source: Annotated[str, typer.Option("--from", metavar="URL", help="The running gridhook.")],
    target: Annotated[str, typer.Option("--to", metavar="URL", help="Where the program listens.")],
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="EVENT", help="Begin behind this event; left out: with what comes now."),
    ] = None,
) -> None:
    """Post events of a running gridhook to a program on this machine, until Ctrl-C.

    To develop against real events without a public address. The token is that of GRIDHOOK_VIEWER_TOKEN or else
    GRIDHOOK_ADMIN_TOKEN in the environment. Each event is posted once, in order, unsigned. After a pause it goes on
    where it was.
    """
    for option, url in (("--from", source), ("--to", target)):
        try:
            check_url(url)
        except OptionError as wrong:
            raise typer.BadParameter(clean(f"{option} {wrong.wrong}")) from None
    token = next((value for name in TOKENS if (value := os.environ.get(name))), None)
    try:
        asyncio.run(_forward(source.rstrip("/"), target, token, since))
    except KeyboardInterrupt:
        return


async def _forward(source: str, target: str, token: str | None, since: str | None) -> None:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    async with client(SILENCE_S, headers) as reading, client(POST_S) as posting:
        while True:
            try:
                async for event in _events(reading, source, since):
                    await _post(posting, target, event)
                    since = event.id
            except (LostStream, httpx.TransportError) as wrong:
                tell(clean(f"gridhook: {source}: {str(wrong) or type(wrong).__name__}; again in {AGAIN_S:g} s"))
            await asyncio.sleep(AGAIN_S)


def client(silence_s: float, headers: dict[str, str] | None = None) -> httpx.AsyncClient:
    """What calls one of both ends; they are the operator's own, so no proxy of the environment stands between."""
    return httpx.AsyncClient(headers=headers, timeout=httpx.Timeout(10.0, read=silence_s), trust_env=False)


async def _events(reading: httpx.AsyncClient, source: str, since: str | None) -> AsyncIterator[StreamedEvent]:
    """The events of the stream behind `since`. Raises LostStream at its end."""
    headers = {"last-event-id": since} if since else {}
    async with reading.stream("GET", f"{source}/api/v1/stream", headers=headers) as answer:
        if answer.status_code in (400, 401, 403, 404):
            fail(f"{source} answers HTTP {answer.status_code}: {REFUSALS[answer.status_code]}")
        if answer.status_code != 200:
            raise LostStream(f"HTTP {answer.status_code}")
        if since is None:
            say(f"connected to {source}")
        found = {"id": "", "data": ""}
        async for line in answer.aiter_lines():
            if not line:
                if found["data"]:
                    yield StreamedEvent(found["id"], found["data"])
                found = {"id": "", "data": ""}
                continue
            name, _, value = line.partition(":")
            if name in found:
                found[name] = value.removeprefix(" ")
    raise LostStream("the stream ended")


#: What a refusal of the stream most likely means.
REFUSALS: Final = {
    400: "is --since the id of an event?",
    401: f"set {TOKENS[0]} or {TOKENS[1]} to its token",
    403: f"set {TOKENS[0]} or {TOKENS[1]} to its token",
    404: "there is no gridhook, or its API is on another port (admin_port)",
}


async def _post(posting: httpx.AsyncClient, target: str, event: StreamedEvent) -> None:
    head = msgspec.json.decode(event.body, type=ForwardedHead)
    headers = {
        "content-type": "application/json",
        "webhook-id": event.id,
        "webhook-timestamp": str(system_clock() // 1000),
    }
    try:
        # What it answers beside its status is not read: it may have no end.
        async with posting.stream("POST", target, content=event.body.encode(), headers=headers) as answer:
            told = f"HTTP {answer.status_code}"
    except httpx.TransportError as wrong:
        told = f"not taken: {str(wrong) or type(wrong).__name__}"
    say(clean(f"{head.type} {head.subject}: {told}"))
