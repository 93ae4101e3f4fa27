"""Starts what the demo needs: pretend vendors, a Slack, a sink and gridhook itself, each a real server on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from receiver.demo.channel import DemoChannel
from receiver.demo.configuration import (
    SOURCES,
    Keys,
    configuration,
    new_keys,
)
from receiver.lib.signatures import Secret
from receiver.lib.times import system_clock
from receiver.pretend import vendors
from receiver.pretend.loopback import serve
from receiver.pretend.options import VendorOptions
from receiver.pretend.platforms.slack.server import PretendSlack
from receiver.pretend.receivers.event_sink import EventSink
from receiver.pretend.vendor import PretendVendor

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from receiver.composition import Composition

#: The source that the story is told with.
STORY: Final = "journey"
#: The source whose orders its budget holds, and the one whose first order becomes unsure.
HELD: Final = "posters"
UNSURE: Final = "mart"
#: The story's vendor posts each webhook so often, all at once, and a forgery before it.
COPIES: Final = 3
#: Seconds that all of the demo may take with `--once`.
WHOLE: Final = 28.0
OPTIONS: Final = {
    # A busy machine is no reason to give a webhook up: the books want an answer to each.
    STORY: VendorOptions(pace=1.1, progress_steps=3, duplicates=COPIES, forge=True, webhook_timeout=WHOLE),
    "frame": VendorOptions(pace=1.5),
    # Its first order gets no answer: whether it was taken, nobody knows.
    UNSURE: VendorOptions(pace=1.5, order_failures=("reset",)),
    "vtrix": VendorOptions(pace=1.5),
}


class DemoServers(msgspec.Struct, frozen=True, kw_only=True):
    """The servers of the demo and how to reach them."""

    #: Base URL of gridhook.
    hook: str
    #: Base URL of the sink.
    inbox: str
    #: Base URLs by source.
    addresses: Mapping[str, str]
    #: By source.
    vendors: Mapping[str, PretendVendor]
    listener: EventSink
    #: The pretend Slack's channel.
    channel: DemoChannel
    keys: Keys
    #: The configuration file.
    config: Path
    #: Makes a path that signs in whoever opens it first.
    sign_in_path: Callable[[], str]


class Placeholder:
    """Stands where gridhook will: its address must be known before its configuration can be written."""

    def __init__(self) -> None:
        self.app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI call: gridhook's, or 503 while it is not open."""
        closed = PlainTextResponse("not open", 503, {"retry-after": "1"})
        if scope["type"] != "lifespan":
            await (self.app or closed)(scope, receive, send)
            return
        for phase in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{phase}.complete"})


@asynccontextmanager
async def set_up(
    parts: Composition, folder: Path, options: Mapping[str, VendorOptions] = OPTIONS
) -> AsyncIterator[DemoServers]:
    """Starts everything, with the configuration and the database in `folder`; stops everything at the end."""
    keys = new_keys()
    pretended = {
        source: vendors.build(provider, msgspec.structs.replace(options[source], api_key=keys.api[source]))
        for source, provider in SOURCES.items()
    }
    listener = EventSink(Secret(keys.sink_secret), system_clock)
    door = Placeholder()
    async with AsyncExitStack() as running:
        addresses = {
            source: await running.enter_async_context(serve(vendor.app)) + vendor.base_path
            for source, vendor in pretended.items()
        }
        inbox = await running.enter_async_context(serve(listener))
        hook = await running.enter_async_context(serve(door))
        slack = PretendSlack(msgspec.structs.replace(keys.slack, request_url=f"{hook}/slack/actions"))
        at_slack = await running.enter_async_context(serve(slack.app))
        config = folder / "gridhook.toml"
        config.write_text(configuration(hook, addresses, inbox, at_slack, keys), encoding="utf-8")
        app = await running.enter_async_context(_open(parts, config, door))
        yield DemoServers(
            hook=hook,
            inbox=inbox,
            addresses=addresses,
            vendors=pretended,
            listener=listener,
            channel=DemoChannel(at_slack, slack),
            keys=keys,
            config=config,
            sign_in_path=app.state.sign_in_path,
        )


@asynccontextmanager
async def _open(parts: Composition, config: Path, door: Placeholder) -> AsyncIterator[Starlette]:
    """gridhook itself, composed as `gridhook serve` composes it, from the file."""
    async with parts.open_runtime(parts.read_config(config, {}), "all") as service:
        app = service.web()
        door.app = app
        try:
            yield app
        finally:
            door.app = None
            app.state.stopping.set()
