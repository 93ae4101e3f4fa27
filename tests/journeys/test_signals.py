"""Signals to a real server: what each of them does, and that nothing which hangs keeps it from ending in time."""

from __future__ import annotations

import asyncio
import os
import pty
import signal
import socket
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from receiver.pretend.loopback import serve
from support.picks import parents, pick, task_id, vendor_knowing
from support.server import AUTO_HD, HOOK_SECRET, JOURNEY, TOKEN, TOP, Server, free_port, serving, until
from support.slow_sink import SLOW, SlowSink

NO_VENDOR = JOURNEY.format(vendor="http://127.0.0.1:9", more="")
LOGGED = """
[sinks.log]
handler = "log"

[[rules]]
when = { type = "job.completed" }
to = ["log"]
"""
#: A sink of somebody's that stands still within the event loop.
BLOCKING = """
import time
from receiver.contracts import Handler

class Blocking(Handler):
    def __init__(self, options):
        pass

    async def deliver(self, outgoing, context):
        open("blocks", "w").close()
        time.sleep(600)
"""
#: Becomes another program in a session whose terminal is the given descriptor.
ON_TERMINAL = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(int(sys.argv[1]), termios.TIOCSCTTY, 0)
os.execvp(sys.argv[2], sys.argv[2:])
"""
#: Becomes another program that is handed the given descriptor as a listening socket.
HANDED_OVER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execvp(sys.argv[2], sys.argv[2:])
"""


def configure(server: Server, toml: str, top: str = TOP) -> None:
    """Writes another configuration for a server that runs."""
    (server.folder / "gridhook.toml").write_text(top.format(url=server.url) + toml)


async def hang_up(server: Server, event: str) -> None:
    """Sends SIGHUP, and waits until the log tells what came of it."""
    before = len(server.logged(event))
    server.send(signal.SIGHUP)
    await until(lambda: len(server.logged(event)) > before, event)


async def stopped(server: Server, *signals: signal.Signals) -> float:
    """How long the server takes to end well after signals, seconds."""
    began = time.monotonic()
    for one in signals:
        server.send(one)
        await until(lambda: bool(server.logged("server.stopping")), "it takes the signal")
    assert await server.ended() == 0
    return time.monotonic() - began


async def test_a_hangup_has_the_configuration_read_again_and_loses_no_request(tmp_path: Path) -> None:
    async with serving(tmp_path, NO_VENDOR) as server:
        going, answers = True, Counter[int]()

        async def send() -> None:
            while going:
                answer = await server.post("/in/journey", pick(task_id(sum(answers.values()))))
                answers[answer.status_code] += 1

        sending = [asyncio.create_task(send()) for _ in range(4)]
        other = NO_VENDOR.replace("sources.journey", "sources.second")
        configure(server, NO_VENDOR + other)
        await hang_up(server, "config.reloaded")
        assert (await server.post("/in/second", pick(task_id(7)))).status_code == 200
        configure(server, NO_VENDOR)
        await hang_up(server, "config.reloaded")
        assert (await server.post("/in/second", pick(task_id(7)))).status_code == 404
        going = False
        await asyncio.gather(*sending)
        kept = server.rows("SELECT count(*) FROM requests WHERE source = 'journey'")
    assert set(answers) == {200}
    assert kept == [(answers[200],)]


async def test_a_bad_configuration_is_refused_with_all_its_mistakes_and_the_old_one_goes_on(tmp_path: Path) -> None:
    async with serving(tmp_path, NO_VENDOR) as server:
        backend = '[sinks.y]\nhandler = "webhook"\nurl = "https://x.example"\nsecret = "hush-hush"\n'
        configure(server, NO_VENDOR + '[sinks.x]\nhandler = "nope"\n' + backend + "[typo]\n")
        await hang_up(server, "config.refused")
        (refused,) = server.logged("config.refused")
        places = ["typo", "sinks.x.handler", "sinks.y.secret"]
        assert [mistake.split(":")[0] for mistake in refused["mistakes"]] == places
        # `check` proposes a fresh secret; a log would keep it.
        assert refused["mistakes"][2].endswith("at the receiver: one that `gridhook check` prints")
        configure(server, "[[[")
        await hang_up(server, "config.refused")
        (server.folder / "gridhook.toml").unlink()
        await hang_up(server, "config.refused")
        assert (await server.post("/in/journey", pick(task_id(1)))).status_code == 200


