"""What a supervisor such as systemd and its service tell each other: sockets that are handed over, and states."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Final

#: The first descriptor that is handed over (sd_listen_fds(3)).
FIRST: Final = 3
MOST: Final = 64


def handed_over(env: MutableMapping[str, str]) -> list[socket.socket]:
    """The listening stream sockets that were handed to this process (`LISTEN_FDS`, `LISTEN_PID`), maybe none.

    What says so is taken out of `env`: it is not meant for our children. Raises OSError if one is no such socket.
    """
    pid, count = env.pop("LISTEN_PID", ""), env.pop("LISTEN_FDS", "")
    env.pop("LISTEN_FDNAMES", None)
    if pid != str(os.getpid()) or not count.isdecimal():
        return []
    return [_listening(FIRST + place) for place in range(min(int(count), MOST))]


def _listening(descriptor: int) -> socket.socket:
    os.set_inheritable(descriptor, False)
    found = socket.socket(fileno=descriptor)
    listens = found.type == socket.SOCK_STREAM and found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    if not listens:
        raise OSError(f"descriptor {descriptor}, which the supervisor handed over, is no listening stream socket")
    return found


def notify(env: MutableMapping[str, str], *states: str) -> None:
    """Tells the supervisor (`NOTIFY_SOCKET`, sd_notify(3)) states such as `READY=1`, if there is one that listens."""
    address = env.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as speaker:
        # One that hangs must hold nobody.
        speaker.setblocking(False)
        speaker.sendto("\n".join(states).encode(), b"\0" + address[1:].encode() if address[0] == "@" else address)


def reloading() -> tuple[str, str]:
    """The states that begin a reload; `READY=1` ends it."""
    return "RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}"
