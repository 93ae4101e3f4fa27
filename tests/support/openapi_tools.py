"""Programs of others that read the OpenAPI document: in Python, in an environment of their own, and in Node."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent.parent
REQUIREMENTS: Final = ROOT / "tests" / "web" / "api" / "requirements.txt"
ENVIRONMENT: Final = ROOT / ".venv-openapi"
#: The longest that installing something may take, seconds.
INSTALLING: Final = 300


def python_tool(name: str) -> Path:
    """A program in the environment that `tests/web/api/requirements.txt` describes; makes it if it is not there yet."""
    with (ROOT / ".venv-openapi.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _make(ENVIRONMENT / "made-of.txt")
    return ENVIRONMENT / "bin" / name


def _make(made_of: Path) -> None:
    wanted = REQUIREMENTS.read_text("utf-8")
    if made_of.exists() and made_of.read_text("utf-8") == wanted:
        return
    venv.create(ENVIRONMENT, clear=True)
    install = ("install", "--no-compile", "-r", str(REQUIREMENTS))
    pip = ("-m", "pip", "--disable-pip-version-check", "--quiet", "--python", str(ENVIRONMENT / "bin" / "python"))
    run(sys.executable, *pip, *install, seconds=INSTALLING)
    made_of.write_text(wanted, "utf-8")


def run(program: str | Path, *arguments: str, folder: Path | None = None, seconds: float = 60) -> str:
    """What a program prints; the test fails with that if the program does."""
    path = f"{ENVIRONMENT / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [program, *arguments],
        cwd=folder,
        env={**os.environ, "PATH": path, "REDOCLY_TELEMETRY": "off", "NO_COLOR": "1"},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        timeout=seconds,
    )
    assert done.returncode == 0, f"{Path(program).name} {' '.join(arguments)}\n{done.stdout}"
    return done.stdout


def node_tools(*packages: str, script: str, folder: Path) -> str:
    """What a command of Node packages prints. Where there is no Node the test is skipped, but with CI=true it fails."""
    import pytest  # not there yet when this runs as a script

    npx = shutil.which("npx")
    if npx is None:
        message = "needs Node (npx) for " + ", ".join(packages)
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    named = [word for package in packages for word in ("--package", package)]
    return run(npx, "--yes", *named, "-c", script, folder=folder, seconds=INSTALLING)


if __name__ == "__main__":
    sys.stdout.write(f"{python_tool('openapi-python-client')}\n")
