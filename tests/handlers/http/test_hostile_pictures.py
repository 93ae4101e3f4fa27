"""Hostile pictures: nothing is fetched from where it must not be, and each is refused with its reason."""

from __future__ import annotations

import gc
import resource
from collections.abc import AsyncIterator
from functools import partial

import httpx
import pytest

from handlers.http.foreign import GuardedClient
from handlers.http.transport import HttpTransport
from receiver.errors import ForeignRefused
from receiver.lib.pictures import beside_the_loop, examine
from support.hostile_pictures import GOOD, MAX_BYTES, PUBLIC, BadInternet, hostile_cases

#: How much more memory the process may take for any number of them, KiB.
MAX_GROWTH_KIB = 100_000


@pytest.fixture
async def internet() -> BadInternet:
    return BadInternet()


@pytest.fixture
async def client(internet: BadInternet) -> AsyncIterator[GuardedClient]:
    transport = HttpTransport(httpx.MockTransport(internet.answer))
    yield GuardedClient(transport, look_up=internet.look_up)
    await transport.aclose()


async def fetch_picture(client: GuardedClient, url: str) -> None:
    """What is done with every picture that a vendor tells."""
    answer = await client.fetch(url, 30, MAX_BYTES)
    await beside_the_loop(partial(examine, answer.body))


async def test_each_is_refused_with_its_reason_and_nothing_closed_is_called(
    client: GuardedClient, internet: BadInternet, request: pytest.FixtureRequest
) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for case in hostile_cases(seed=7, count=request.config.getoption("--pictures")):
        with pytest.raises(ForeignRefused) as refused:
            await fetch_picture(client, case.url)
        assert refused.value.code == case.code, case.url
        assert set(internet.called) <= {PUBLIC}
        internet.called.clear()
    gc.collect()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MAX_GROWTH_KIB


async def test_what_is_a_picture_at_a_public_place_is_taken(client: GuardedClient, internet: BadInternet) -> None:
    url = "http://ok.test/redirect/?http://other.test/x.png"
    assert (await client.fetch(url, 30, MAX_BYTES)).body == GOOD
    assert internet.called == [PUBLIC, PUBLIC]
