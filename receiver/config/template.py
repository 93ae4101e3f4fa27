"""The starter configuration that `gridhook init` writes, and the secrets beside it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Final

from receiver.lib.signatures import fresh_standard_webhook_secret

#: Random bytes of a token or secret that is made here.
FRESH_LENGTH: Final = 32
#: How another secrets file than the usual one is named in the configuration.
USUAL_ENV_FILE: Final = '#env_file = ".env"'

#: What stands in it for the address of this machine.
STARTER_URL: Final = "https://hooks.example.com"
#: Where the parts begin that a vendor's own source and secrets take the place of.
FIRST_SOURCE: Final = "[sources.journey]\n"
SINKS: Final = "# --- Sinks"
FIRST_RULE: Final = "# Every picked tile"
LAST_RULE: Final = '[[rules]]\nname = "tell"'
FIRST_VENDOR: Final = "# goes out with each order to JourneyAPI"
OWN_SERVICE: Final = "# signs what your own service gets"
OF_OTHERS: Final = "# What only you know"
#: A `#` with a space behind it is a remark; a `#` right before a key or table switches that line off.
TEMPLATE: Final = """\
# gridhook.toml: what comes in, where it goes, and what follows from it.
# "# text" is a remark; take the "#" from a line like "#key = ..." to switch it on. "gridhook check" tells mistakes.
# Secrets are written "env:NAME" (environment, or else the .env file beside this one), "file:/path" or as text.
# Durations: "500ms" "10s" "5m" "24h" "30d".

# Where the vendors can reach this machine; webhook URLs are built on it. Apiframe wants https, APIMart port 80 or 443.
public_url = "https://hooks.example.com"
# Relative to this file; four slashes make it absolute.
database = "sqlite:///gridhook.db"
# How long jobs that are over are kept, with all that belongs to them. Left out: for ever.
#retention = "90d"
#time_zone = "UTC"
# Where secrets stand that the environment does not have.
#env_file = ".env"

[server]
host = "127.0.0.1"
port = 8000
# For the API and the pages; a list of two while you change it.
admin_token = "env:GRIDHOOK_ADMIN_TOKEN"
# For who sees everything and decides nothing.
#viewer_token = "env:GRIDHOOK_VIEWER_TOKEN"
# Pages, API and metrics on a port of their own: publish only the other one.
#admin_port = 8001
# The largest webhook that is taken in.
max_body = "8 MiB"
# What senders may make the server hold: connections at once, and all unfinished requests together.
#max_connections = 4096
#max_unread = "64 MiB"
# How long a connection that nobody uses is kept: longer than proxies and senders do, or they lose posts.
#keep_alive = "75s"
# Proxies whose X-Forwarded-* headers are believed.
#trusted_proxies = ["10.0.0.0/8"]
# The header in which such a proxy names who signed in there: they decide on the pages under their own name.
#user_header = "X-Forwarded-User"

# Private authorities beside the usual ones (SSL_CERT_FILE counts too), and a proxy for calls out (so do HTTPS_PROXY and
# NO_PROXY). Private networks that the addresses of pictures may lead to: without it only public places are called.
#[network]
#ca_file = "private-ca.pem"
#proxy = "env:PROXY"
#allow = ["10.1.0.0/16"]

# How far one job may lead: follow-ups in a row, and jobs in all. What would go further is held for a person.
#[limits]
#depth = 5
#jobs = 50

# --- Sources: your accounts at the vendors. [sources.NAME] takes webhooks at POST /in/NAME. ---

[sources.journey]
provider = "journeyapi"
api_key = "env:JOURNEYAPI_KEY"
# Any one of them matches; the first is sent with orders. To change it, put the new one first, drop the old one later.
secrets = ["env:JOURNEYAPI_HOOK_SECRET"]
# How many of its jobs may run at once (JourneyAPI's Basic plan: 5).
concurrency = 5
# What may be spent a day, week, month or in "total", in what the vendor counts in: credits, or usd (Vtrix). An order
# that would exceed it is held until the next period begins. Decimals are text: { usd = "5.00", per = "month" }.
budget = { credits = 200, per = "day" }
# Amounts that override the known prices, or say those that are not known: an unknown price fits into no budget.
#prices = { pick = "2" }
# One order or query; the silence before a job is asked after, and between questions; when to give a job up.
#timeout = "30s"
#poll = { after = "60s", every = "20s" }
#deadline = "30m"
# false: no webhooks, only asking; then no public_url is needed.
#webhooks = true
# Read the parent back before an unsigned webhook leads to a paid order.
#confirm = true

#[sources.frame]
#provider = "apiframe"
#api_key = "env:APIFRAME_KEY"
# Its webhooks are signed with the API key; after changing it, the old one still counts for a while.
#old_api_keys = ["env:APIFRAME_KEY_OLD"]

