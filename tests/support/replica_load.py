"""What replicas are given to do: webhooks as from behind a load balancer, and a sink that counts what it is told."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, deque
from typing import Final

import httpx
import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from support.picks import pick, task_id
from support.server import HOOK_SECRET, Server

#: One webhook of so many is a pick, which an order follows; the others are grids.
ORDER_EVERY: Final = 8
#: How many webhooks are on their way at once, and how long one waits for its answer, seconds.
CLIENTS: Final = 24
ANSWER_WITHIN_S: Final = 3.0


class ReplicaPlan(msgspec.Struct, frozen=True, kw_only=True):
    """How much there is to take in, and when what happens. Times are seconds since the load began."""

    replicas: int = 3
    events: int
    #: The webhooks are spread over so many seconds.
    lasts_s: float
    stopped_at_s: float = 0.5
    #: Longer than others wait until they take over what it has.
    stopped_for_s: float = 12.0
    killed_at_s: float = 2.0
    crashed_at_s: float = 5.0


class ToldEvents:
    """A sink that counts which events it was told."""

    def __init__(self) -> None:
        self.times: Counter[str] = Counter()
        self.app = Starlette(routes=[Route("/hooks", self._take, methods=["POST"])])

    async def _take(self, request: Request) -> Response:
        body = msgspec.json.decode(await request.body())
        assert body["id"] == request.headers["webhook-id"]
        self.times[body["id"]] += 1
        return Response(status_code=204)


class WebhookLoad:
    """Posts each webhook to some replica until one has taken it, as a vendor would behind a load balancer."""

    def __init__(self, replicas: list[Server], plan: ReplicaPlan) -> None:
        self._replicas = replicas
        self._plan = plan
        self._dice = random.Random(20_261_130)  # noqa: S311 - chooses replicas, guards nothing
        self._waiting = deque(range(plan.events))
        self.began = time.monotonic()
        self.acknowledged: set[str] = set()
        #: When webhooks were kept, seconds since the load began.
        self.kept_at: list[float] = []

    async def run(self) -> None:
        """Until all are taken."""
        self.began = time.monotonic()
        async with (
            httpx.AsyncClient(timeout=ANSWER_WITHIN_S, trust_env=False) as client,
            asyncio.TaskGroup() as clients,
        ):
            for _ in range(CLIENTS):
                clients.create_task(self._post(client))

    def now(self) -> float:
        """Seconds since the load began."""
        return time.monotonic() - self.began

    async def _post(self, client: httpx.AsyncClient) -> None:
        while self._waiting:
            number = self._waiting.popleft()
            due = number / self._plan.events * self._plan.lasts_s
            await asyncio.sleep(max(0.0, due - self.now()))
            replica = self._dice.choice(self._replicas)
            try:
                answer = await client.post(
                    f"{replica.url}/in/journey", content=webhook(number), headers={"x-webhook-secret": HOOK_SECRET}
                )
            except httpx.HTTPError:
                self._waiting.append(number)
                continue
            if answer.status_code == 200:
                self.acknowledged.add(task_id(number))
                self.kept_at.append(self.now())
                continue
            assert (answer.status_code, "retry-after" in answer.headers) == (503, True), answer.text
            self._waiting.append(number)
            await asyncio.sleep(0.05)


def webhook(number: int) -> bytes:
    """A finished pick, or a finished grid."""
    if number % ORDER_EVERY == 0:
        return pick(task_id(number))
    grid = {"task_id": task_id(number), "task_type": "imagine", "status": "finished", "percentage": "100"}
    pictures = [f"https://cdn.midjourney.com/abc/{number}_{tile}.png" for tile in range(4)]
    return msgspec.json.encode(
        {**grid, "model": "midjourney", "original_image_url": pictures[0], "image_urls": pictures}
    )
