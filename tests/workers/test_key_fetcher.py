"""Public keys that a vendor publishes: fetched, kept, fetched again for a signature that fits none."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import msgspec
import pytest

from receiver.contracts import Answer, Call, Request, Source
from receiver.contracts.setup import Setup
from receiver.errors import NotSent, Unverified
from receiver.flows import intake
from receiver.providers.generic import Generic
from receiver.providers.generic.options import Options
from receiver.store.sqlite.store import SqliteStore
from receiver.workers.key_fetcher import FRESH_MS, GAP_MS, KeyFetcher
from support.ed25519 import public_key, signed
from support.world import Clock

URL = "https://rest.vendor.example/.well-known/jwks.json"
OLD, NEW, FORGED = b"\1" * 32, b"\2" * 32, b"\3" * 32
#: As fal documents it.
FAL = f"""
[verify]
header = "x-fal-webhook-signature"
scheme = "ed25519"
keys_url = "{URL}"
signed = "{{header:x-fal-webhook-request-id}}\\n{{header:x-fal-webhook-timestamp}}\\n{{body:sha256}}"
timestamp = "header:x-fal-webhook-timestamp"
[paths]
id = "request_id"
"""
BODY = b'{"request_id": "r1", "status": "processing"}'


def jwks(*secrets: bytes) -> bytes:
    keys = [
        {"kty": "OKP", "crv": "Ed25519", "x": base64.urlsafe_b64encode(public_key(secret)).decode().rstrip("=")}
        for secret in secrets
    ]
    return json.dumps({"keys": keys}).encode()


class KeyHost:
    """Where the keys stand: a transport that answers with them, or not at all."""

    def __init__(self, *secrets: bytes) -> None:
        self.secrets: Sequence[bytes] | None = secrets
        self.asked = 0

    async def send(
        self, call: Call, seconds: float, *, paid: bool = False, may_go: Callable[[], bool] | None = None
    ) -> Answer:
        """The answer to a call."""
        assert (call.method, call.url, call.max_answer) == ("GET", URL, 64 * 1024)
        self.asked += 1
        if self.secrets is None:
            raise NotSent("no connection")
        return Answer(status=200, body=jwks(*self.secrets))

    async def connect(self, url: str, seconds: float) -> str:
        """Always open."""
        return url


def source() -> Source:
    return Source(name="fal", provider=Generic(msgspec.convert(tomllib.loads(FAL), Options)), base_url="")


class Place:
    """A source whose keys are fetched into a real store."""

    def __init__(self, store: SqliteStore, host: KeyHost, clock: Clock) -> None:
        self.store, self.host, self.clock = store, host, clock
        self.setup = Setup(sources={"fal": source()})
        self.fetcher = KeyFetcher(store, self.setup, lambda: host, clock)

    @property
    def keys(self) -> tuple[bytes, ...]:
        """Those that the source has now."""
        holder = self.setup.sources["fal"].public_keys
        assert holder is not None
        return holder.keys

    async def has(self, secret: bytes) -> bool:
        """Whether the source has this key and no other."""
        return self.keys == (public_key(secret),)

    async def takes(self, secret: bytes) -> bool:
        """Whether a webhook with this signature is taken."""
        time = str(self.clock() // 1000)
        message = f"r1\n{time}\n{hashlib.sha256(BODY).hexdigest()}".encode()
        headers = {
            "x-fal-webhook-request-id": "r1",
            "x-fal-webhook-timestamp": time,
            "x-fal-webhook-signature": signed(secret, message).hex(),
        }
        request = Request(source="fal", headers=headers, body=BODY, received_at=self.clock())
        try:
            await intake.receive(request, self.setup.sources["fal"], self.store, self.setup)
        except Unverified:
            return False
        return True

    async def until_fetched(self, times: int) -> None:
        """Waits until the keys stand in the database after so many questions."""
        await until(partial(self._is_fetched, times))

    async def _is_fetched(self, times: int) -> bool:
        return self.host.asked >= times and await self.store.read(lambda tx: tx.fetched_keys(URL)) is not None


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    """Waits for something, with a long limit."""
    async with asyncio.timeout(20):
        while not await true():  # noqa: ASYNC110  # what it waits for signals nothing
            await asyncio.sleep(0.005)


@asynccontextmanager
async def place(path: Path, host: KeyHost, clock: Clock | None = None) -> AsyncIterator[Place]:
    clock = clock or Clock()
    async with SqliteStore(path / "gridhook.db", clock) as store:
        here = Place(store, host, clock)
        await here.fetcher.start()
        try:
            yield here
        finally:
            await here.fetcher.stop()


async def test_keys_are_fetched_at_the_start_and_outlive_a_host_that_is_down(tmp_path: Path) -> None:
    async with place(tmp_path, KeyHost(OLD)) as here:
        await here.until_fetched(1)
        assert await here.takes(OLD)
    down = KeyHost()
    down.secrets = None
    async with place(tmp_path, down) as here:
        assert here.keys == (public_key(OLD),)
        assert await here.takes(OLD)
        assert not await here.takes(FORGED)
        assert await here.takes(OLD)


async def test_a_signature_that_fits_no_key_has_them_fetched_again_but_not_too_often(tmp_path: Path) -> None:
    async with place(tmp_path, KeyHost(OLD)) as here:
        await here.until_fetched(1)
        here.host.secrets = (OLD, NEW)
        assert not await here.takes(NEW), "they were fetched a moment ago"
        here.clock.now += GAP_MS
        assert await here.takes(NEW)
        assert here.host.asked == 2
        assert [await here.takes(FORGED) for _ in range(3)] == [False] * 3
        assert here.host.asked == 2
        here.clock.now += GAP_MS
        assert not any(await asyncio.gather(*(here.takes(FORGED) for _ in range(5))))
        assert here.host.asked == 3, "those who wait together wait for one fetch"


async def test_old_keys_are_fetched_anew_and_those_that_went_count_no_more(tmp_path: Path) -> None:
    async with place(tmp_path, KeyHost(OLD)) as here:
        await here.until_fetched(1)
    clock = Clock()
    clock.now += FRESH_MS
    async with place(tmp_path, KeyHost(NEW), clock) as here:
        await until(partial(here.has, NEW))
        assert not await here.takes(OLD)


async def test_keys_that_were_fetched_while_the_clock_ran_ahead_are_fetched_anew(tmp_path: Path) -> None:
    ahead = Clock()
    ahead.now += 1000 * FRESH_MS
    async with place(tmp_path, KeyHost(OLD), ahead) as here:
        await here.until_fetched(1)
    async with place(tmp_path, KeyHost(NEW)) as here:
        await until(partial(here.has, NEW))


async def test_another_configuration_has_the_known_keys_at_once(tmp_path: Path) -> None:
    async with place(tmp_path, KeyHost(OLD)) as here:
        await here.until_fetched(1)
        here.setup = Setup(sources={"fal": source()})
        assert not await here.takes(OLD)
        here.fetcher.adopt(here.setup)
        assert await here.takes(OLD)
        assert here.host.asked == 1


async def test_without_a_signature_nothing_is_taken_whatever_the_path(tmp_path: Path) -> None:
    async with place(tmp_path, KeyHost(OLD)) as here:
        request = Request(source="fal", headers={}, body=BODY, received_at=here.clock())
        with pytest.raises(Unverified) as caught:
            await intake.receive(request, here.setup.sources["fal"], here.store, here.setup)
        assert caught.value.reason == "signature_missing"
