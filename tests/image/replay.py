#!/usr/bin/env python3
"""Carries out the steps of `deploy/docker/Dockerfile` without Docker, and runs what comes of them as a container would.

The base image is a bare Debian with its own Python, made by debootstrap; each stage is a folder, each RUN a chroot. The
result runs as the image's user, without capabilities, on a root that is mounted read-only, in namespaces of its own.
Not part of the suite: it wants root, `debootstrap`, `ip`, and some minutes. Run it by
`PYTHONPATH=tests .venv-check/bin/python tests/image/replay.py [FOLDER OF A BARE ROOT]` (made there if it is empty).
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from support.dockerfile import Instruction, Stage, context, stages

ROOT: Final = Path(__file__).parent.parent.parent
DOCKER: Final = ROOT / "deploy/docker"
#: What the base image has beside Debian's essentials.
PACKAGES: Final = "python3,python3-venv,ca-certificates"
#: How long the server may take to be ready, seconds.
READY_WITHIN_S: Final = 60
#: How long Docker waits until it kills, seconds.
STOPPED_WITHIN_S: Final = 10
#: The network of the container: a loopback of its own.
NETWORK: Final = "gridhook-replay"
CONFIGURATION: Final = """\
public_url = "http://127.0.0.1:8000"
database = "sqlite:////data/gridhook.db"
[server]
admin_port = 8001
admin_token = "an-admin-token-for-the-replay"
[sources.journey]
provider = "journeyapi"
api_key = "key"
secrets = ["hook-secret"]
[sinks.pictures]
handler = "archive"
to = "/data/pictures"
[[rules]]
name = "keep"
when = { type = "job.completed" }
to = ["pictures"]
"""
WEBHOOK: Final = '{"task_id": "1", "task_type": "imagine", "status": "processing", "percentage": "10"}'
#: A user's program within: what is printed is what the world gets to see.
ASK: Final = """\
import sys, urllib.error, urllib.request
for path, body in (("/healthz", None), ("/in/journey", sys.argv[1].encode()), ("/metrics", None)):
    head = {"content-type": "application/json", "x-webhook-secret": "hook-secret"} if body else {}
    try:
        answer = urllib.request.urlopen(urllib.request.Request("http://127.0.0.1:8000" + path, body, head), timeout=9)
    except urllib.error.HTTPError as refused:
        answer = refused
    print(path, answer.status, answer.read().decode()[:100])
for place in ("/x", "/opt/gridhook/x", "/config/x", "/data/x", "/tmp/x"):
    try:
        open(place, "w").close()
        print("writes", place)
    except OSError as wrong:
        print("cannot write", place, wrong.strerror)
"""


def say(text: str) -> None:
    """Tells what is done."""
    sys.stdout.write(f"== {text}\n")
    sys.stdout.flush()


def run(*command: str | Path, env: Mapping[str, str] | None = None) -> None:
    """Runs a program to its end. Raises CalledProcessError if it fails."""
    subprocess.run([str(one) for one in command], check=True, env=env)


def bare_root(folder: Path, release: str) -> Path:
    """A bare root of this release of Debian in `folder`; one that is there is taken as it is."""
    if not (folder / "usr/bin/python3").exists():
        run("debootstrap", "--variant=minbase", f"--include={PACKAGES}", release, folder)
    python = folder / "usr/local/bin/python"
    if not python.is_symlink():
        python.symlink_to("/usr/bin/python3")
    for name in ("etc/resolv.conf", "etc/ssl/certs/ca-certificates.crt"):
        shutil.copy(f"/{name}", folder / name)
    return folder


def within(root: Path, *command: str, env: Mapping[str, str]) -> list[str]:
    """The command that runs another one in a root."""
    return ["chroot", str(root), "/usr/bin/env", "-i", *(f"{name}={value}" for name, value in env.items()), *command]


def carry_out(stage: Stage, root: Path, others: Mapping[str, Path]) -> dict[str, str]:
    """Does all that changes a stage's files; returns its environment."""
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}
    # How pip reaches its index from here; folders of this machine are not there within.
    outside = {name: value for name, value in os.environ.items() if name.startswith("PIP_") and "LINKS" not in name}
    for one in stage.instructions:
        if one.word == "RUN":
            say(f"RUN {one.text[:100]}")
            run(*within(root, "/bin/sh", "-c", one.text, env=env | outside))
        elif one.word == "COPY":
            say(f"COPY {one.text}")
            copy(one, root, others)
        elif one.word == "ENV":
            env |= {name: value.replace("$PATH", env["PATH"]) for name, value in one.variables().items()}
        elif one.word == "WORKDIR":
            (root / one.text.lstrip("/")).mkdir(parents=True, exist_ok=True)
    return env


