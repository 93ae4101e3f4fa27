"""One connection an account, the same presses as posted ones, and an operator who knows when none is heard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from receiver.contracts import CallNetwork, DeliveryContext, Filters, Handler, Listening, Press, Sink
from receiver.errors import ListeningRefused, NoAnswer, TransportError, Unmapped, Unverified
from receiver.flows.asking.buttons import shown_question
from receiver.model.deliveries import Delivered, Delivery, OutgoingEvent
from receiver.store.sqlite.store import SqliteStore
from receiver.workers import listeners
from receiver.workers.listeners import Listeners, accounts
from support.questions import asking, grid_body
from support.records import NOW
from support.world import World, world

#: The latest moment that a press may have come from, ms.
TOLERANCE_MS = 300_000


class Told(msgspec.Struct):
    """What this platform says of a press."""

    code: str
    user: str
    at: int = NOW


class Platform:
    """A platform whose connections a test opens and ends."""

    def __init__(self) -> None:
        self.opened: list[Listening] = []
        self.ends: list[asyncio.Future[None]] = []
        self.refusals: list[Exception] = []
        self.said: list[tuple[str, str]] = []
        self.bell = asyncio.Event()

    async def until(self, count: int) -> Listening:
        """The newest connection, once there were so many."""
        async with asyncio.timeout(20):
            while len(self.opened) < count:
                self.bell.clear()
                await self.bell.wait()
        return self.opened[-1]


class Listener(Handler):
    """A sink at that platform."""

    def __init__(self, platform: Platform, account: str | None, deciders: tuple[str, ...] = (), own: str = "") -> None:
        self._platform = platform
        self._account = account
        self._deciders = deciders
        self._own = own

    async def deliver(self, outgoing: OutgoingEvent, context: DeliveryContext) -> Delivered:
        return Delivered()

    @property
    def listens_as(self) -> str | None:
        return self._account

    async def listen(self, listening: Listening) -> None:
        platform = self._platform
        if platform.refusals:
            raise platform.refusals.pop(0)
        listening.connected()
        end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        platform.opened.append(listening)
        platform.ends.append(end)
        platform.bell.set()
        await end

    def read_heard(self, body: bytes, now: int) -> Press:
        if body == b"break":
            raise RuntimeError("a fault of the plug-in")
        try:
            told = msgspec.json.decode(body, type=Told)
        except msgspec.MsgspecError:
            raise Unmapped("it is no press") from None
        if abs(told.at - now) > TOLERANCE_MS:
            raise Unverified("too_old")
        may = not self._deciders or told.user in self._deciders
        return Press(button=told.code, by=f"there:{told.user}", may_decide=may, is_own_channel=True, reply_to=told.user)

    async def reply_to_press(self, pressed: Press, words: str, transport: object) -> None:
        self._platform.said.append((pressed.reply_to, words))
        self._platform.bell.set()


@asynccontextmanager
async def listening_world(folder: Path, handlers: Mapping[str, Listener]) -> AsyncIterator[World]:
    """A gridhook that listens for these sinks, and has asked `team` about a grid."""
    sinks = {name: Sink(name=name, handler=handler) for name, handler in handlers.items()}
    async with world(folder, rules=(asking(),), sinks=sinks) as running:
        running.setup = msgspec.structs.replace(running.setup, button_sinks=frozenset(sinks))
        worker = Listeners(running.store, running.transport, CallNetwork(), running.clock)
        worker.start(running.setup, sinks)
        try:
            await running.webhook(grid_body())
            yield running
        finally:
            await worker.stop()


async def code(running: World, index: int) -> str:
    """What the button of a tile carries."""
    (kept,) = await running.store.read(lambda tx: tx.jobs(Filters(action="pick")))
    delivery = Delivery(number=1, lane="sink:team", job=kept.number, event=1, due_at=0)
    setup, key = running.setup, running.store.ref_key
    shown = await running.store.read(lambda tx: shown_question(tx, setup, key, delivery))
    assert shown is not None
    return shown.tiles[index - 1].code


def press(code: str, user: str = "ada", at: int = NOW) -> bytes:
    return msgspec.json.encode(Told(code, user, at))


def test_sinks_of_one_account_share_a_connection_and_others_have_none() -> None:
    platform = Platform()
    handlers = [Listener(platform, account) for account in ("a", "b", "a", None)]
    found = accounts(Sink(name=str(number), handler=handler) for number, handler in enumerate(handlers))
    assert [[sink.name for sink in group] for group in found] == [["0", "2"], ["1"]]


async def test_who_leads_listens_and_ends_that_when_another_process_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_sqlite: None
) -> None:
    leads, asked = [False], asyncio.Semaphore(0)

    def asked_whether_it_leads(_store: object) -> bool:
        asked.release()
        return leads[-1]

    monkeypatch.setattr(SqliteStore, "leads", asked_whether_it_leads)
    monkeypatch.setattr(listeners, "LEAD_LOOK_S", 0.001)
    platform = Platform()
    async with listening_world(tmp_path, {"team": Listener(platform, "a")}):
        async with asyncio.timeout(20):
            for connections in (1, 2):
                leads.append(True)
                await platform.until(connections)
                leads.append(False)
                while not platform.ends[-1].done():  # it is hung up
                    await asked.acquire()
                for _ in range(5):
                    await asked.acquire()
                assert len(platform.opened) == connections


async def test_a_press_that_is_heard_answers_the_question_and_a_late_one_is_told_who_did(tmp_path: Path) -> None:
    platform = Platform()
    async with listening_world(tmp_path, {"team": Listener(platform, "a")}) as running:
        connection = await platform.until(1)
        second, third = await code(running, 2), await code(running, 3)
        await connection.take(press(second))
        (pick,) = [job for job in await running.jobs() if job.action == "pick"]
        assert (pick.params, pick.decided_by) == ({"index": 2}, "there:ada")
        await connection.take(press(third, "bea"))
        async with asyncio.timeout(20):
            while len(platform.said) < 1 or platform.said[-1][0] != "bea":
                platform.bell.clear()
                await platform.bell.wait()
        assert platform.said[-1] == ("bea", "Tile 2 was picked already, by there:ada")


async def test_two_sinks_of_one_account_judge_a_press_together(tmp_path: Path) -> None:
    platform = Platform()
    handlers = {"team": Listener(platform, "a"), "studio": Listener(platform, "a", deciders=("ada",))}
    async with listening_world(tmp_path, handlers) as running:
        connection = await platform.until(1)
        await connection.take(press(await code(running, 2), "eve"))
        assert all(job.decided_by is None for job in await running.jobs())
        assert len(platform.opened) == 1


@pytest.mark.parametrize("body", [b"{}", b"\xff", b"break", press("x", at=NOW - 300_001), press("not-a-button")])
async def test_what_is_no_press_is_stale_or_forged_does_nothing(tmp_path: Path, body: bytes) -> None:
    platform = Platform()
    async with listening_world(tmp_path, {"team": Listener(platform, "a")}) as running:
        before = await running.jobs()
        await (await platform.until(1)).take(body)
        assert await running.jobs() == before


async def test_a_connection_that_ends_is_made_again_whatever_ended_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listeners, "FIRST_WAIT_S", 0.001)
    platform = Platform()
    async with listening_world(tmp_path, {"team": Listener(platform, "a")}):
        for count, wrong in enumerate((NoAnswer("cut"), RuntimeError("a fault"), None), 1):
            await platform.until(count)
            if wrong is None:
                platform.ends[-1].set_result(None)
            else:
                platform.ends[-1].set_exception(wrong)
        await platform.until(4)


async def test_the_operator_is_told_once_that_none_is_heard_and_that_they_are_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listeners, "REFUSED_WAIT_S", 0.001)
    platform = Platform()
    refusals: list[TransportError | ListeningRefused] = [ListeningRefused("the token is wrong")] * 3
    platform.refusals.extend(refusals)
    async with listening_world(tmp_path, {"team": Listener(platform, "a")}) as running:
        await platform.until(1)
        watch = running.store.watch()
        async with asyncio.timeout(20):
            while True:
                told = [msgspec.json.decode(one) for one in await running.store.read(lambda tx: tx.events(Filters()))]
                kinds = [one["type"] for one in told if one["type"].startswith("sink.")]
                if len(kinds) == 2:
                    break
                await watch.wait(0.05)
        watch.close()
        assert kinds == ["sink.recovered", "sink.failing"]
        (failing,) = [one for one in told if one["type"] == "sink.failing"]
        assert failing["data"]["reason"] == "it hears no presses of buttons: the token is wrong"