async def test_what_needs_a_restart_stays_and_is_told(tmp_path: Path) -> None:
    async with serving(tmp_path, NO_VENDOR) as server:
        top = TOP.replace("gridhook.db", "other.db").replace("[server]", '[server]\nhost = "127.0.0.2"\nport = 1')
        configure(server, NO_VENDOR + LOGGED, top)
        await hang_up(server, "config.reloaded")
        (told,) = server.logged("config.needs_restart")
        # The port was given on the command line, which counts more than both files.
        assert told["keys"] == ["server.host", "database"]
        assert (await server.post("/in/journey", pick(task_id(1)))).status_code == 200
        await until(lambda: bool(server.logged("event.logged")), "the new rule is in force")
        assert not (tmp_path / "other.db").exists()


async def test_an_order_under_way_ends_as_it_began_and_an_open_stream_goes_on(tmp_path: Path) -> None:
    vendor = vendor_knowing(task_id(1), order_delay=1.0, lose=True)
    async with serve(vendor.app) as at_vendor:
        toml = JOURNEY.format(vendor=at_vendor, more="") + AUTO_HD
        async with serving(tmp_path, toml) as server:
            token = {"authorization": f"Bearer {TOKEN}"}
            async with server.client.stream("GET", "/api/v1/stream", headers=token) as stream:
                lines = stream.aiter_lines()
                await anext(lines)
                await server.post("/in/journey", pick(task_id(1)))
                await until(lambda: len(vendor.bills) == 1, "the order is at the vendor")
                configure(server, NO_VENDOR.replace("sources.journey", "sources.second"))
                await hang_up(server, "config.reloaded")
                async for line in lines:
                    if "job.submitted" in line:
                        break
            status = server.rows("SELECT status FROM jobs WHERE parent IS NOT NULL")
    assert status == [("queued",)]
    assert parents(vendor) == [task_id(1)]


@pytest.mark.parametrize("how", ["reload", "restart"])
async def test_what_a_budget_held_is_judged_again(tmp_path: Path, how: str) -> None:
    vendor = vendor_knowing(*(task_id(number) for number in range(3)), lose=True)
    async with serve(vendor.app) as at_vendor:
        source = JOURNEY.format(vendor=at_vendor, more='budget = {{ credits = {}, per = "total" }}')
        async with serving(tmp_path, source.format(0) + AUTO_HD) as server:
            for number in range(3):
                await server.post("/in/journey", pick(task_id(number)))
            held = "SELECT count(*) FROM jobs WHERE status = 'held'"
            await until(lambda: server.rows(held) == [(3,)], "all are held")
            configure(server, source.format(1000) + AUTO_HD)
            if how == "reload":
                await hang_up(server, "config.reloaded")
            else:
                await server.restart()
            await until(lambda: len(vendor.bills) == 3, "all are ordered")