def copy(one: Instruction, root: Path, others: Mapping[str, Path]) -> None:
    """Carries out a COPY, from another stage or of what the build sees."""
    match = re.fullmatch(r"(?:--from=(\w+) )?(\S+) (\S+)", one.text)
    assert match is not None, one.text
    to = root / match[3].lstrip("/")
    if match[1]:
        shutil.copytree(others[match[1]] / match[2].lstrip("/"), to, symlinks=True)
        return
    for path in context(ROOT, (DOCKER / "Dockerfile.dockerignore").read_text("utf-8")):
        place = to / path.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            shutil.copytree(path, place, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, place)


def build(work: Path, base: Path | None = None) -> tuple[Stage, Path, dict[str, str]]:
    """The last stage, its root and its environment."""
    roots: dict[str, Path] = {}
    for number, stage in enumerate(stages((DOCKER / "Dockerfile").read_text("utf-8"))):
        found = re.fullmatch(r"python:3\.\d+-slim-(\w+)", stage.image)
        assert found is not None, stage.image
        root = work / (stage.name or f"stage-{number}")
        bare = bare_root(base or work / "bare", found[1])
        say(f"FROM {stage.image}, of which this is Debian's own: {bare}")
        run("cp", "-a", bare, root)
        env = carry_out(stage, root, roots)
        roots[stage.name] = root
    return stage, root, env


def mounted(root: Path, work: Path, user: int) -> None:
    """Mounts what a container has, in the namespace at hand: nothing but /data and /tmp can be written."""
    for name in ("data", "config"):
        (work / name).mkdir()
        (root / name).mkdir(exist_ok=True)
    os.chown(work / "data", user, user)
    (work / "config/gridhook.toml").write_text(CONFIGURATION)
    run("mount", "--bind", root, root)
    run("mount", "-o", "remount,ro,bind", root)
    run("mount", "-t", "proc", "proc", root / "proc")
    for name in ("dev", "tmp"):
        run("mount", "-t", "tmpfs", "tmpfs", root / name)
    for name, number in (("null", 3), ("zero", 5), ("random", 8), ("urandom", 9)):
        run("mknod", "-m", "666", root / "dev" / name, "c", "1", str(number))
    run("mount", "--bind", work / "data", root / "data")
    run("mount", "--bind", work / "config", root / "config")
    run("mount", "-o", "remount,ro,bind", root / "config")
    run("mkdir", "-p", "/run/netns")
    run("mount", "-t", "tmpfs", "tmpfs", "/run/netns")  # its name is left nowhere
    run("ip", "netns", "add", NETWORK)
    run("ip", "-n", NETWORK, "link", "set", "lo", "up")


def start(stage: Stage, root: Path, env: Mapping[str, str], work: Path) -> int:
    """Runs the image until its health check is content, asks it something, ends it; returns how it ended."""
    user, _, group = stage.last("USER").text.partition(":")
    mounted(root, work, int(user))
    nobody = ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "--no-new-privs"]
    nobody += ["--bounding-set=-all", "--inh-caps=-all", "env", f"--chdir={stage.last('WORKDIR').text}"]

    def as_user(command: Sequence[str]) -> list[str]:
        return ["ip", "netns", "exec", NETWORK, *within(root, *nobody, *command, env=env)]

    command = stage.last("ENTRYPOINT").command() + stage.last("CMD").command()
    say(f"as {user}: {' '.join(command)}")
    server = subprocess.Popen(as_user(command))
    until = time.monotonic() + READY_WITHIN_S
    while subprocess.run(as_user(stage.last("HEALTHCHECK").command()), check=False, capture_output=True).returncode:
        assert server.poll() is None, "it has ended"
        assert time.monotonic() < until, "it does not become healthy"
        time.sleep(0.2)
    say("healthy")
    run(*as_user(["python", "-c", ASK, WEBHOOK]))
    server.send_signal(signal.Signals[stage.last("STOPSIGNAL").text])
    return server.wait(STOPPED_WITHIN_S)


def main() -> int:
    """Does all of it in namespaces of its own; returns how the server ended."""
    if os.getpid() == 1:  # the first process of a namespace: what it mounts and starts ends with it
        work, *bare = [Path(one) for one in sys.argv[1:]]
        return start(*build(work, *bare), work)
    made = tempfile.mkdtemp(prefix="gridhook-image-")
    again = ["unshare", "--mount", "--pid", "--fork", "--kill-child", sys.executable, __file__, made, *sys.argv[1:2]]
    try:
        return subprocess.run(again, check=False).returncode
    finally:
        run("rm", "-rf", "--one-file-system", made)


if __name__ == "__main__":
    sys.exit(main())
