"""The demo's configuration file: a real one, for pretend vendors."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Final

import msgspec

from receiver.lib.signatures import fresh_standard_webhook_secret
from receiver.pretend.platforms.slack.workspace import SlackOptions

#: Source to provider; the sources are called like this in the whole story.
SOURCES: Final = {"journey": "journeyapi", "frame": "apiframe", "mart": "apimart", "vtrix": "vtrix"}

TEXT: Final = """\
# The demo's configuration: a real one, as `gridhook serve` reads it, but for pretend vendors on this machine.
# With real accounts there is no base_url, secrets are written "env:NAME", and public_url is an https address that the
# vendors can reach. (They want that: `gridhook check` warns here. The pretend vendors take http on any port.)
public_url = "{hook}"
database = "sqlite:///gridhook.db"

[server]
host = "127.0.0.1"
port = {port}
admin_token = "{admin_token}"

# Sends its orders' secret back with each webhook.
[sources.journey]
provider = "journeyapi"
base_url = "{journey}"
api_key = "{journey_key}"
secrets = ["{hook_secret}"]

# The same account for another purpose: what is over its budget waits for a person.
[sources.posters]
provider = "journeyapi"
base_url = "{journey}"
api_key = "{journey_key}"
secrets = ["{hook_secret}"]
budget = {{ credits = 3, per = "day" }}

# Signs its webhooks with the API key.
[sources.frame]
provider = "apiframe"
base_url = "{frame}"
api_key = "{frame_key}"

# These two prove nothing: the webhook URL of each order is a secret of its own. The token is for jobs that another
# tool orders: {hook}/in/mart/TOKEN
[sources.mart]
provider = "apimart"
base_url = "{mart}"
api_key = "{mart_key}"
token = "{mart_token}"

[sources.vtrix]
provider = "vtrix"
base_url = "{vtrix}"
api_key = "{vtrix_key}"
token = "{vtrix_token}"

# The listening sink: every event signed, by Standard Webhooks.
[sinks.inbox]
handler = "webhook"
url = "{inbox}/events"
secret = "{sink_secret}"

# A pretend Slack, with its channel in the browser. Presses come to {hook}/slack/actions, signed as Slack signs them.
[sinks.team]
handler = "slack"
api_url = "{slack}/api"
token = "{slack_token}"
channel = "{slack_channel}"
signing_secret = "{slack_signing_secret}"
rate = "5/s"  # Slack itself takes about one message a second, which is the default

# Our own copy of every picture, in a folder beside this file.
[sinks.pictures]
handler = "archive"
to = "pictures"

# The pretend vendors have their pictures on this machine. Real ones are public: then there is no such table.
[network]
allow = ["127.0.0.0/8"]

# Which tile? The channel is asked, and the wall; who answers first chooses.
[[rules]]
name = "ask"
when = {{ type = "job.completed", action = "imagine", source = "journey" }}
then = {{ action = "pick", index = "ask", ask = "team", within = "24h" }}

# Every picked tile is enlarged, once; only at a source that can.
[[rules]]
name = "auto-hd"
when = {{ type = "job.completed", action = "pick", source = "journey" }}
then = {{ action = "upscale", kind = "2x" }}

[[rules]]
name = "keep"
when = {{ type = ["job.completed", "job.updated"] }}
to = ["pictures"]

# The HD picture, once it is kept, and whatever a person should know of; a question has its own message.
[[rules]]
name = "show"
when = {{ type = "job.archived", action = "upscale" }}
to = ["team"]

[[rules]]
name = "warn"
when = {{ type = ["job.failed", "job.unsure", "job.held", "job.archive_failed"] }}
if = 'event.type != "job.held" or job.hold.reason != "pick"'
to = ["team"]

[[rules]]
name = "tell"
when = {{ type = ["job.completed", "job.failed", "job.unsure", "job.held"] }}
to = ["inbox"]
"""


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """The secrets of one demo: made at random, good for nothing else. Its `repr` shows none."""

    admin_token: str
    hook_secret: str
    sink_secret: str
    #: Those of the pretend Slack.
    slack: SlackOptions
    #: API keys by source.
    api: dict[str, str]
    #: Fixed path tokens by source.
    tokens: dict[str, str]

    def __repr__(self) -> str:
        return "Keys(***)"


def new_keys() -> Keys:
    """Random keys and secrets for one run of the demo."""
    return Keys(
        admin_token=f"demo-{secrets.token_urlsafe(18)}",
        hook_secret=secrets.token_urlsafe(24),
        sink_secret=fresh_standard_webhook_secret(),
        slack=SlackOptions(
            token=f"xoxb-{secrets.token_hex(12)}",
            app_token=f"xapp-{secrets.token_hex(12)}",
            signing_secret=secrets.token_hex(16),
        ),
        api={name: f"{name}-{secrets.token_hex(12)}" for name in SOURCES},
        tokens={name: secrets.token_urlsafe(24) for name in ("mart", "vtrix")},
    )


def configuration(hook: str, vendors: Mapping[str, str], inbox: str, slack: str, keys: Keys) -> str:
    """The text of the file.

    `hook` is gridhook's own base URL, `vendors` has every source's, `inbox` is the sink's, `slack` the pretend Slack's.
    """
    return TEXT.format(
        hook=hook,
        port=hook.rpartition(":")[2],
        inbox=inbox,
        admin_token=keys.admin_token,
        hook_secret=keys.hook_secret,
        sink_secret=keys.sink_secret,
        slack=slack,
        slack_token=keys.slack.token,
        slack_channel=keys.slack.channel,
        slack_signing_secret=keys.slack.signing_secret,
        **vendors,
        **{f"{name}_key": key for name, key in keys.api.items()},
        **{f"{name}_token": token for name, token in keys.tokens.items()},
    )
