"""Presses of buttons, however they come in: each is done once, and who pressed is told what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import structlog

from receiver.contracts import ButtonHandler, Press, PressListener, PressReplier, Store, Transport
from receiver.contracts.setup import Setup
from receiver.errors import GridhookError, NotAllowed, NotFound, NotPossible, TransportError
from receiver.flows.asking.buttons import press
from receiver.lib.times import Clock
from receiver.model.jobs import Job, KeptJob

log = structlog.get_logger("press")

#: Words that are on their way to people at once; those of further presses are not said.
MOST_REPLIES: Final = 32
#: How long one may take, seconds.
REPLY_S: Final = 10.0
MAY_NOT: Final = "you are none of those who may decide here"


class HeardPress(NamedTuple):
    """A press, and the handler that read it."""

    handler: ButtonHandler | PressListener
    pressed: Press


def judged(heard: Sequence[HeardPress]) -> HeardPress:
    """A press as the sink has it in whose channel it was; where that is not known, everybody must allow it."""
    own = [one for one in heard if one.pressed.is_own_channel] or heard
    return next((one for one in own if not one.pressed.may_decide), own[0])


class Presses:
    """Does what presses say. `transport` returns what carries replies; None = nobody is told anything."""

    def __init__(
        self, store: Store, setup: Setup, clock: Clock, transport: Callable[[], Transport] | None = None
    ) -> None:
        self._store = store
        self._setup = setup
        self._clock = clock
        self._transport = transport
        self._replies: set[asyncio.Task[None]] = set()

    async def take(self, heard: HeardPress) -> KeptJob:
        """Does what a button says, and returns the job that it led to, once that is on disk.

        Raises NotAllowed, NotFound (no button of ours), NotPossible (it comes too late) and StoreUnavailable.
        """
        pressed = heard.pressed
        try:
            kept, took_ms = await self._done(pressed)
        except (NotAllowed, NotFound, NotPossible) as wrong:
            log.info("press.refused", by=pressed.by, reason=wrong.code)
            self._reply(heard, _sentence(wrong))
            raise
        log.info("press.taken", by=pressed.by, job_id=kept.job.id, status=kept.job.status, took_ms=took_ms)
        # Of an answered question its own message tells.
        self._reply(heard, "" if kept.question is not None else _ordered(kept.job))
        return kept

    async def _done(self, pressed: Press) -> tuple[KeptJob, int]:
        if not pressed.may_decide:
            raise NotAllowed(MAY_NOT)
        now, key = self._clock(), self._store.ref_key
        kept = await self._store.write(lambda tx: press(tx, self._setup, key, pressed.button, pressed.by, now))
        return kept, self._clock() - now

    def _reply(self, heard: HeardPress, words: str) -> None:
        """Begins to tell who pressed; the press does not wait for it."""
        handler, transport = heard.handler, self._transport
        if transport is None or not heard.pressed.reply_to or not isinstance(handler, PressReplier):
            return
        if len(self._replies) < MOST_REPLIES:
            task = asyncio.create_task(_told(handler, heard.pressed, words, transport()), name="reply to a press")
            self._replies.add(task)
            task.add_done_callback(self._replies.discard)

    async def aclose(self) -> None:
        """Drops what is not said yet."""
        for task in list(self._replies):
            task.cancel()
        await asyncio.gather(*self._replies, return_exceptions=True)


def _ordered(job: Job) -> str:
    """`pick 3 is planned (2 credits): job_...`"""
    what = " ".join([job.action or "it", *(str(value) for value in job.params.values())])
    price = f" ({job.cost.amount} {job.cost.unit})" if job.cost is not None else ""
    return f"{what} is {job.status}{price}: {job.id}"


def _sentence(wrong: GridhookError) -> str:
    text = str(wrong)
    return text[:1].upper() + text[1:]


async def _told(handler: PressReplier, pressed: Press, words: str, transport: Transport) -> None:
    try:
        async with asyncio.timeout(REPLY_S):
            await handler.reply_to_press(pressed, words, transport)
    except (TransportError, TimeoutError) as wrong:
        log.warning("press.reply_failed", reason=str(wrong) or "it took too long")
    except Exception as wrong:  # a plug-in's fault costs this one word
        log.exception("press.reply_broke", reason=type(wrong).__name__)
