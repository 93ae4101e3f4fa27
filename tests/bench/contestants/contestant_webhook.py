"""adnanh/webhook, which starts a command for each request; takes part where `webhook` is on the path."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from bench.contestants.contestant import Command, Contestant
from bench.load.payload import SECRET

TASK_ID: Final = re.compile(r'"task_id":"([0-9a-f-]{36})"')
#: Appends the body as a line and syncs the file; the answer waits for its end.
STORE: Final = """\
#!/bin/sh
printf '%s\\n' "$1" >> events.jsonl && sync events.jsonl
"""


def contestants() -> list[Contestant]:
    """Returns webhook, or nobody; other programs of that name do not say `webhook version`."""
    program = shutil.which("webhook")
    if program is None:
        return []
    said = subprocess.run([program, "-version"], capture_output=True, text=True, check=False, timeout=10).stdout
    if not said.startswith("webhook version"):
        return []
    about = "adnanh/webhook: a shell script appends the body to a file and syncs it"
    return [Contestant(name="adnanh/webhook", about=about, prepare=prepare, kept=kept, path="/hooks/journey")]


def prepare(folder: Path, port: int) -> Command:
    """Writes a hook that checks the secret and runs the script, and returns how to start webhook with it."""
    script = folder / "store.sh"
    script.write_text(STORE)
    script.chmod(0o755)
    secret = {"type": "value", "value": SECRET, "parameter": {"source": "header", "name": "X-Webhook-Secret"}}
    hook = {
        "id": "journey",
        "execute-command": str(script),
        "command-working-directory": str(folder),
        "pass-arguments-to-command": [{"source": "entire-payload"}],
        "include-command-output-in-response": True,
        "trigger-rule": {"match": secret},
        "trigger-rule-mismatch-http-response-code": 401,
    }
    hooks = folder / "hooks.json"
    hooks.write_text(json.dumps([hook]))
    return Command(argv=("webhook", "-hooks", str(hooks), "-ip", "127.0.0.1", "-port", str(port)))


def kept(folder: Path) -> set[str]:
    """Returns the task ids of the lines in its file."""
    return set(TASK_ID.findall((folder / "events.jsonl").read_text(errors="replace")))
