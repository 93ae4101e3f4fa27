"""`simulate` and `demo`: pretend vendors on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer

from receiver.cli.screen import clean, fail, say
from receiver.cli.session import composition
from receiver.lib import logs
from receiver.lib.process import streams
from receiver.lib.times import system_clock

if TYPE_CHECKING:
    from receiver.pretend.vendor import PretendVendor

#: What is pretended beside the vendors.
PLATFORM_NAMES: Final = frozenset({"slack", "discord", "telegram"})
#: What the configuration snippet calls a vendor's account.
NAMES: Final = {"journeyapi": "journey", "apiframe": "frame", "apimart": "mart", "vtrix": "vtrix"}


def simulate(
    provider: Annotated[
        str, typer.Argument(help="journeyapi, apiframe, apimart, vtrix, slack, discord, telegram or s3.")
    ],
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="On 127.0.0.1; 0 = any free one.")] = 0,
    pace: Annotated[float, typer.Option("--pace", min=0, help="Seconds from order to result.")] = 2.0,
    steps: Annotated[int, typer.Option("--steps", min=0, max=99, help="Progress reports before the result.")] = 3,
    duplicates: Annotated[int, typer.Option("--duplicates", min=1, max=50, help="Each webhook comes so often.")] = 1,
    reorder: Annotated[bool, typer.Option("--reorder", help="The result comes before its progress.")] = False,
    late: Annotated[float, typer.Option("--late", min=0, help="Seconds before each webhook.")] = 0.0,
    lose: Annotated[bool, typer.Option("--lose", help="No webhook ever comes.")] = False,
    forge: Annotated[bool, typer.Option("--forge", help="Before each webhook comes a forged one.")] = False,
    before_answer: Annotated[
        bool, typer.Option("--webhook-before-answer", help="The webhook comes before the order is answered.")
    ] = False,
    order_failure: Annotated[
        list[str] | None,
        typer.Option("--order-failure", metavar="NAME", help="The next order fails so: 429, 500, reset-taken, ..."),
    ] = None,
    message: Annotated[str | None, typer.Option("--fail", metavar="TEXT", help="Every job fails with this.")] = None,
    api_key: Annotated[str, typer.Option("--api-key", help="The only key let in; any if left out.")] = "",
    presses_to: Annotated[
        str | None,
        typer.Option("--presses-to", metavar="URL", help="A platform posts presses to gridhook there."),
    ] = None,
) -> None:
    """Run a pretend vendor or platform on loopback until Ctrl-C; a platform's channel is shown in the browser."""
    if provider in PLATFORM_NAMES:
        _run(partial(_simulate_platform, provider, presses_to), port)
        return
    if provider == "s3":
        _run(partial(_simulate_s3, api_key or "pretend-secret"), port)
        return
    from receiver.pretend.options import VendorOptions  # noqa: PLC0415  # loads the drawing of pictures
    from receiver.pretend.vendors import build  # noqa: PLC0415

    options = VendorOptions(
        pace=pace,
        progress_steps=steps,
        duplicates=duplicates,
        reorder=reorder,
        late=late,
        lose=lose,
        forge=forge,
        webhook_before_answer=before_answer,
        order_failures=tuple(order_failure or ()),
        fail=message,
        api_key=api_key,
    )
    try:
        vendor = build(provider, options)
    except ValueError as wrong:
        raise typer.BadParameter(str(wrong)) from None
    _run(partial(_simulate, vendor), port)


def _run(simulation: Callable[[int], Coroutine[None, None, None]], port: int) -> None:
    logs.configure("warning")
    streams.shield_stdout()
    try:
        asyncio.run(simulation(port))
    except OSError as wrong:
        fail(f"cannot listen on 127.0.0.1 port {port}: {wrong.strerror}; use another --port")
    except KeyboardInterrupt:
        return


async def _simulate(vendor: PretendVendor, port: int) -> None:
    from receiver.pretend.loopback import serve  # noqa: PLC0415  # loads uvicorn

    async with serve(vendor.app, port=port) as root:
        say(f"{vendor.name} is pretended at {root}{vendor.base_path} until Ctrl-C. In gridhook.toml:\n")
        say(f'[sources.{NAMES[vendor.name]}]\nprovider = "{vendor.name}"\nbase_url = "{root}{vendor.base_path}"')
        # A JSON string is a TOML string.
        say(f"api_key  = {msgspec.json.encode(vendor.options.api_key or 'any-key').decode()}")
        await asyncio.Event().wait()


async def _simulate_platform(name: str, presses_to: str | None, port: int) -> None:
    from receiver.pretend.loopback import serve  # noqa: PLC0415
    from receiver.pretend.platforms.by_name import PLATFORMS  # noqa: PLC0415

    platform = PLATFORMS[name](presses_to)
    async with serve(platform.app, port=port) as root:
        say(f"{name} is pretended until Ctrl-C; its channel is at {root} in the browser. In gridhook.toml:\n")
        say(platform.configuration(root))
        await asyncio.Event().wait()


async def _simulate_s3(secret: str, port: int) -> None:
    from receiver.pretend.loopback import serve  # noqa: PLC0415  # loads uvicorn
    from receiver.pretend.s3.face import PretendS3  # noqa: PLC0415

    pretended = PretendS3(system_clock, secret=secret)
    pretended.on_call = lambda method, path, status: say(clean(f"{method} {path} {status}"))
    async with serve(pretended.app, port=port) as root:
        say(f"S3 is pretended at {root} until Ctrl-C; open it in a browser to see the bucket. In gridhook.toml:\n")
        say(f'[sinks.bucket]\nhandler = "archive"\nto = "s3://{pretended.name}"\nendpoint = "{root}"')
        say('region = "eu-central-1"\naccess_key_id = "pretend"')
        say(f"secret_access_key = {msgspec.json.encode(secret).decode()}\nallow_http = true")
        await asyncio.Event().wait()


def demo(
    ctx: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="End when the picture has reached the sink.")] = False,
) -> None:
    """Show it all on loopback; needs no account."""
    streams.shield_stdout()
    from receiver.demo.story import run  # noqa: PLC0415  # loads the drawing of pictures, uvicorn and httpx

    try:
        code = asyncio.run(run(once, composition(ctx)))
    except KeyboardInterrupt:
        return
    if code:
        raise typer.Exit(code)
