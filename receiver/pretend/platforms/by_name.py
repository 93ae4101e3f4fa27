"""The pretend platforms by name: what sinks speak to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
from starlette.types import ASGIApp

from receiver.pretend.platforms.slack.server import API, PretendSlack
from receiver.pretend.platforms.slack.workspace import SlackOptions


class PretendPlatform(msgspec.Struct, frozen=True, kw_only=True):
    """A platform that can be served on loopback; its address shows it in the browser."""

    app: ASGIApp
    #: The table of a sink that speaks to it, in TOML, for the address that it is served at.
    configuration: Callable[[str], str]


def build_slack(presses_to: str | None) -> PretendPlatform:
    """A pretend Slack. Presses are posted to `presses_to`, gridhook's address; None: they go by Socket Mode."""
    options = SlackOptions(request_url=f"{presses_to.rstrip('/')}/slack/actions" if presses_to else None)
    proof = ("app_token", options.app_token) if presses_to is None else ("signing_secret", options.signing_secret)

    def configuration(root: str) -> str:
        keys = {
            "handler": "slack",
            "api_url": f"{root}{API}",
            "token": options.token,
            "channel": options.channel,
            proof[0]: proof[1],
        }
        return "\n".join(["[sinks.team]", *(f'{name} = "{value}"' for name, value in keys.items())])

    return PretendPlatform(app=PretendSlack(options).app, configuration=configuration)


#: What makes each of them.
PLATFORMS: Final[dict[str, Callable[[str | None], PretendPlatform]]] = {"slack": build_slack}
