from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from handlers.http.foreign_names import ForeignNames
from handlers.http.names import Resolver
from support.server import until

LIMIT_S = 60


@contextmanager
def slow_names(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Names below `slow.test` have no answer until this ends; those that were asked for."""
    go, asked, real = threading.Event(), list[str](), socket.getaddrinfo

    def answered(host: str, *rest: Any, **more: Any) -> Any:
        if not host.endswith("slow.test"):
            return real(host, *rest, **more)
        asked.append(host)
        assert go.wait(LIMIT_S)
        raise socket.gaierror(socket.EAI_AGAIN, "no answer")

    monkeypatch.setattr(socket, "getaddrinfo", answered)
    try:
        yield asked
    finally:
        go.set()


async def test_slow_names_hold_up_neither_our_own_calls_nor_files(monkeypatch: pytest.MonkeyPatch) -> None:
    names, ours = ForeignNames(2), Resolver()
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    with slow_names(monkeypatch) as asked:
        waiting = [asyncio.create_task(names.look_up(f"{number}.slow.test", 80)) for number in range(5)]
        await until(lambda: len(asked) == 2, "two look-ups")
        async with asyncio.timeout(LIMIT_S):
            await asyncio.to_thread(len, "a file")
            assert (await ours.addresses("localhost", 81))[0].sockaddr[1] == 81
        assert len(asked) == 2
    assert [type(one) for one in await asyncio.gather(*waiting, return_exceptions=True)] == [socket.gaierror] * 5


async def test_a_look_up_that_nobody_waits_for_keeps_its_room_until_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ForeignNames(1)
    with slow_names(monkeypatch) as asked:
        first = asyncio.create_task(names.look_up("a.slow.test", 80))
        await until(lambda: asked == ["a.slow.test"], "a look-up")
        first.cancel()
        second = asyncio.create_task(names.look_up("b.slow.test", 80))
        await asyncio.wait([first])
        await asyncio.sleep(0)
        assert (asked, second.done()) == (["a.slow.test"], False)
    with pytest.raises(socket.gaierror):
        await second
    assert asked == ["a.slow.test", "b.slow.test"]
    assert await names.look_up("127.0.0.1", 80) == ["127.0.0.1"]
