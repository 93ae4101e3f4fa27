"""Presses of buttons as Telegram tells them: updates that are asked for, each until it is confirmed."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any, Final

import msgspec
import structlog

from handlers.chat.questions import pressed_by
from handlers.telegram.api import BotApi, TelegramAnswer
from handlers.wording import one_line
from receiver.contracts import Listening, Press
from receiver.errors import ListeningRefused, NoAnswer, NotJson, Unmapped
from receiver.lib.strict_json import read_json

log = structlog.get_logger("telegram")

#: How long Telegram holds a poll, seconds; the longest that it does (seen in its server's code). The rest of
#: `POLL_TIMEOUT_S` is for the way.
POLL_S: Final = 50
POLL_TIMEOUT_S: Final = 65.0
#: The shortest time between polls that bring nothing, seconds.
EMPTY_POLL_S: Final = 1.0
#: After so many conflicts in a row a person is told: a poll of our own that a restart left ends within one.
MOST_CONFLICTS: Final = 3
CONFLICT_WAIT_S: Final = 3.0
#: A press that may have been made earlier, seconds, counts only if Telegram still takes an answer to it: an update does
#: not say when it was made, and updates are kept up to a day (documented; presses 150 s, seen in the server's code).
SURELY_FRESH_S: Final = 300
#: Updates that one poll may bring (documented).
MOST_UPDATES: Final = 100
ANSWER_S: Final = 10.0
HEARD: Final = "Heard. The message shows what comes of it."
#: Telegram takes no answer to a press any more: it is too old, or was answered. In small letters.
TOO_LATE: Final = ("query is too old", "query id is invalid", "query_id_invalid")
#: Characters of a person's name that are kept.
MAX_NAME: Final = 60
Update = dict[str, Any]


class AwaitedPresses:
    """What a bot has not taken yet, asked for by long polls."""

    def __init__(self, api: BotApi) -> None:
        self._api = api
        #: The last press that was answered before it was done: one that could not be kept comes again.
        self._answered: object = None

    async def listen(self, listening: Listening) -> None:
        """Asks for presses until it is cancelled; each is confirmed, with the next poll, once it is done.

        Raises TransportError for what may pass, ListeningRefused for what only a person can put right.
        """
        offset, conflicts, is_in = 0, 0, False
        # What comes next was made after this, Unix ms; 0 = nobody knows when.
        after = 0
        while True:
            began = asyncio.get_running_loop().time()
            # The first one is answered at once, so that it is known that we are let in.
            said = await self._poll(listening, offset, POLL_S if is_in else 0)
            if said.answer.status == 409:
                conflicts += 1
                _check_conflict(said, conflicts)
                await asyncio.sleep(CONFLICT_WAIT_S)
                continue
            updates = _updates(said)
            conflicts = 0
            if not is_in:
                is_in = True
                listening.connected()
            told_at = listening.clock()
            for number, update in updates:
                await self._take(listening, update, after)
                offset = number + 1
            after = told_at if len(updates) < MOST_UPDATES else after
            if not updates:
                await asyncio.sleep(began + EMPTY_POLL_S - asyncio.get_running_loop().time())

    async def _poll(self, listening: Listening, offset: int, hold_s: int) -> TelegramAnswer:
        fields: dict[str, Any] = {"timeout": hold_s, "allowed_updates": ["callback_query"], "limit": MOST_UPDATES}
        if offset:
            fields["offset"] = offset
        return await self._api.call(listening.transport, POLL_TIMEOUT_S, "getUpdates", fields)

    async def _take(self, listening: Listening, update: Update, after: int) -> None:
        """Does what an update made after `after` (Unix ms) says, unless it is too old. Raises TransportError."""
        query = update.get("callback_query")
        if isinstance(query, dict) and listening.clock() - after > SURELY_FRESH_S * 1000:
            if query.get("id") != self._answered and not await self._is_answered(listening, query.get("id")):
                log.info("press.refused", reason="too_old")
                return
            update = {**update, "callback_query": {**query, "id": ""}}
        await listening.take(msgspec.json.encode(update))

    async def _is_answered(self, listening: Listening, query_id: object) -> bool:
        """Answers a press; whether Telegram still takes that. Raises TransportError."""
        fields = {"callback_query_id": query_id, "text": HEARD}
        said = await self._api.call(listening.transport, ANSWER_S, "answerCallbackQuery", fields)
        if said.answer.status == 429 or said.answer.status >= 500:
            raise NoAnswer(f"Telegram: HTTP {said.answer.status}")
        if said.ok:
            self._answered = query_id
        return said.ok


def is_too_late(said: TelegramAnswer) -> bool:
    """Whether an answer to a press was refused because nobody waits for it any more."""
    return not said.ok and any(piece in said.description.lower() for piece in TOO_LATE)


def _check_conflict(said: TelegramAnswer, conflicts: int) -> None:
    """Raises ListeningRefused where somebody else takes this bot's updates, and goes on doing so."""
    if said.says("webhook"):
        raise ListeningRefused("a webhook is set for this bot: delete it (deleteWebhook), or give gridhook its own bot")
    if conflicts >= MOST_CONFLICTS:
        raise ListeningRefused("another program asks for this bot's updates: stop it, or give gridhook its own bot")


def _updates(said: TelegramAnswer) -> list[tuple[int, Update]]:
    """The updates of an answer with their numbers. Raises TransportError and ListeningRefused."""
    if said.answer.status in (401, 403, 404):
        raise ListeningRefused("Telegram does not know this bot's token: get it from @BotFather")
    if not said.ok or not isinstance(said.result, list):
        raise NoAnswer(f"Telegram: HTTP {said.answer.status}")
    return [
        (one["update_id"], one) for one in said.result if isinstance(one, dict) and type(one.get("update_id")) is int
    ]


def read(body: bytes, chats: Collection[str], deciders: tuple[str, ...]) -> Press:
    """The press in an update. `chats` are the sink's own names, `deciders` who may press; empty: everybody.

    Raises Unmapped for what is no press of a button.
    """
    query = _query(body)
    user, message = query.get("from"), query.get("message")
    code, query_id = query.get("data"), query.get("id")
    if not isinstance(code, str) or not isinstance(query_id, str) or not isinstance(user, dict):
        raise Unmapped("it is no press of a button, or of nobody")
    user_id = user.get("id")
    if type(user_id) is not int:
        raise Unmapped("it does not say who pressed")
    chat = message.get("chat") if isinstance(message, dict) else None
    found = {str(chat.get("id")), f"@{chat.get('username')}".lower()} if isinstance(chat, dict) else set()
    return Press(
        button=code,
        by=pressed_by("telegram", str(user_id), _name(user)),
        is_own_channel=not found.isdisjoint(name.lower() for name in chats),
        may_decide=not deciders or str(user_id) in deciders,
        reply_to=query_id,
    )


def _query(body: bytes) -> dict[str, Any]:
    try:
        value = read_json(body)
    except NotJson:
        raise Unmapped("it is no JSON") from None
    query = value.get("callback_query") if isinstance(value, dict) else None
    if not isinstance(query, dict):
        raise Unmapped("it is no press of a button")
    return query


def _name(user: dict[str, Any]) -> str:
    known = user.get("first_name") or user.get("username")
    return one_line(known, MAX_NAME) if isinstance(known, str) else ""
