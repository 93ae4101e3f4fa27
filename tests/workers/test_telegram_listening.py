"""What Telegram tells of presses, hostile ones too: only genuine buttons, in the right hands, do anything."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from receiver.contracts import CallNetwork, Filters, Sink
from receiver.flows.asking.buttons import shown_question
from receiver.model.deliveries import Delivery, ShownQuestion
from receiver.workers.listeners import AccountListener, accounts
from receiver.workers.presses import Presses
from support.platforms import CHAT, telegram
from support.questions import asking, grid_body
from support.world import Clock, World, world


def update(code: Any, user: Any = 1001, chat: int = CHAT.chat, **changes: Any) -> bytes:
    """A press as Telegram tells it."""
    query = {
        "id": "4382000000000000001",
        "from": {"id": user, "is_bot": False, "first_name": "Ada"},
        "message": {"message_id": 5, "chat": {"id": chat, "type": "supergroup"}},
        "data": code,
    }
    return json.dumps({"update_id": 7, "callback_query": {**query, **changes}}).encode()


class Bot:
    """A listener with a question in its chat."""

    def __init__(self, running: World, question: ShownQuestion) -> None:
        self.running = running
        self.question = question
        presses = Presses(running.store, running.setup, running.clock)
        (group,) = accounts(running.sinks.values())
        self.listener = AccountListener(
            running.store, running.setup, presses, group, running.transport, CallNetwork(), running.clock
        )


@asynccontextmanager
async def asked(folder: Path, **sinks: Sink) -> AsyncIterator[Bot]:
    """A bot that asked about a grid."""
    team = sinks or {"team": Sink(name="team", handler=telegram())}
    async with world(folder, rules=(asking(),), sinks=team, clock=Clock(), dispatch=False) as running:
        await running.webhook(grid_body())
        kept = await running.store.read(lambda tx: tx.jobs(Filters(action="pick", limit=500)))
        delivery = Delivery(number=1, lane="sink:team", job=kept[0].number, event=1, due_at=0)
        question = await running.store.read(
            lambda tx: shown_question(tx, running.setup, running.store.ref_key, delivery)
        )
        assert question is not None
        yield Bot(running, question)


async def test_a_press_answers_the_question_once(tmp_path: Path, bad_presses: int) -> None:
    async with asked(tmp_path) as bot:
        body = update(bot.question.tiles[1].code)
        await bot.listener.take(body)
        before = await bot.running.jobs()
        assert (before[-1].params, before[-1].decided_by) == ({"index": 2}, "telegram:1001 Ada")
        for _ in range(bad_presses // 10):
            await bot.listener.take(body)
            await bot.listener.take(update(bot.question.tiles[2].code, user=1002))
        assert await bot.running.jobs() == before


async def test_of_sinks_that_share_a_bot_the_one_whose_chat_it_was_says_who_may(tmp_path: Path) -> None:
    team = Sink(name="team", handler=telegram(deciders=("1002",)))
    other = Sink(name="other", handler=telegram(chat="-5"))
    async with asked(tmp_path, team=team, other=other) as bot:
        code = bot.question.tiles[0].code
        before = await bot.running.jobs()
        await bot.listener.take(update(code))
        await bot.listener.take(update(code, chat=-99))
        assert await bot.running.jobs() == before
        await bot.listener.take(update(code, user=1002))
        assert (await bot.running.jobs())[-1].decided_by == "telegram:1002 Ada"


async def test_no_forged_altered_or_broken_press_does_anything(tmp_path: Path, bad_presses: int) -> None:
    choose = random.Random(13)  # noqa: S311  # the same presses each time
    async with asked(tmp_path) as bot:
        before = await bot.running.jobs()
        codes = [one.code for one in (*bot.question.tiles, *bot.question.others)]
        for _ in range(bad_presses):
            await bot.listener.take(a_bad_press(choose, choose.choice(codes)))
        assert await bot.running.jobs() == before


def a_bad_press(choose: random.Random, code: str) -> bytes:
    """A press that must not do anything."""
    place = choose.randrange(len(code))
    letter = choose.choice([one for one in "0123456789abcdefghjkmnpqrstvwxyz.:" if one != code[place]])
    return choose.choice(
        [
            update(code[:place] + letter + code[place + 1 :]),
            update(code[:place] + code[place + 1 :]),
            update(code + letter),
            update(code.upper()),
            update(f" {code}"),
            update([code]),
            update(None),
            update(code, user=str(choose.randrange(10**9))),
            update(code, user=None),
            update(code, id=7),
            json.dumps({"update_id": 7, "message": {"text": code}}).encode(),
            json.dumps([code]).encode(),
            update(code)[:-1],
            b"\xff" + update(code),
            b"",
        ]
    )
