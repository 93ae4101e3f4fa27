"""`/discord/interactions`: Discord's own probes, genuine presses, and nothing else."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec

from receiver.contracts import Filters, Sink
from receiver.flows.asking.buttons import shown_question
from receiver.model.deliveries import Delivery, ShownQuestion
from receiver.model.jobs import Job
from receiver.pretend.platforms.discord.interactions import Interactions
from receiver.pretend.platforms.discord.messages import ChannelEntry
from receiver.pretend.platforms.discord.server import PEOPLE
from support.face import GRID, Face, a_face
from support.platforms import BOT, bot
from support.questions import asking
from support.world import Clock

CLOCK = Clock()
PATH = "/discord/interactions"
ADA, BEA = PEOPLE


class Endpoint:
    """A face with a question, and Discord before it."""

    def __init__(self, face: Face, question: ShownQuestion) -> None:
        self.face = face
        self.question = question
        self.discord = Interactions(BOT.seed, BOT.channel, CLOCK, face.client)

    def body(self, code: str, **changes: Any) -> bytes:
        """An interaction about this button, pressed by Ada."""
        return msgspec.json.encode({**self.discord.payload(ChannelEntry(id="1", at=0), code, ADA), **changes})

    async def post(self, body: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
        """What the endpoint answers to a body, signed now unless told otherwise."""
        return await self.face.client.post(PATH, content=body, headers=headers or self.discord.signed(body))

    async def jobs(self) -> list[Job]:
        """Every job, oldest first."""
        kept = await self.face.store.read(lambda tx: tx.jobs(Filters(limit=500)))
        return [one.job for one in reversed(kept)]


@asynccontextmanager
async def asked(folder: Path, **options: Any) -> AsyncIterator[Endpoint]:
    """An endpoint where a grid has come."""
    sinks = {"team": Sink(name="team", handler=bot(**options))}
    async with a_face(folder, rules=(asking(),), sinks=sinks, clock=CLOCK) as face:
        assert (await face.post(GRID)).status_code == 200
        kept = await face.store.read(lambda tx: tx.jobs(Filters(action="pick", limit=500)))
        delivery = Delivery(number=1, lane="sink:team", job=kept[0].number, event=1, due_at=0)
        question = await face.store.read(lambda tx: shown_question(tx, face.setup, face.store.ref_key, delivery))
        assert question is not None
        yield Endpoint(face, question)


async def test_discord_takes_the_endpoint(tmp_path: Path) -> None:
    async with asked(tmp_path) as endpoint:
        assert await endpoint.discord.probe(PATH) == []


async def test_a_press_answers_the_question_and_one_that_is_late_does_nothing(tmp_path: Path, bad_presses: int) -> None:
    async with asked(tmp_path) as endpoint:
        codes = [one.code for one in endpoint.question.tiles]
        answer = await endpoint.post(endpoint.body(codes[1]))
        assert (answer.status_code, answer.content) == (200, b'{"type":6}')
        picked = (await endpoint.jobs())[-1]
        assert (picked.params, picked.decided_by) == ({"index": 2}, f"discord:{ADA.id} Ada")
        before = await endpoint.jobs()
        late = await endpoint.post(endpoint.body(codes[2]))
        assert (late.status_code, late.content) == (200, b'{"type":6}')
        for _ in range(bad_presses // 10):
            assert (await endpoint.post(endpoint.body(codes[1]))).status_code == 200
        assert await endpoint.jobs() == before


async def test_only_deciders_decide(tmp_path: Path) -> None:
    async with asked(tmp_path, deciders=(BEA.id,)) as endpoint:
        before = await endpoint.jobs()
        assert (await endpoint.post(endpoint.body(endpoint.question.tiles[0].code))).status_code == 200
        assert await endpoint.jobs() == before
        user = {"id": BEA.id, "username": "bea"}
        body = endpoint.body(endpoint.question.tiles[0].code, member={"user": user})
        await endpoint.post(body)
        assert (await endpoint.jobs())[-1].decided_by == f"discord:{BEA.id} bea"


def a_bad_press(choose: random.Random, endpoint: Endpoint, codes: list[str]) -> tuple[bytes, dict[str, str]]:
    """A press that must not do anything: forged, altered, stale, or of nothing."""
    code = choose.choice(codes)
    body = endpoint.body(code)
    genuine = endpoint.discord.signed(body)
    place = choose.randrange(len(code))
    altered = code[:place] + choose.choice("0123456789abcdefghjkmnpqrstvwxyz.:") + code[place + 1 :]
    forged = endpoint.body(altered if altered != code else code[::-1])
    stranger = Interactions(bytes(choose.randrange(256) for _ in range(32)), BOT.channel, CLOCK)
    away = choose.choice((-1, 1)) * choose.randrange(301, 10**6) * 1000
    then = Interactions(BOT.seed, BOT.channel, lambda: CLOCK() + away)
    nobody = endpoint.body(code, member=None)
    other = endpoint.body(code, type=choose.choice([0, 2, 4, 5, "3", None]))
    return choose.choice(
        [
            (body, stranger.signed(body)),
            (body, then.signed(body)),
            (body, {**genuine, "x-signature-ed25519": bytes(choose.randrange(256) for _ in range(64)).hex()}),
            (body, {**genuine, "x-signature-ed25519": genuine["x-signature-ed25519"].upper()}),
            (body, {**genuine, "x-signature-timestamp": str(CLOCK() // 1000 + 1)}),
            (body, {name: text for name, text in genuine.items() if "ed25519" not in name}),
            (body, {name: text for name, text in genuine.items() if "timestamp" not in name}),
            (body + b" ", genuine),
            (body.replace(ADA.id.encode(), BEA.id.encode()), genuine),
            (forged, endpoint.discord.signed(forged)),
            (nobody, endpoint.discord.signed(nobody)),
            (other, endpoint.discord.signed(other)),
            (b"{", endpoint.discord.signed(b"{")),
            (b"\xff", endpoint.discord.signed(b"\xff")),
        ]
    )


async def test_no_forged_altered_stale_or_broken_press_does_anything(tmp_path: Path, bad_presses: int) -> None:
    choose = random.Random(13)  # noqa: S311  # the same presses each time
    async with asked(tmp_path) as endpoint:
        before = await endpoint.jobs()
        codes = [one.code for one in (*endpoint.question.tiles, *endpoint.question.others)]
        for _ in range(bad_presses):
            body, headers = a_bad_press(choose, endpoint, codes)
            answer = await endpoint.post(body, headers)
            assert answer.status_code in (200, 400, 401)
        assert await endpoint.jobs() == before
        assert {one["reason"] for one in (await endpoint.face.get("/refused"))["items"]} <= {
            "signature_differs",
            "signature_missing",
            "too_old",
            "too_new",
        }
