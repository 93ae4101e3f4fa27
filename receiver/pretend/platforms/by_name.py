"""The pretend platforms by name: what sinks speak to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import msgspec
from starlette.types import ASGIApp

from receiver.pretend.platforms.discord.server import API as DISCORD_API
from receiver.pretend.platforms.discord.server import DiscordOptions, PretendDiscord
from receiver.pretend.platforms.slack.server import API as SLACK_API
from receiver.pretend.platforms.slack.server import PretendSlack
from receiver.pretend.platforms.slack.workspace import SlackOptions
from receiver.pretend.platforms.telegram.server import PretendTelegram


class PretendPlatform(msgspec.Struct, frozen=True, kw_only=True):
    """A platform that can be served on loopback; its address shows it in the browser."""

    app: ASGIApp
    #: The table of a sink that speaks to it, in TOML, for the address that it is served at.
    configuration: Callable[[str], str]


def build_slack(presses_to: str | None) -> PretendPlatform:
    """A pretend Slack. Presses are posted to `presses_to`, gridhook's address; None: they go by Socket Mode."""
    options = SlackOptions(request_url=f"{presses_to.rstrip('/')}/slack/actions" if presses_to else None)
    proof = ("app_token", options.app_token) if presses_to is None else ("signing_secret", options.signing_secret)
    keys = {"token": options.token, "channel": options.channel, proof[0]: proof[1]}
    return PretendPlatform(app=PretendSlack(options).app, configuration=partial(_table, "slack", SLACK_API, keys))


def build_discord(presses_to: str | None) -> PretendPlatform:
    """A pretend Discord. Presses are posted to `presses_to`, gridhook's address; None: it is on its usual port."""
    gridhook = (presses_to or "http://127.0.0.1:8080").rstrip("/")
    options = DiscordOptions(endpoint=f"{gridhook}/discord/interactions")
    discord = PretendDiscord(options)
    keys = {
        "token": options.token,
        "channel": options.channel,
        "public_key": discord.interactions.public_key,
    }
    return PretendPlatform(app=discord.app, configuration=partial(_table, "discord", DISCORD_API, keys))


def build_telegram(_presses_to: str | None) -> PretendPlatform:
    """A pretend Telegram: gridhook asks it for presses."""
    telegram = PretendTelegram()
    keys = {"token": telegram.options.token, "chat": str(telegram.options.chat)}
    return PretendPlatform(app=telegram.app, configuration=partial(_table, "telegram", "", keys))


def _table(handler: str, api: str, keys: Mapping[str, str], root: str) -> str:
    """The table of a sink in TOML; a JSON string is a TOML string."""
    every = {"handler": handler, "api_url": f"{root}{api}", **keys}
    return "\n".join(
        ["[sinks.team]", *(f"{name} = {msgspec.json.encode(text).decode()}" for name, text in every.items())]
    )


#: What makes each of them.
PLATFORMS: Final[dict[str, Callable[[str | None], PretendPlatform]]] = {
    "slack": build_slack,
    "discord": build_discord,
    "telegram": build_telegram,
}