#[sources.mart]
#provider = "apimart"
#api_key = "env:APIMART_KEY"
# It does not sign. Jobs that gridhook orders have a secret URL each; jobs started elsewhere need this fixed token:
# https://hooks.example.com/in/mart/TOKEN
#token = "env:APIMART_TOKEN"

#[sources.vtrix]
#provider = "vtrix"
#api_key = "env:VTRIX_KEY"

#[sources.own]
#provider = "midjourney-proxy"
# Which of the two programs of this name it is, "novicezk" or "trueai", and where it runs.
#flavour = "trueai"
#base_url = "http://10.0.0.5:8080"
#api_key = "env:MJ_SECRET"

# --- Sinks: where events go. ---

[sinks.log]
handler = "log"

#[sinks.team]
#handler = "slack"
#url = "env:SLACK_WEBHOOK_URL"
#rate = "1/s"

# Standard Webhooks: your service gets every event signed.
#[sinks.backend]
#handler = "webhook"
#url = "https://app.example.com/hooks"
#secret = "env:BACKEND_SECRET"
# What the body is called; "application/cloudevents+json" for receivers that ask for it.
#content_type = "application/json"
#retry = ["5s", "30s", "2m", "10m", "1h", "6h", "24h"]
#timeout = "15s"
#concurrency = 16

# --- Rules: "when" an event fits, it goes "to" sinks, and "then" something is ordered. ---

# Every picked tile is upscaled. This spends credits: 2 for each (JourneyAPI).
[[rules]]
name = "auto-hd"
when = { type = "job.completed", action = "pick", source = "journey" }
then = { action = "upscale", kind = "2x" }
# What this rule may spend, beside the budget of the source.
#budget = { credits = 50, per = "day" }

[[rules]]
name = "tell"
when = { type = ["job.completed", "job.failed", "job.unsure", "job.held"] }
to = ["log"]
"""

VARIABLES: Final = """\
# Secrets of the configuration beside this file, for your eyes only. What is set in the environment counts instead.

# Made at random by "gridhook init", yours to keep or to replace:
# for the API and the pages;
GRIDHOOK_ADMIN_TOKEN={admin_token}
# goes out with each order to JourneyAPI, and comes back with its webhooks;
JOURNEYAPI_HOOK_SECRET={hook_secret}
# the end of the webhook URL that you register with APIMart;
APIMART_TOKEN={mart_token}
# signs what your own service gets, and is what it verifies with (Standard Webhooks).
BACKEND_SECRET={backend_secret}

# What only you know: your keys at the vendors, and where your Slack listens.
JOURNEYAPI_KEY=
#APIFRAME_KEY=
#APIFRAME_KEY_OLD=
#APIMART_KEY=
#VTRIX_KEY=
#MJ_SECRET=
#SLACK_WEBHOOK_URL=
"""


def starter(env_file: str = ".env", source: str | None = None) -> str:
    """The text of a starter configuration whose secrets stand in `env_file`, a name in the same folder.

    `source` is TOML that takes the place of the vendors' sources, and of the rule that orders at one of them.
    """
    text = TEMPLATE
    if source is not None:
        before, _, rest = text.partition(FIRST_SOURCE)
        sinks, _, rules = rest[rest.index(SINKS) :].partition(FIRST_RULE)
        text = f"{before}{source}\n{sinks}{rules[rules.index(LAST_RULE) :]}"
    written = f"env_file = {json.dumps(env_file, ensure_ascii=False)}"
    return text if env_file == ".env" else text.replace(USUAL_ENV_FILE, written)


def starter_secrets(variables: Mapping[str, tuple[str, str]] | None = None) -> str:
    """The text of the secrets file beside it: fresh secrets each time; what only its owner can know is left empty.

    `variables` take the place of the vendors': by name, what stands above each and its value.
    """
    text = VARIABLES.format(
        admin_token=secrets.token_urlsafe(FRESH_LENGTH),
        hook_secret=secrets.token_urlsafe(FRESH_LENGTH),
        mart_token=secrets.token_urlsafe(FRESH_LENGTH),
        backend_secret=fresh_standard_webhook_secret(),
    )
    if variables is None:
        return text
    ours = text[: text.index(FIRST_VENDOR)] + text[text.index(OWN_SERVICE) : text.index(OF_OTHERS)]
    return f"{ours}{variable_lines(variables)}"


def variable_lines(variables: Mapping[str, tuple[str, str]]) -> str:
    """Lines of a secrets file: each variable with what it is for above it."""
    return "".join(f"# {about}\n{name}={value}\n" for name, (about, value) in variables.items())
