"""Presses of buttons, as a bot asks for them: each is told until it is confirmed, or too old."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from typing import Any, Final

import msgspec

from receiver.lib.signal import Signal
from receiver.lib.times import Clock
from receiver.pretend.platforms.channel.messages import ChannelPerson
from receiver.pretend.platforms.telegram.messages import ChatEntry, TelegramRefused

#: How long a press is kept, ms, and the longest poll, seconds (both seen in the server's code).
PRESS_LIFE_MS: Final = 150_000
LONGEST_POLL_S: Final = 50
#: How long a press can be answered, ms; Telegram documents nothing, people report some 15 s.
ANSWERABLE_MS: Final = 15_000
#: How long a person sees a button wait, seconds.
WAIT_S: Final = 5.0
TOO_OLD: Final = "query is too old and response timeout expired or query ID is invalid"
OTHER_POLLER: Final = (
    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
)


class PendingPress(msgspec.Struct, frozen=True, kw_only=True):
    """A press that was not confirmed yet."""

    number: int
    #: When it was made, Unix ms.
    at: int
    update: dict[str, Any]


class Updates:
    """What a bot has not taken yet. `answers` is what it told those who pressed, by the press's id."""

    def __init__(self, clock: Clock, chat: int) -> None:
        """`clock` returns Unix ms."""
        self.pending: deque[PendingPress] = deque()
        self.answers: dict[str, str] = {}
        #: When each press was made, Unix ms, by its id.
        self.asked: dict[str, int] = {}
        self._clock = clock
        self._chat = chat
        self._numbers = itertools.count(1)
        self._pollers = 0
        self._changed = Signal()

    async def press(self, entry: ChatEntry, data: str, person: ChannelPerson) -> str | None:
        """A press of a button; what the bot told of it, None if nobody answered."""
        query = self.add(entry, data, person)
        try:
            async with asyncio.timeout(WAIT_S):
                return await self._changed.until(lambda: self.answers.get(query))
        except TimeoutError:
            return None

    def add(self, entry: ChatEntry, data: str, person: ChannelPerson) -> str:
        """Makes a press known; returns its id."""
        number = next(self._numbers)
        query = f"4382{number:015d}"
        told = {
            "id": query,
            "from": {"id": int(person.id), "is_bot": False, "first_name": person.name},
            "message": {"message_id": entry.id, "date": entry.at // 1000, "chat": {"id": self._chat, "type": "group"}},
            "chat_instance": "1",
            "data": data,
        }
        update = {"update_id": 1000 + number, "callback_query": told}
        self.pending.append(PendingPress(number=1000 + number, at=self._clock(), update=update))
        self.asked[query] = self._clock()
        self._changed.ring()
        return query

    async def poll(self, offset: int, timeout_s: int, limit: int) -> list[dict[str, Any]]:
        """What there is from an offset on, which confirms what was before it. Raises TelegramRefused for a conflict."""
        self.pending = deque(one for one in self.pending if one.number >= offset)
        self._pollers += 1
        me = self._pollers
        self._changed.ring()
        try:
            async with asyncio.timeout(min(timeout_s, LONGEST_POLL_S)):
                found = await self._changed.until(lambda: self._found(me, limit))
        except TimeoutError:
            return []
        if me != self._pollers:
            raise TelegramRefused(409, OTHER_POLLER)
        return found

    def _found(self, poller: int, limit: int) -> list[dict[str, Any]] | None:
        """What a poll returns now; None while it waits."""
        if poller != self._pollers:
            return []
        oldest = self._clock() - PRESS_LIFE_MS
        self.pending = deque(one for one in self.pending if one.at > oldest)
        return [one.update for one in self.pending][:limit] or None

    def answer(self, query: str, text: str) -> None:
        """The bot answers a press. Raises TelegramRefused for one that is unknown, answered, or too old."""
        made = self.asked.get(query)
        if made is None or query in self.answers:
            raise TelegramRefused(400, f"Bad Request: {TOO_OLD}")
        if self._clock() - made > ANSWERABLE_MS:
            raise TelegramRefused(400, f"Bad Request: {TOO_OLD}", may_happen=True)
        self.answers[query] = text
        self._changed.ring()
