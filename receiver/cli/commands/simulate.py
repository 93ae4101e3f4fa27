"""`simulate` and `demo`: pretend vendors on loopback."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer

from receiver.cli.screen import clean, fail, say
from receiver.cli.session import composition
from receiver.cli.switches import SwitchWrong, switched
from receiver.lib import logs
from receiver.lib.nearest import nearest
from receiver.lib.process import streams
from receiver.lib.times import system_clock

if TYPE_CHECKING:
    from receiver.pretend.options import Post, ProxyFlavour, VendorOptions
    from receiver.pretend.vendor import OrderSeen, PretendVendor

#: What is pretended beside the vendors.
PLATFORM_NAMES: Final = frozenset({"slack", "discord", "telegram"})
#: What the configuration snippet calls a vendor's account.
NAMES: Final = {
    "journeyapi": "journey",
    "apiframe": "frame",
    "apimart": "mart",
    "vtrix": "vtrix",
    "midjourney-proxy": "own",
}
#: Characters of a line that is typed.
LONGEST_LINE: Final = 1000
SHARE: Final = 'How often: "20%", "always", "off".'


def simulate(
    provider: Annotated[
        str,
        typer.Argument(
            help="journeyapi, apiframe, apimart, vtrix, midjourney-proxy, a preset's name or file, slack, discord, "
            "telegram or s3."
        ),
    ],
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="On 127.0.0.1; 0 = any free one.")] = 0,
    pace: Annotated[float, typer.Option("--pace", min=0, help="Seconds from order to result.")] = 2.0,
    steps: Annotated[int, typer.Option("--steps", min=0, max=99, help="Progress reports before the result.")] = 3,
    duplicates: Annotated[str, typer.Option("--duplicates", help="Each webhook comes so often: 3, 3@20%.")] = "1",
    reorder: Annotated[str, typer.Option("--reorder", help=f"The result comes before its progress. {SHARE}")] = "off",
    late: Annotated[str, typer.Option("--late", help="Seconds before each webhook: 5, 5@20%.")] = "0",
    lose: Annotated[str, typer.Option("--lose", help=f"A webhook never comes. {SHARE}")] = "off",
    forge: Annotated[str, typer.Option("--forge", help=f"Before a webhook comes a forged one. {SHARE}")] = "off",
    before_answer: Annotated[
        str,
        typer.Option("--webhook-before-answer", help=f"The webhook comes before the order is answered. {SHARE}"),
    ] = "off",
    order_failure: Annotated[
        list[str] | None,
        typer.Option(
            "--order-failure", metavar="NAME", help="The next order fails so: 429, 500, reset-taken, ...; 500@20%."
        ),
    ] = None,
    message: Annotated[
        str | None, typer.Option("--fail", metavar="TEXT", help="Jobs fail with this: TEXT, TEXT@20%.")
    ] = None,
    api_key: Annotated[str, typer.Option("--api-key", help="The only key let in; any if left out.")] = "",
    webhook_url: Annotated[
        str | None,
        typer.Option("--webhook-url", metavar="URL", help="For a preset whose orders name none: where webhooks go."),
    ] = None,
    flavour: Annotated[str, typer.Option("--flavour", help="midjourney-proxy: trueai or novicezk.")] = "trueai",
    presses_to: Annotated[
        str | None,
        typer.Option("--presses-to", metavar="URL", help="A platform posts presses to gridhook there."),
    ] = None,
) -> None:
    """Run a pretend vendor or platform on loopback until Ctrl-C; a platform's channel is shown in the browser.

    A vendor tells each order and each webhook with the answer to it. Its switches can be thrown while it runs: type
    "lose 20%", "late 5", "fail TEXT@10%", "off".
    """
    if provider in PLATFORM_NAMES:
        _run(partial(_simulate_platform, provider, presses_to), port)
        return
    if provider == "s3":
        _run(partial(_simulate_s3, api_key or "pretend-secret"), port)
        return
    from receiver.pretend.options import VendorOptions  # noqa: PLC0415  # loads the drawing of pictures

    failures = order_failure or []
    options = VendorOptions(
        pace=pace,
        progress_steps=steps,
        order_failures=tuple(name for name in failures if "@" not in name),
        api_key=api_key,
        flavour=_flavour(flavour),
    )
    thrown = [("lose", lose), ("forge", forge), ("reorder", reorder), ("webhook_before_answer", before_answer)]
    thrown += [("duplicates", duplicates), ("late", late), *(("order_fault", one) for one in failures if "@" in one)]
    try:
        for name, text in thrown + ([("fail", message)] if message is not None else []):
            options = switched(options, name, text)
        vendor = _vendor(provider, options, webhook_url)
    except (ValueError, SwitchWrong) as wrong:
        raise typer.BadParameter(str(wrong)) from None
    _run(partial(_simulate, vendor, provider), port)


def _run(simulation: Callable[[int], Coroutine[None, None, None]], port: int) -> None:
    logs.configure("warning")
    streams.shield_stdout()
    try:
        asyncio.run(simulation(port))
    except OSError as wrong:
        fail(f"cannot listen on 127.0.0.1 port {port}: {wrong.strerror}; use another --port")
    except KeyboardInterrupt:
        return


def _flavour(text: str) -> ProxyFlavour:
    if text not in ("novicezk", "trueai"):
        raise typer.BadParameter(f"{text!r} is neither novicezk nor trueai")
    return "novicezk" if text == "novicezk" else "trueai"


def _vendor(name: str, options: VendorOptions, webhook_url: str | None) -> PretendVendor:
    """Raises ValueError for an unknown vendor or fault, ConfigError for a preset with mistakes."""
    from receiver.config.files.presets import make_from_preset, shipped_presets  # noqa: PLC0415
    from receiver.pretend.vendors import FACES, build, build_described  # noqa: PLC0415
    from receiver.providers.generic import Generic  # noqa: PLC0415

    if name in FACES:
        return build(name, options)
    presets = shipped_presets(Generic.Options)
    if name not in presets and "/" not in name and not name.endswith(".toml"):
        remedy = nearest(name, sorted({*FACES, *presets}))
        raise ValueError(f"no pretend vendor is called {name!r}: {remedy} A preset of your own is named by its file.")
    made = make_from_preset(Generic, name, Path.cwd())
    return build_described(name if name in presets else Path(name).stem, made, options, webhook_url=webhook_url)


async def _simulate(vendor: PretendVendor, given: str, port: int) -> None:
    from receiver.pretend.loopback import serve  # noqa: PLC0415  # loads uvicorn

    vendor.on_order = _tell_order
    vendor.work.on_lost = lambda job_id, kind: _tell(f"webhook {kind} {job_id}: lost on purpose")
    vendor.work.postman.on_post = _tell_post
    async with serve(vendor.app, port=port) as root:
        say(f"{vendor.name} is pretended at {root}{vendor.base_path} until Ctrl-C. In gridhook.toml:\n")
        say("\n".join(_snippet(vendor, given, root)))
        _listen(vendor)
        await asyncio.Event().wait()


def _snippet(vendor: PretendVendor, given: str, root: str) -> list[str]:
    """The source that orders there; a JSON string is a TOML string. `given` is what the vendor was called by."""
    from receiver.pretend.described.face import PretendDescribed  # noqa: PLC0415

    face = vendor.face
    key = f"api_key  = {msgspec.json.encode(vendor.options.api_key or 'any-key').decode()}"
    address = f'base_url = "{root}{vendor.base_path}"'
    if not isinstance(face, PretendDescribed):
        lines = [f"[sources.{NAMES.get(vendor.name, vendor.name)}]", f'provider = "{vendor.name}"', address, key]
        return [*lines, f'flavour  = "{vendor.options.flavour}"'] if vendor.name == "midjourney-proxy" else lines
    preset = str(Path(given).absolute()) if "/" in given or given.endswith(".toml") else given
    preset = f"preset   = {msgspec.json.encode(preset).decode()}"
    lines = [f"[sources.{face.name}]", 'provider = "generic"', preset, address, key]
    lines += [f'{name:8} = "{text}"' for name, text in face.proof_keys(root).items()]
    if not face.names_webhooks:
        where = face.webhook_url or "nowhere: say where with --webhook-url"
        lines.append(f"# Its orders name no webhook URL; webhooks go to {where}.")
    return lines


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


# --- what happens, told as it happens ---------------------------------------------------------------------------------


def _tell(text: str) -> None:
    say(f"{datetime.now().astimezone():%H:%M:%S} {clean(text)}")


def _tell_order(order: OrderSeen) -> None:
    jobs = ", ".join(f"{job.order.kind} {job.id}" for job in order.jobs) or order.path
    answer = "the connection was cut" if order.status is None else f"answered {order.status}"
    _tell(f"order {jobs}: {answer}")


def _tell_post(post: Post) -> None:
    answer = "no answer" if post.status is None else f"answered {post.status}"
    again = f", try {post.attempt}" if post.attempt > 1 else ""
    _tell(f"{'forged ' if post.forged else ''}webhook {post.kind} {post.job_id}: {answer}{again} ({post.url})")


def _listen(vendor: PretendVendor) -> None:
    """Throws switches as they are typed; a terminal is waited for on a thread that nothing waits for at the end."""
    loop = asyncio.get_running_loop()

    def throw(line: str) -> None:
        name, _, text = line.strip().partition(" ")
        if not name:
            return
        try:
            vendor.options = switched(vendor.options, name, text.strip())
        except SwitchWrong as wrong:
            _tell(str(wrong))
        else:
            _tell(f"{name} {text}".strip() + ": from now on")

    def read() -> None:
        while line := sys.stdin.readline(LONGEST_LINE):
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(throw, line)

    if sys.stdin is not None:
        threading.Thread(target=read, name="switches", daemon=True).start()


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
