"""Listens to chat platforms for presses of buttons: one connection an account, however many sinks share it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import structlog

from receiver.contracts import (
    CallNetwork,
    Listening,
    PressListener,
    Sink,
    Store,
    Transport,
    listens_as,
)
from receiver.contracts.setup import Setup
from receiver.errors import (
    ListeningRefused,
    NotAllowed,
    NotFound,
    NotPossible,
    StoreUnavailable,
    TransportError,
    Unmapped,
    Unverified,
)
from receiver.flows.operator.operator_events import tell_operator
from receiver.lib.times import Clock, stamp
from receiver.model.events import OperatorData, OperatorEventType
from receiver.workers.presses import HeardPress, Presses, judged
from receiver.workers.settlement import write_until_kept

log = structlog.get_logger("listen")

#: Waits between attempts to get in again, seconds: twice as long each time, up to the longest.
FIRST_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 30.0
#: How often it is looked whether this process leads, seconds: of several, one listens.
LEAD_LOOK_S: Final = 1.0
#: The wait where only a person can put it right.
REFUSED_WAIT_S: Final = 300.0


class Listeners:
    """Runs in every process that dispatches; the one that leads listens.

    Whatever happens to a connection, it is made again.
    """

    def __init__(self, store: Store, transport: Transport, network: CallNetwork, clock: Clock) -> None:
        self._store = store
        self._transport = transport
        self._network = network
        self._clock = clock
        self._tasks: list[asyncio.Task[None]] = []
        self._presses: Presses | None = None

    def start(self, setup: Setup, sinks: Mapping[str, Sink]) -> None:
        """Begins to listen for the sinks that do."""
        self._presses = presses = Presses(self._store, setup, self._clock, lambda: self._transport)
        for group in accounts(sinks.values()):
            listener = AccountListener(self._store, setup, presses, group, self._transport, self._network, self._clock)
            self._tasks.append(asyncio.create_task(listener.run(), name=f"listen for {group[0].name}"))

    async def stop(self) -> None:
        """Ends every connection; what was heard and not done is not acknowledged."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._presses is not None:
            await self._presses.aclose()


def accounts(sinks: Iterable[Sink]) -> list[list[Sink]]:
    """The sinks that listen, those of one account together."""
    groups: dict[tuple[type, str], list[Sink]] = {}
    for sink in sinks:
        account = listens_as(sink.handler)
        if account is not None:
            groups.setdefault((type(sink.handler), account), []).append(sink)
    return list(groups.values())


class AccountListener:
    """One account at a platform, and the sinks that share it."""

    def __init__(
        self,
        store: Store,
        setup: Setup,
        presses: Presses,
        sinks: Sequence[Sink],
        transport: Transport,
        network: CallNetwork,
        clock: Clock,
    ) -> None:
        """`sinks` are one at least."""
        self._store = store
        self._setup = setup
        self._presses = presses
        self._name = sinks[0].name
        self._handlers = [sink.handler for sink in sinks if isinstance(sink.handler, PressListener)]
        self._listening = Listening(
            transport=transport, network=network, clock=clock, take=self.take, connected=self._connected
        )
        self._failures = 0
        #: When the platform refused us and the operator was told, Unix ms; 0 = it does not.
        self._refused_at = 0
        self._telling: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Listens until it is cancelled."""
        while True:
            if not self._store.leads():
                await asyncio.sleep(LEAD_LOOK_S)
                continue
            wait_s = await self._listen_while_leading()
            log.info("listening.ended", sink=self._name, wait_s=wait_s)
            # Not all at the same moment.
            await asyncio.sleep(wait_s * random.uniform(0.8, 1.2))  # noqa: S311

    async def _listen_while_leading(self) -> float:
        """Listens until that ends, or another process is to; returns how long to wait then, seconds."""
        listening = asyncio.create_task(self._listen(), name=f"listening for {self._name}")
        try:
            while not listening.done() and self._store.leads():
                await asyncio.wait([listening], timeout=LEAD_LOOK_S)
            return await listening if listening.done() else LEAD_LOOK_S
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def _listen(self) -> float:
        """Listens until that ends; returns how long to wait before the next attempt, seconds."""
        try:
            await self._handlers[0].listen(self._listening)
        except ListeningRefused as wrong:
            log.error("listening.refused", sink=self._name, reason=str(wrong))
            if not self._refused_at:
                self._refused_at = self._listening.clock()
                await self._tell("sink.failing", f"it hears no presses of buttons: {wrong}")
            return REFUSED_WAIT_S
        except TransportError as wrong:
            log.warning("listening.failed", sink=self._name, reason=str(wrong))
        except Exception as wrong:  # a plug-in's fault costs this connection
            log.exception("listening.broke", sink=self._name, reason=type(wrong).__name__)
        self._failures += 1
        return float(min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(self._failures - 1, 10)))

    async def take(self, body: bytes) -> None:
        """Does what a message says, if it is a press. Raises StoreUnavailable."""
        now = self._listening.clock()
        try:
            heard = [HeardPress(handler, handler.read_heard(body, now)) for handler in self._handlers]
            await self._presses.take(judged(heard))
        except Unmapped as wrong:
            log.info("press.unread", sink=self._name, reason=str(wrong))
        except Unverified as wrong:
            log.info("press.refused", sink=self._name, reason=wrong.reason)
        except (NotAllowed, NotFound, NotPossible):
            return  # whoever pressed is told
        except StoreUnavailable:
            raise
        except Exception as wrong:  # one press must not cost the connection of all others
            log.exception("press.broke", sink=self._name, reason=type(wrong).__name__)

    def _connected(self) -> None:
        """The platform has let us in."""
        self._failures = 0
        log.info("listening", sink=self._name)
        if self._refused_at:
            told = self._tell("sink.recovered", "it hears presses of buttons again")
            self._telling = asyncio.create_task(told, name="listening again")
            self._refused_at = 0

    async def _tell(self, kind: OperatorEventType, reason: str) -> None:
        now = self._listening.clock()
        data = OperatorData(sink=self._name, reason=reason, failures=1, since=stamp(self._refused_at or now))
        await write_until_kept(self._store, lambda tx: tell_operator(tx, self._setup, kind, data, now))
