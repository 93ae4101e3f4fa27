"""gridhook itself as a contestant: a configuration as users write them, and the command that they run."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench.contestants.contestant import (
    Command,
    Contestant,
    installed,
)
from bench.load.payload import SECRET, SINK_SECRET

#: For the API.
ADMIN_TOKEN: Final = "bench-admin-token-0123456789"  # only ever used on loopback
DATABASE: Final = "gridhook.db"
TOP: Final = """\
public_url = "http://127.0.0.1:{port}"
database = "sqlite:///gridhook.db"

[server]
host = "127.0.0.1"
port = {port}
admin_token = "{token}"

[sources.journey]
provider = "journeyapi"
base_url = "http://127.0.0.1:{far}/api/v1"
api_key = "bench-key"
secrets = ["{secret}"]
concurrency = 1000

[[rules]]
name = "auto-hd"
when = {{ type = "job.completed", action = "pick", source = "journey" }}
then = {{ action = "upscale", kind = "2x" }}
"""
SINK: Final = """
[sinks.{name}]
handler = "webhook"
url = "http://127.0.0.1:{far}/{name}"
secret = "{secret}"
"""
CHAT: Final = """
[sinks.{name}]
handler = "slack"
token = "xoxb-bench"
channel = "C0123456789"
api_url = "http://127.0.0.1:{far}/{name}/api"
"""
TELL: Final = """
[[rules]]
name = "{name}"
when = {{ type = ["job.completed", "job.failed"] }}
to = [{names}]
"""
#: A job counts as kept only with its event and both deliveries.
KEPT: Final = """
SELECT provider_job_id FROM jobs
WHERE EXISTS (SELECT 1 FROM events WHERE events.job = jobs.number)
    AND (SELECT count(*) FROM deliveries WHERE deliveries.job = jobs.number) = 2
"""
#: A port that nothing listens on; with `--role intake` nothing is sent there.
NOWHERE: Final = 9


def configuration(
    port: int, *, far: int = NOWHERE, sinks: tuple[str, ...] = ("first", "second"), more: str = ""
) -> str:
    """Returns the text of the configuration. `far` is the port of sinks and vendor; each event goes to all `sinks`.

    `more` is the text of further sinks with their rules.
    """
    text = TOP.format(port=port, far=far, token=ADMIN_TOKEN, secret=SECRET)
    for name in sinks:
        text += SINK.format(name=name, far=far, secret=SINK_SECRET)
    return text + (tell(sinks) if sinks else "") + more


def tell(sinks: Sequence[str]) -> str:
    """Returns the text of a rule that sends each event to these sinks."""
    return TELL.format(name="-".join(("tell", *sinks)), names=", ".join(f'"{name}"' for name in sinks))


def start(folder: Path, port: int, text: str, role: str) -> Command:
    """Writes the configuration and returns the command."""
    file = folder / "gridhook.toml"
    file.write_text(text, encoding="utf-8")
    return installed("-m", "receiver", "serve", "--config", str(file), "--role", role)


def _prepare(folder: Path, port: int) -> Command:
    return start(folder, port, configuration(port), "intake")


def kept(folder: Path) -> set[str]:
    """Returns the vendor's ids of the jobs that are kept whole."""
    with contextlib.closing(sqlite3.connect(folder / DATABASE)) as db:
        return {row[0] for row in db.execute(KEPT)}


GRIDHOOK: Final = Contestant(
    name="gridhook",
    about="verified, mapped; request, event, job and 2 deliveries are on disk before the 200 (--role intake)",
    prepare=_prepare,
    kept=kept,
)
