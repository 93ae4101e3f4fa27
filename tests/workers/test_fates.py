"""Orders and deliveries against a server that breaks off at every byte: each has the fate that is true."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from handlers.http.transport import HttpTransport
from handlers.webhook import Webhook
from receiver.contracts import CallNetwork, Filters, Sink, Transaction
from receiver.lib.signatures import Secret
from receiver.model.jobs import Job, KeptJob, Status
from support.breaking import Reply, What, breaking
from support.certificates import PrivateAuthority
from support.records import a_source
from support.world import PICKED, TELL, World, world

#: At once, and as many as there are: jobs that a vendor took count until they are over.
AT_ONCE: Final = 100_000
#: Seconds that nothing here takes, on whatever machine.
AMPLE: Final = 120.0
plain_and_tls = pytest.mark.parametrize("scheme", ["http", "https"])


class Breach(NamedTuple):
    """How one answer breaks off."""

    #: What the whole answer would mean for an order.
    meaning: Status
    whole: bytes
    length: int
    then: What

    @property
    def is_whole(self) -> bool:
        return self.length == len(self.whole)

    @property
    def reply(self) -> Reply:
        return Reply(self.whole[: self.length], self.then)


def answer(status: str, body: bytes, *headers: str) -> bytes:
    head = "\r\n".join([f"HTTP/1.1 {status}", *headers, f"content-length: {len(body)}", "", ""])
    return head.encode() + body


def breaches(*answers: tuple[Status, bytes]) -> list[Breach]:
    """Every way to break off any of these answers."""
    ways: tuple[What, ...] = ("close", "reset")
    return [
        Breach(meaning, whole, length, then)
        for meaning, whole in answers
        for length in range(len(whole) + 1)
        for then in ways
    ]


#: Task ids are put in; all are as long as this one.
ACCEPTED: Final = answer("200 OK", b'{"task_id":"order-%s"}' % (b"0" * 36))
ORDER_BREACHES: Final = breaches(
    ("queued", ACCEPTED),
    ("failed", answer("400 Bad Request", b'{"errors":[{"msg":"parent task is not finished"}]}')),
    ("unsure", answer("500 Internal Server Error", b"{}")),
    ("planned", answer("429 Too Many Requests", b"{}", "retry-after: 5")),
)


def call_out(here: World, ca: PrivateAuthority) -> None:
    """Dispatches over real connections from here on."""
    here.transport = HttpTransport(network=CallNetwork(ca_file=ca.ca_file))
    here.start()


def picks(count: int) -> list[str]:
    """The task ids of so many picks."""
    return [f"{number:08d}-a41d-63f6-c938-668877662222" for number in range(count)]


async def take(here: World, tasks: Sequence[str]) -> None:
    for task in tasks:
        await here.webhook(PICKED | {"task_id": task})


class BreakingVendor:
    """Takes orders; the answer to the first sending of each breaks off as its number says."""

    def __init__(self, breaches: Sequence[Breach]) -> None:
        self._breaches = breaches
        #: By the parent's task id: how often its order came.
        self.came: Counter[str] = Counter()

    def breach(self, task: str) -> Breach:
        return self._breaches[int(task[:8]) % len(self._breaches)]

    def reply(self, _headers: dict[str, str], body: bytes) -> Reply:
        task = json.loads(body)["parent_task_id"]
        self.came[task] += 1
        breach = self.breach(task)
        if self.came[task] > 1:
            breach = Breach("queued", ACCEPTED, len(ACCEPTED), "close")
        return Reply(breach.whole.replace(b"0" * 36, task.encode())[: breach.length], breach.then)

    def expected(self, task: str) -> tuple[Status, int]:
        """What must become of an order, and how often it may have been sent."""
        breach = self.breach(task)
        if not breach.is_whole:
            return "unsure", 1
        # Certainly not accepted: sent again later, and accepted then.
        return ("queued", 2) if breach.meaning == "planned" else (breach.meaning, 1)


async def settled(here: World) -> None:
    """Waits until every order is sent and every delivery done, letting time pass for those that were put off."""
    watch = here.store.watch()
    while True:
        counts = await here.store.read(lambda tx: tx.counts())
        waiting = [counts.jobs.get(("journey", status), 0) for status in ("planned", "submitting")]
        if not any(waiting) and not counts.deliveries.get("pending") and not counts.deliveries.get("running"):
            break
        if not await watch.wait(0.2) and not counts.deliveries.get("running"):
            await here.tick(20)
    watch.close()


def every_job(tx: Transaction) -> list[KeptJob]:
    page = tx.jobs(Filters(limit=500))
    found = list(page)
    while page.next is not None:
        page = tx.jobs(Filters(limit=500, before=page.next))
        found += page
    return found


async def every_order(here: World) -> dict[str, Job]:
    """All orders, by the task id of the pick that each is for."""
    found = await here.store.read(every_job)
    tasks = {kept.job.id: str(kept.job.provider_job_id) for kept in found if kept.job.action == "pick"}
    return {tasks[str(kept.job.parent_id)]: kept.job for kept in found if kept.job.action == "upscale"}


@plain_and_tls
async def test_each_order_is_billed_once_and_has_the_fate_that_is_true(
    tmp_path: Path, scheme: str, authority: PrivateAuthority, pytestconfig: pytest.Config
) -> None:
    vendor = BreakingVendor(ORDER_BREACHES)
    tasks = picks(max(len(ORDER_BREACHES), pytestconfig.getoption("--orders")))
    async with breaking(vendor.reply, authority.server if scheme == "https" else None) as server:
        account = a_source(
            base_url=f"{scheme}://localhost:{server.port}",
            concurrency=AT_ONCE,
            timeout=AMPLE,
            poll_after=1e9,
            deadline=1e9,
        )
        async with world(tmp_path, sources=(account,), dispatch=False) as here:
            call_out(here, authority)
            await take(here, tasks)
            await settled(here)
            became = await every_order(here)
    assert len(became) == len(tasks)
    told = {task: (job.status, vendor.came[task]) for task, job in became.items()}
    assert told == {task: vendor.expected(task) for task in tasks}
    assert all(job.provider_job_id == f"order-{task}" for task, job in became.items() if job.status == "queued")


SINK_BREACHES: Final = breaches(("completed", answer("200 OK", b"taken")), ("completed", b"HTTP/1.1 204 OK\r\n\r\n"))


@plain_and_tls
async def test_each_delivery_is_repeated_until_it_is_answered_whole_and_never_after_that(
    tmp_path: Path, scheme: str, authority: PrivateAuthority
) -> None:
    breach_of = dict(zip(picks(len(SINK_BREACHES)), SINK_BREACHES, strict=True))
    came: Counter[str] = Counter()

    def reply(_headers: dict[str, str], body: bytes) -> Reply:
        task = str(json.loads(body)["data"]["provider_job_id"])
        came[task] += 1
        breach = breach_of[task]
        # Whole answers leave the connection open: most calls go out on kept ones.
        return breach.reply if came[task] == 1 and not breach.is_whole else Reply(breach.whole)

    async with breaking(reply, authority.server if scheme == "https" else None) as server:
        options = Webhook.Options(
            url=Secret(f"{scheme}://localhost:{server.port}/hook"), secret=(Secret("whsec_" + "c2Vj" * 10),)
        )
        sink = Sink(name="team", handler=Webhook(options), retry=(1.0,) * 9, timeout=AMPLE, pause_after=10**6)
        async with world(tmp_path, rules=(TELL,), sinks={"team": sink}, dispatch=False) as here:
            call_out(here, authority)
            await take(here, list(breach_of))
            await settled(here)
            tries = await here.store.read(tries_of)
    assert dict(came) == {task: 1 if breach.is_whole else 2 for task, breach in breach_of.items()}
    for task, breach in breach_of.items():
        # Closed in silence, a call on a kept connection is sent anew at once: that is one try.
        assert tries[task] in ((1, 2) if breach.length == 0 else (came[task],)), (task, breach)


def tries_of(tx: Transaction) -> dict[str, int]:
    """How many tries each delivery took, by its job's task id; all are done."""
    page = tx.deliveries(Filters(limit=500))
    assert page.next is None
    assert {delivery.state for delivery in page} == {"done"}
    found = [(tx.job(delivery.job), delivery.attempt) for delivery in page]
    return {str(kept.job.provider_job_id): attempt for kept, attempt in found if kept is not None}
