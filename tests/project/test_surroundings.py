"""The suite owes nothing to whoever calls it: not the environment, the umask, the folder or what is ignored."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from support.surroundings import IGNORED, UMASK, foreign

TESTS: Final = Path(__file__).parent.parent
#: What callers may have set, each of which has turned a test red or could.
HOSTILE: Final = {
    "NO_COLOR": "1",
    "FORCE_COLOR": "1",
    "TERM": "dumb",
    "COLUMNS": "20",
    "LINES": "2",
    "TZ": "Pacific/Apia",
    "LANG": "C",
    "LC_ALL": "C",
    "PYTHONUTF8": "0",
    "PYTHONCOERCECLOCALE": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONWARNINGS": "ignore",
    "HOME": "/nowhere",
    "GRIDHOOK_CONFIG": "/nowhere/gridhook.toml",
    "JOURNEYAPI_KEY": "a-key",
    "http_proxy": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "ALL_PROXY": "socks5://127.0.0.1:9",
    "SSL_CERT_FILE": "/nowhere/cert.pem",
}
#: Tests that something of this would turn red.
SENSITIVE: Final = (
    "project/test_surroundings.py::test_nothing_of_the_caller_is_seen",
    "project/test_surroundings.py::test_files_are_utf_8",
    "cli/commands/test_lists.py::test_a_terminal_gets_colours_but_no_markup_of_others",
    "cli/commands/test_resolve.py::test_yes_said_beforehand_is_not_asked_for_again",
    "pretend/test_loopback.py::test_the_application_answers_and_its_lifespan_begins_and_ends",
)


def test_nothing_of_the_caller_is_seen() -> None:
    assert not list(foreign(os.environ))
    assert time.timezone == -13 * 3600
    before = os.umask(UMASK)
    assert before == UMASK
    assert signal.SIG_IGN not in [signal.getsignal(one) for one in IGNORED]


def test_files_are_utf_8(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("größe 火")
    assert (tmp_path / "a").read_bytes() == "größe 火".encode()


def test_processes_see_nothing_of_the_caller_either() -> None:
    said = subprocess.run(
        [sys.executable, "-c", "import os; print(*os.environ)"], capture_output=True, text=True, check=True
    )
    assert set(said.stdout.split()) <= set(os.environ)


def test_a_test_is_green_whoever_calls_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist"]
    given = ["-c", str(TESTS.parent / "pyproject.toml"), "--rootdir", str(TESTS.parent)]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    ran = subprocess.run(
        [
            "/bin/sh",
            "-c",
            'trap "" HUP INT; exec "$@"',
            "sh",
            *command,
            *given,
            *(str(TESTS / test) for test in SENSITIVE),
        ],
        cwd=tmp_path,
        env={**kept, **HOSTILE},
        umask=0o077,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
