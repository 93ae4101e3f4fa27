"""Dispatching at its limit: a backlog goes to sinks as fast as it can, and each message's processor time is counted."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Timer
from typing import Final, Literal

import msgspec

from bench.contestants import gridhook
from bench.contestants.contestant import Command, python
from bench.errors import BenchError
from bench.load.generators import aimed, drive
from bench.load.payload import SINK_SECRET
from bench.load.sink import SlowSink
from bench.machine.cores import on
from bench.machine.servers import RunningServer, free_port, serving, started
from bench.measures.contest import Plan, Spread, spread
from bench.progress import Say
from support.certificates import PrivateAuthority, make_authority

#: Messages in the backlog of each sink.
BACKLOG: Final = 4000
#: How long a drain may take, seconds.
PATIENCE: Final = 300.0


class DrainCase(msgspec.Struct, frozen=True, kw_only=True):
    """What is drained, and where to."""

    scheme: Literal["http", "https"] = "http"
    #: Deliveries at once to each sink; None = gridhook's default.
    at_once: int | None = None
    #: How long each sink takes over a message, milliseconds.
    sinks_ms: tuple[float, ...] = (0.0,)
    #: Configuration of further sinks, which are not waited for.
    more: str = ""


CASES: Final = (
    *(DrainCase(at_once=at_once) for at_once in (1, 4, 16, 32, 64)),
    DrainCase(scheme="https", at_once=4),
    DrainCase(scheme="https", at_once=16),
    DrainCase(sinks_ms=(20.0,)),
    DrainCase(sinks_ms=(0.0, 20.0, 100.0)),
)


class Drain(msgspec.Struct, frozen=True, kw_only=True):
    """One case over all rounds."""

    case: DrainCase
    #: Messages a second, all sinks together.
    rate: Spread
    #: Processor time of one message, microseconds.
    cpu_us: Spread
    #: Resident memory at the end, MB (1,000,000 bytes).
    resident_mb: Spread


class Drained(msgspec.Struct, frozen=True, kw_only=True):
    """One round: messages a second, processor time of one, and memory."""

    rate: float
    cpu_us: float
    resident_mb: float


def drain(plan: Plan, say: Say, cases: Sequence[DrainCase] = CASES, backlog: int = BACKLOG) -> list[Drain]:
    """Measures each case in each round, in turn. Raises BenchError."""
    folder = plan.folder / "drain"
    folder.mkdir()
    try:
        authority = make_authority(folder)
        rounds: list[list[Drained]] = [[] for _ in cases]
        for _ in range(plan.rounds):
            for case, done in zip(cases, rounds, strict=True):
                done.append(drain_once(plan, case, folder, authority, backlog))
                say(f"{described(case)}: {done[-1].cpu_us:.0f} us, {done[-1].rate:,.0f}/s")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return [
        Drain(
            case=case,
            rate=spread([one.rate for one in done]),
            cpu_us=spread([one.cpu_us for one in done]),
            resident_mb=spread([one.resident_mb for one in done]),
        )
        for case, done in zip(cases, rounds, strict=True)
    ]


def described(case: DrainCase) -> str:
    """Returns a case in words."""
    takes = ", ".join(f"{one:g} ms" for one in case.sinks_ms)
    many = f"{len(case.sinks_ms)} sinks" if len(case.sinks_ms) > 1 else "a sink"
    at_once = "default" if case.at_once is None else f"{case.at_once} at once"
    return f"{many} of {takes}, {case.scheme}, {at_once}"


def drain_once(plan: Plan, case: DrainCase, folder: Path, authority: PrivateAuthority, backlog: int) -> Drained:
    """Measures one case once; its files, and those of `authority`, are in `folder`. Raises BenchError."""
    place = folder / "round"
    try:
        with ExitStack() as stack:
            sinks = [stack.enter_context(_sink(plan, case, takes, folder, backlog)) for takes in case.sinks_ms]
            ports = [sink.port for sink in sinks]
            _fill(plan, case, place, ports, backlog)
            port = free_port()
            command = gridhook.start(place, port, _configuration(case, port, ports), "dispatch")
            trust = {"SSL_CERT_FILE": str(authority.ca_file)}
            with started(command, place, port, plan.cores.server, trust) as server:
                return _watch(server, sinks, backlog)
    finally:
        shutil.rmtree(place, ignore_errors=True)


class _RunningSink:
    """A sink that runs; it is asked nothing, and tells when it has begun and when it has all."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.port = int(self._line())

    def wait_for(self, word: str) -> None:
        """Waits until it says so. Raises BenchError."""
        if self._line() != word:
            raise BenchError("a sink did not get its messages in time")

    def _line(self) -> str:
        return self._process.stdout.readline().strip() if self._process.stdout is not None else ""


@contextmanager
def _sink(plan: Plan, case: DrainCase, takes_ms: float, folder: Path, backlog: int) -> Iterator[_RunningSink]:
    secure = case.scheme == "https"
    told = SlowSink(
        messages=backlog,
        takes_s=takes_ms / 1000,
        certificate=str(folder / "server.pem") if secure else None,
        key=str(folder / "server.key") if secure else None,
    )
    command = python("-m", "bench.load.sink", msgspec.json.encode(told).decode())
    with on(plan.cores.load):
        process = subprocess.Popen(command.argv, env=command.environment(), stdout=subprocess.PIPE, text=True)
    # Whoever waits for its next word then reads that there is none.
    watchdog = Timer(PATIENCE, process.kill)
    watchdog.start()
    try:
        yield _RunningSink(process)
    finally:
        watchdog.cancel()
        process.kill()
        process.communicate()


def _configuration(case: DrainCase, port: int, sink_ports: Sequence[int]) -> str:
    names = [f"sink{number}" for number in range(len(sink_ports))]
    text = gridhook.configuration(port, sinks=())
    for name, far in zip(names, sink_ports, strict=True):
        text += gridhook.SINK.format(name=name, far=far, secret=SINK_SECRET).replace("http:", f"{case.scheme}:")
        text += f"concurrency = {case.at_once}\n" if case.at_once is not None else ""
    return text + gridhook.tell(names) + case.more


def _fill(plan: Plan, case: DrainCase, place: Path, sink_ports: Sequence[int], backlog: int) -> None:
    """Takes a backlog in, without dispatching."""

    def prepare(folder: Path, port: int) -> Command:
        return gridhook.start(folder, port, _configuration(case, port, sink_ports), "intake")

    contestant = msgspec.structs.replace(gridhook.GRIDHOOK, prepare=prepare)
    with serving(contestant, place, plan.cores.server) as server:
        load = msgspec.structs.replace(aimed(contestant, server, PATIENCE, plan.connections), limit=backlog)
        if drive(load, plan.cores.load, place).acknowledged != backlog:
            raise BenchError("the backlog was not taken in")
        server.stop()


def _watch(server: RunningServer, sinks: Sequence[_RunningSink], backlog: int) -> Drained:
    sinks[0].wait_for("began")
    before, began = server.usage(), time.perf_counter()
    for one in sinks:
        if one is not sinks[0]:
            one.wait_for("began")
    for one in sinks:
        one.wait_for("done")
    seconds, used = time.perf_counter() - began, server.usage().since(before)
    messages = backlog * len(sinks)
    return Drained(rate=messages / seconds, cpu_us=used.cpu * 1e6 / messages, resident_mb=used.resident / 1e6)