@pytest.mark.parametrize("one", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
async def test_a_stop_lets_what_runs_finish(tmp_path: Path, one: signal.Signals) -> None:
    vendor = vendor_knowing(task_id(1), order_delay=1.5, lose=True)
    async with serve(vendor.app) as at_vendor:
        toml = JOURNEY.format(vendor=at_vendor, more="") + AUTO_HD
        async with serving(tmp_path, toml) as server:
            await server.post("/in/journey", pick(task_id(1)))
            await until(lambda: len(vendor.bills) == 1, "the order is at the vendor")
            await stopped(server, one)
            assert server.rows("SELECT status FROM jobs WHERE parent IS NOT NULL") == [("queued",)]


async def test_a_second_signal_hurries(tmp_path: Path) -> None:
    sink = SlowSink()
    async with serve(sink.app) as at_sink, serving(tmp_path, NO_VENDOR + SLOW.format(sink=at_sink)) as server:
        await server.post("/in/journey", pick(task_id(1)))
        await until(lambda: len(sink.ids) == 1, "the sink hangs")
        assert await stopped(server, signal.SIGTERM, signal.SIGTERM) < 4
        assert server.rows("SELECT state, attempt - base FROM deliveries") == [("pending", 0)]


async def test_a_stop_ends_in_its_time_whatever_hangs(tmp_path: Path) -> None:
    vendor, sink = vendor_knowing(task_id(1), order_delay=600.0), SlowSink()
    async with serve(vendor.app) as at_vendor, serve(sink.app) as at_sink:
        toml = JOURNEY.format(vendor=at_vendor, more="") + SLOW.format(sink=at_sink) + AUTO_HD
        async with serving(tmp_path, toml) as server:
            await server.post("/in/journey", pick(task_id(1)))
            await until(lambda: len(vendor.bills) == 1 and len(sink.ids) == 1, "sink and order hang")
            host, port = server.url.removeprefix("http://").split(":")
            _, half = await asyncio.open_connection(host, int(port))
            half.write(b"POST /in/journey HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
            _, deaf = await asyncio.open_connection(host, int(port))
            deaf.write(f"GET /api/v1/stream HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\n\r\n".encode())
            await half.drain()
            await deaf.drain()
            assert await stopped(server, signal.SIGTERM) < 8
            assert server.rows("SELECT status FROM jobs WHERE parent IS NOT NULL") == [("unsure",)]
            half.close()
            deaf.close()


async def test_not_even_a_plug_in_that_blocks_the_event_loop_keeps_it_from_ending(tmp_path: Path) -> None:
    (tmp_path / "blocking.py").write_text(BLOCKING)
    toml = NO_VENDOR + LOGGED.replace('"log"\n', '"blocking:Blocking"\n')
    async with serving(tmp_path, f'stop_within = "1m"\n{toml}', env={"PYTHONPATH": str(tmp_path)}) as server:
        configure(server, toml, TOP.replace("[server]", '[server]\nstop_within = "2s"'))
        await hang_up(server, "config.reloaded")
        sending = asyncio.create_task(server.post("/in/journey", pick(task_id(1))))
        await until((tmp_path / "blocks").exists, "the event loop stands still")
        began = time.monotonic()
        server.send(signal.SIGTERM)
        assert await server.ended() == 1
        assert time.monotonic() - began < 30, "it goes by the two seconds, not by the minute that it was started with"
        assert len(server.logged("server.cut_off")) == 1
        await asyncio.gather(sending, return_exceptions=True)


async def test_a_closed_terminal_ends_it_in_good_order_and_an_open_one_does_not(tmp_path: Path) -> None:
    server = Server(tmp_path, free_port(), {})
    configure(server, NO_VENDOR, TOP.replace("[server]", "[server]\nport = 0"))
    ours, theirs = pty.openpty()
    with server.log.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", ON_TERMINAL, str(theirs), sys.executable, "-m", "receiver", "serve"),
            cwd=tmp_path,
            env=server.env,
            stdin=theirs,
            stdout=theirs,
            stderr=log,
            pass_fds=[theirs],
        )
    os.close(theirs)
    try:
        await until(lambda: bool(server.logged("server.started")), "it is up")
        process.send_signal(signal.SIGHUP)
        await until(lambda: bool(server.logged("config.reloaded")), "it reloads")
    finally:
        os.close(ours)
    assert await asyncio.wait_for(process.wait(), 20) == 0
    assert len(server.logged("server.stopped")) == 1


async def test_a_socket_that_a_supervisor_holds_keeps_senders_waiting_through_a_restart(tmp_path: Path) -> None:
    notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notified.bind(str(tmp_path / "notify"))
    notified.settimeout(20)
    server = Server(tmp_path, free_port(), {"NOTIFY_SOCKET": str(tmp_path / "notify")})
    configure(server, NO_VENDOR)

    async def begin() -> asyncio.subprocess.Process:
        with server.log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", HANDED_OVER, str(listener.fileno()), sys.executable, "-m", "receiver", "serve"),
                cwd=tmp_path,
                env=server.env,
                stderr=log,
                pass_fds=[listener.fileno()],
            )

    def told() -> str:
        return notified.recv(200).decode().split("\n")[0]

    with socket.create_server(("127.0.0.1", 0)) as listener, notified:
        process = await begin()
        assert await asyncio.to_thread(told) == "READY=1"
        process.send_signal(signal.SIGHUP)
        assert [await asyncio.to_thread(told) for _ in range(2)] == ["RELOADING=1", "READY=1"]
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(told) == "STOPPING=1"
        assert await asyncio.wait_for(process.wait(), 20) == 0
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        body = pick(task_id(1))
        head = f"POST /in/journey HTTP/1.1\r\nhost: x\r\nx-webhook-secret: {HOOK_SECRET}\r\n"
        writer.write(f"{head}content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body)
        await writer.drain()
        process = await begin()
        try:
            answer = await asyncio.wait_for(reader.read(), 20)
        finally:
            process.terminate()
            await process.wait()
        writer.close()
    assert answer.startswith(b"HTTP/1.1 200")
