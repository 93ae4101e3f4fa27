"""Sends cases to a running server and judges what comes back."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import struct
import time
from collections import Counter
from pathlib import Path
from typing import Final

from fuzz.cases import Case, Cases, Request

#: Connections at once, and how long the answers of one may take, seconds.
TOGETHER: Final = 24
PATIENCE: Final = 60.0
#: How many failures are told in full.
TOLD: Final = 5
#: A head has so long, seconds: where this driver itself was that slow (beside other work), 408 is right.
HEAD_S: Final = 15.0
ALLOWED: Final = frozenset({200, 202, 400, 401, 404, 405, 408, 413, 415, 422, 431, 503})
CLOSES: Final = b"\r\nconnection: close\r\n"
LENGTH: Final = re.compile(rb"\r\ncontent-length: (\d+)\r\n")


class Answer:
    """One answer."""

    def __init__(self, head: bytes, body: bytes) -> None:
        self.status = int(head[9:12])
        self.head = head
        self.body = body

    def fault(self) -> str | None:
        """What is wrong about it, whatever was asked; None if nothing is."""
        if self.status not in ALLOWED:
            return f"answered with {self.status}"
        is_page = b"\r\ncontent-type: text/html; charset=utf-8\r\n" in self.head
        if self.status >= 400 and self.body and not is_page:
            if b"\r\ncontent-type: application/problem+json\r\n" not in self.head:
                return "an error that is no problem document"
            if not json.loads(self.body).get("code"):
                return "a problem document without a code"
        return None


class Driver:
    """Sends cases, several at once."""

    def __init__(self, port: int, pid: int, cases: Cases) -> None:
        self._port = port
        self._pid = pid
        self._cases = cases
        self.sent = 0
        self.statuses: Counter[int] = Counter()
        #: Tasks that were acknowledged, and forged ones.
        self.acknowledged: set[str] = set()
        self.forged: set[str] = set()
        self.failures: list[str] = []
        self.rss_start = rss(pid)
        self.rss_peak = self.rss_start

    async def run(self, requests: int, seconds: float, first: int = 0) -> None:
        """Sends so many requests, or for so many seconds."""
        numbers = iter(range(first, 1 << 40))
        ends = time.monotonic() + seconds

        async def work() -> None:
            while self.sent < requests and time.monotonic() < ends:
                await self.send(self._cases.case(next(numbers)))

        watching = asyncio.create_task(self._watch())
        await asyncio.gather(*(work() for _ in range(TOGETHER)))
        watching.cancel()

    async def send(self, case: Case) -> None:
        """Sends one case and judges it."""
        self.sent += len(case.requests)
        for request in case.requests:
            if request.fate == "forged" and request.task is not None:
                self.forged.add(request.task)
        began = time.monotonic()
        try:
            async with asyncio.timeout(PATIENCE):
                answers = await self._exchange(case)
        except TimeoutError:
            self._fail(case, "was not answered in time")
            return
        if case.ending in ("hang_up", "reset"):
            return
        for answer in answers:
            self.statuses[answer.status] += 1
            if fault := answer.fault():
                self._fail(case, fault, answer)
        is_slow = time.monotonic() - began >= HEAD_S
        if is_slow and any(answer.status == 408 for answer in answers):
            return
        known = [request for request in case.requests if request.fate != "odd"]
        for request, got in zip(known, [*answers, *[None] * len(known)], strict=False):
            self._judge(case, request, got)
            if request.fate == "forged" and got is not None and CLOSES in got.head:
                break  # it was refused by its head alone, and its body was not read

    def _judge(self, case: Case, request: Request, answer: Answer | None) -> None:
        if answer is None:
            self._fail(case, f"a {request.fate} request was not answered")
        elif request.fate == "genuine" and answer.status == 200 and request.task is not None:
            self.acknowledged.add(request.task)
        elif request.fate == "genuine" and answer.status != 503:
            self._fail(case, "a genuine request was refused", answer)
        elif request.fate == "forged" and answer.status not in (401, 404, 503):
            self._fail(case, "a forged request was not refused", answer)

    def _fail(self, case: Case, what: str, answer: Answer | None = None) -> None:
        told = f"case {case.number}: {what}"
        if len(self.failures) < TOLD:
            told += f"\n  sent ({case.ending}): {b''.join(one.data for one in case.requests)[-1500:]!r}"
            told += f"\n  answer: {answer.head + answer.body if answer else None!r}"
        self.failures.append(told)

    async def _exchange(self, case: Case) -> list[Answer]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        reading = asyncio.create_task(_read(reader, case))
        data = b"".join(request.data for request in case.requests)
        try:
            step = case.step or len(data) or 1
            with contextlib.suppress(ConnectionError):
                for at in range(0, len(data), step):
                    writer.write(data[at : at + step])
                    await writer.drain()
                    if case.step:
                        await asyncio.sleep(0)
                if case.ending == "half_close":
                    writer.write_eof()
            if case.ending == "reset":
                linger = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            return [] if case.ending in ("hang_up", "reset") else await reading
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _watch(self) -> None:
        while True:
            self.rss_peak = max(self.rss_peak, rss(self._pid))
            await asyncio.sleep(0.2)


async def _read(reader: asyncio.StreamReader, case: Case) -> list[Answer]:
    """The answers, as many as there must be, or until the other side ends."""
    answers: list[Answer] = []
    is_open = case.requests[-1].fate == "odd" or case.requests[-1].is_last or case.ending == "half_close"
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while is_open or len(answers) < len(case.requests):
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"HTTP/1.1 100 "):
                continue
            found = LENGTH.search(head)
            is_head = case.requests[-1].data.startswith(b"HEAD ") and len(answers) == len(case.requests) - 1
            body = b"" if is_head or found is None else await reader.readexactly(int(found[1]))
            answers.append(Answer(head, body))
    return answers


def rss(pid: int) -> float:
    """What a process has in memory, MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0
