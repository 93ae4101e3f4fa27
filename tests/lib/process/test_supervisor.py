"""Sockets that a supervisor hands over, and what it is told."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import receiver
from receiver.lib.process.supervisor import handed_over, notify

#: Says which sockets it was handed; descriptor 3 is whatever the test makes of it.
ASKED = """
import os, sys
from receiver.lib.process.supervisor import handed_over
os.dup2(int(sys.argv[3]), 3)
env = {"LISTEN_FDS": sys.argv[1], "LISTEN_PID": sys.argv[2] or str(os.getpid()), "LISTEN_FDNAMES": "web"}
try:
    print([one.getsockname()[1] for one in handed_over(env)], env)
except OSError as wrong:
    print(wrong)
"""


def asked(given: int, count: str, pid: str = "") -> str:
    """What a process prints that has `given` as its descriptor 3."""
    found = subprocess.run(
        [sys.executable, "-c", ASKED, count, pid, str(given)],
        pass_fds=[given],
        env={**os.environ, "PYTHONPATH": str(Path(receiver.__file__).parent.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    return found.stdout.strip()


def test_a_listening_socket_is_taken_over_and_children_are_not_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert asked(listener.fileno(), "1") == f"[{port}] {{}}"
        assert asked(listener.fileno(), "1", "1") == "[] {}"
        assert asked(listener.fileno(), "many") == "[] {}"


def test_what_is_no_listening_socket_is_refused() -> None:
    with socket.socket() as idle:
        assert "no listening stream socket" in asked(idle.fileno(), "1")
    with Path(os.devnull).open() as file:
        assert "descriptor 3" in asked(file.fileno(), "1") or "socket" in asked(file.fileno(), "1")


def test_nothing_is_taken_where_nothing_is_said() -> None:
    assert handed_over({}) == []


@pytest.mark.parametrize("abstract", [False, True])
def test_a_state_is_told(tmp_path: Path, abstract: bool) -> None:
    address = f"\0gridhook-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(address)
        listener.settimeout(10)
        notify({"NOTIFY_SOCKET": address.replace("\0", "@")}, "READY=1", "STATUS=up")
        assert listener.recv(100) == b"READY=1\nSTATUS=up"


def test_nobody_who_listens_is_no_trouble(tmp_path: Path) -> None:
    for address in ("", "nonsense", str(tmp_path / "nobody"), "@nobody-at-all"):
        notify({"NOTIFY_SOCKET": address}, "READY=1")
    notify({}, "READY=1")
