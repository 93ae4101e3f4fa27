"""What both kinds of carrier share: writing down what came of a try, whatever the disk does meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, Protocol, TypeVar

import msgspec
import structlog

from receiver.contracts import Store, Transaction
from receiver.errors import StoreUnavailable
from receiver.lib.times import stamp
from receiver.model.deliveries import Attempt, Delivery

log = structlog.get_logger("dispatch")
T = TypeVar("T")

#: Between tries to write down an outcome while the disk is full, seconds.
STORE_WAIT: Final = 1.0


class TryResult(Protocol):
    """What any outcome tells an attempt."""

    @property
    def status(self) -> int | None:
        """The HTTP status that came back, if one did."""
        ...

    @property
    def note(self) -> str | None:
        """What there is to say of it."""
        ...


async def write_until_kept(store: Store, work: Callable[[Transaction], T]) -> T:
    """Writes, and keeps trying while the store is unavailable: the deed is done and must not be done again."""
    while True:
        try:
            return await store.write(work)
        except StoreUnavailable as wrong:
            log.error("settle.waits", reason=str(wrong))
            await asyncio.sleep(STORE_WAIT)


def is_shutdown(wrong: BaseException, task: asyncio.Task[Any] | None) -> bool:
    """True if a try was cut short because `task`, which makes it, is cancelled; False if plug-in code raised `wrong`.

    Raises `wrong` again if the task's coroutine is closed with its loop: then there is nothing more that could be done.
    """
    if isinstance(wrong, GeneratorExit) and task is not _running_task():
        raise wrong
    return task is not None and task.cancelling() > 0


def _running_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:  # no loop runs
        return None


def settle_try(
    tx: Transaction, delivery: Delivery, after: Delivery, outcome: TryResult, word: str, started: int, now: int
) -> bool:
    """Writes a delivery's new state and the attempt; False if another dispatcher has taken the delivery over."""
    if not tx.settle(delivery, after):
        return False
    tx.add_attempt(delivery.number, attempt_of(delivery, outcome, word, started, now))
    return True


def attempt_of(delivery: Delivery, outcome: TryResult, word: str, started: int, now: int) -> Attempt:
    """What is kept of a try; `started` and `now` are Unix ms."""
    return Attempt(
        number=delivery.attempt,
        started_at=stamp(started),
        took_ms=max(0, now - started),
        outcome=word,
        status=outcome.status,
        note=outcome.note,
    )


def returned_unused(delivery: Delivery, now: int) -> Delivery:
    """The delivery once more, its schedule where it was: a shutdown is not a failed attempt.

    The attempt's number is not used again, or a dispatcher that hung would pass the fence of the one that took over.
    """
    return msgspec.structs.replace(delivery, state="pending", due_at=now, base=delivery.base + 1)


def outcome_name(outcome: msgspec.Struct) -> str:
    """The outcome's name as it stands in attempts and logs."""
    return str(outcome.__struct_config__.tag)
