"""`init` and `schema`: what is done once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from receiver.cli.screen import (
    clean,
    emit_pretty,
    fail,
    say,
)
from receiver.cli.session import (
    DEFAULT_FILE,
    ConfigFile,
)
from receiver.cli.starting.slack_manifest import manifest, steps
from receiver.cli.starting.vendor_files import write_starter, write_vendor
from receiver.views.schemas import schemas


def init(
    what: Annotated[
        str | None, typer.Argument(help="slack: print the manifest of the Slack app instead, and write nothing.")
    ] = None,
    public_url: Annotated[
        str | None,
        typer.Option("--public-url", metavar="URL", help="Slack posts presses there; left out: Socket Mode."),
    ] = None,
    config: ConfigFile = DEFAULT_FILE,
    vendor: Annotated[
        str | None, typer.Option("--vendor", metavar="NAME", help="A source for this vendor, such as replicate or fal.")
    ] = None,
) -> None:
    """Write a starter configuration, and fresh secrets for it into .env, readable for you alone.

    Never overwrites a file: where there is a .env already, the secrets go into a file named like the configuration.
    With --vendor it has a source for that vendor; where the configuration is there already, source and secrets are
    added at the end of the two files.
    """
    if what is not None:
        _print_manifest(what, public_url)
        return
    if public_url is not None:
        raise typer.BadParameter("belongs to `gridhook init slack`", param_hint="--public-url")
    if vendor is not None:
        write_vendor(config, vendor)
        return
    if os.path.lexists(config):
        fail(f"{config} is there already and stays as it is: name another file with --config")
    env_file = write_starter(config)
    say(f"{clean(config)} is written, and fresh secrets into {clean(env_file)}; only you can read them. Next:")
    say(f"  1. put in your sources, sinks and rules, and your vendors' keys into {clean(env_file)}")
    say(f"  2. gridhook check{_named(config)}   tells mistakes, and which webhook URLs to register")
    say(f"  3. gridhook serve{_named(config)}")


def _print_manifest(what: str, public_url: str | None) -> None:
    """The manifest alone on standard output, so that it can be piped; what to do with it beside."""
    if what != "slack":
        raise typer.BadParameter(f"there is no {clean(what)!r} to begin with; there is slack")
    request_url = f"{public_url.rstrip('/')}/slack/actions" if public_url is not None else None
    if request_url is not None and not request_url.startswith("https://"):
        raise typer.BadParameter("Slack posts to https:// addresses only", param_hint="--public-url")
    emit_pretty(msgspec.json.encode(manifest(request_url)))
    typer.echo(steps(request_url), err=True)


def _named(config: Path) -> str:
    return "" if config == DEFAULT_FILE else f" --config {clean(config)}"


def schema(
    name: Annotated[str | None, typer.Argument(help="Such as Job, Event or JobList; all if left out.")] = None,
) -> None:
    """Print the JSON Schemas of what gridhook shows and sends."""
    known = schemas()
    if name is None:
        emit_pretty(msgspec.json.encode(known))
        return
    found = {title.lower(): title for title in known}.get(name.lower())
    if found is None:
        raise typer.BadParameter(f"there is no schema {name!r}; there are {', '.join(known)}")
    emit_pretty(msgspec.json.encode(known[found]))
