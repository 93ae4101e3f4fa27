"""The manifest of the Slack app that gridhook's bot is, for "Create New App: From a manifest"."""

from __future__ import annotations

from typing import Any, Final

#: What the bot is allowed: posting, also where it was not invited, and uploading pictures.
SCOPES: Final = ("chat:write", "chat:write.public", "files:write", "files:read")


def manifest(request_url: str | None = None) -> dict[str, Any]:
    """The app's manifest. `request_url` is where Slack posts presses of buttons; None: they come by Socket Mode."""
    interactivity: dict[str, Any] = {"is_enabled": True}
    if request_url is not None:
        interactivity["request_url"] = request_url
    return {
        "_metadata": {"major_version": 1},
        "display_information": {
            "name": "gridhook",
            "description": "Pictures, picks and prices from gridhook",
            "background_color": "#1a1d21",
        },
        "features": {"bot_user": {"display_name": "gridhook", "always_online": True}},
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": {
            "interactivity": interactivity,
            "org_deploy_enabled": False,
            "socket_mode_enabled": request_url is None,
            "token_rotation_enabled": False,
        },
    }


#: What to do with the manifest, and which keys come of it.
STEPS: Final = """At https://api.slack.com/apps: Create New App, From a manifest; paste this. Install it there.
  token          = OAuth & Permissions, Bot User OAuth Token (xoxb-...)
  channel        = the channel's id (C...): its name, at the foot of "View channel details"
"""
BY_SOCKET: Final = (
    "  app_token      = Basic Information, App-Level Tokens: make one with connections:write (xapp-...)\n"
)
BY_POST: Final = "  signing_secret = Basic Information, Signing Secret\n"


def steps(request_url: str | None = None) -> str:
    """What is done with the manifest, and where the keys of the sink are found after that."""
    return STEPS + (BY_SOCKET if request_url is None else BY_POST)
