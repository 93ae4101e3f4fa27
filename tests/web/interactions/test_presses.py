"""`/slack/actions`: a genuine press does what its button says, once; nothing else does anything."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from receiver.contracts import Filters
from receiver.flows.asking.buttons import shown_question
from receiver.lib.signatures import Secret
from receiver.model.deliveries import Delivery, ShownQuestion
from receiver.model.jobs import Job
from support.face import GRID, Face, a_face
from support.pretend_slack import CHANNEL, SIGNING, press_body, signed, team
from support.questions import asking
from support.world import Clock

CLOCK = Clock()


@asynccontextmanager
async def asked(folder: Path, clock: Clock = CLOCK, **slack: Any) -> AsyncIterator[tuple[Face, ShownQuestion]]:
    """A face where a grid has come, and the question about it."""
    async with a_face(folder, rules=(asking(),), sinks=team(**slack), clock=clock) as face:
        assert (await face.post(GRID)).status_code == 200
        yield face, await shown(face)


async def shown(face: Face) -> ShownQuestion:
    """The question as the sink shows it now."""
    (job,) = [one for one in await jobs(face) if one.rule == "poster" and one.action == "pick"]
    kept = await face.store.read(lambda tx: tx.jobs(Filters(action="pick", limit=500)))
    number = next(one.number for one in kept if one.job.id == job.id)
    delivery = Delivery(number=1, lane="sink:team", job=number, event=1, due_at=0)
    found = await face.store.read(lambda tx: shown_question(tx, face.setup, face.store.ref_key, delivery))
    assert found is not None
    return found


async def jobs(face: Face) -> list[Job]:
    """Every job, oldest first."""
    kept = await face.store.read(lambda tx: tx.jobs(Filters(limit=500)))
    return [one.job for one in reversed(kept)]


async def press(face: Face, body: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
    """Posts what Slack would, signed now."""
    return await face.client.post("/slack/actions", content=body, headers=headers or signed(body, CLOCK()))


async def test_a_press_answers_the_question_and_says_who_it_was(tmp_path: Path) -> None:
    async with asked(tmp_path) as (face, question):
        assert [one.label for one in question.tiles] == ["U1", "U2", "U3", "U4"]
        assert [one.label for one in question.others] == ["V1", "V2", "V3", "V4", "reroll"]
        assert all(one.cost is not None for one in (*question.tiles, *question.others))
        answer = await press(face, press_body(question.tiles[1].code))
        assert (answer.status_code, answer.content) == (200, b"")
        picked = (await shown(face)).job
        assert (picked.status, picked.params, picked.decided_by) == ("planned", {"index": 2}, "slack:U0ADA Ada")


async def test_a_repeat_is_harmless_and_another_tile_that_comes_second_is_told_so(tmp_path: Path) -> None:
    async with asked(tmp_path) as (face, question):
        first = press_body(question.tiles[1].code)
        answers = await asyncio.gather(*(press(face, first) for _ in range(5)))
        assert {one.status_code for one in answers} == {200}
        late = await press(face, press_body(question.tiles[2].code, user="U0BEA", name="Bea"))
        assert (late.status_code, late.json()["code"]) == (409, "already_answered")
        assert len(await jobs(face)) == 2


async def test_presses_at_the_same_moment_have_one_winner(tmp_path: Path) -> None:
    async with asked(tmp_path) as (face, question):
        answers = await asyncio.gather(*(press(face, press_body(one.code)) for one in question.tiles))
        assert sorted(one.status_code for one in answers) == [200, 409, 409, 409]
        assert len(await jobs(face)) == 2


async def test_further_tiles_are_orders_of_their_own_and_each_is_offered_until_it_is_ordered(tmp_path: Path) -> None:
    async with asked(tmp_path) as (face, question):
        await press(face, press_body(question.tiles[1].code))
        further = await shown(face)
        assert [one.label for one in further.tiles] == ["U1", "U3", "U4"]
        for _ in range(2):
            assert (await press(face, press_body(further.tiles[1].code))).status_code == 200
        assert [one.label for one in (await shown(face)).tiles] == ["U1", "U4"]
        picks = [one for one in await jobs(face) if one.action == "pick"]
        assert [one.params for one in picks] == [{"index": 2}, {"index": 3}]


@pytest.mark.parametrize("label", ["V3", "reroll"])
async def test_what_is_no_tile_is_an_order_of_its_own_and_leaves_the_question_open(tmp_path: Path, label: str) -> None:
    async with asked(tmp_path) as (face, question):
        code = next(one.code for one in question.others if one.label == label)
        for _ in range(2):
            assert (await press(face, press_body(code))).status_code == 200
        assert (await shown(face)).is_open
        (order,) = [one for one in await jobs(face) if one.action in ("vary", "reroll")]
        assert (order.decided_by, order.rule, order.status) == ("slack:U0ADA Ada", None, "planned")


async def test_only_deciders_may_press(tmp_path: Path) -> None:
    async with asked(tmp_path, deciders=("U0ADA",)) as (face, question):
        refused = await press(face, press_body(question.tiles[0].code, user="U0EVE", name="Eve"))
        assert (refused.status_code, refused.json()["code"]) == (403, "not_a_decider")
        assert (await shown(face)).is_open
        assert (await press(face, press_body(question.tiles[0].code))).status_code == 200


async def test_sinks_of_one_app_are_told_apart_by_their_channels(tmp_path: Path) -> None:
    sinks = {**team(deciders=("U0ADA",)), "studio": team(channel="C999")["team"]}
    async with a_face(tmp_path, rules=(asking(),), sinks=sinks, clock=CLOCK) as face:
        await face.post(GRID)
        question = await shown(face)
        for channel, status in ((CHANNEL, 403), ("C555", 403), ("C999", 200)):
            body = press_body(question.tiles[0].code, user="U0EVE", name="Eve", channel=channel)
            assert (await press(face, body)).status_code == status


async def test_a_press_may_match_the_secret_of_any_sink(tmp_path: Path) -> None:
    sinks = {**team(), "studio": team(channel="C999", signing_secret=Secret("of-another-app"))["team"]}
    async with a_face(tmp_path, rules=(asking(),), sinks=sinks, clock=CLOCK) as face:
        await face.post(GRID)
        body = press_body((await shown(face)).tiles[0].code)
        assert (await press(face, body, signed(body, CLOCK(), "of-another-app"))).status_code == 200


async def test_a_name_is_kept_as_plain_text_on_one_line(tmp_path: Path) -> None:
    async with asked(tmp_path) as (face, question):
        await press(face, press_body(question.tiles[0].code, name="A\nd\u202ea" + "x" * 500))
        by = (await shown(face)).job.decided_by or ""
        assert by.startswith("slack:U0ADA A d a")
        assert len(by) < 90
        assert by.isprintable()


async def test_a_press_says_nothing_where_no_sink_has_buttons(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        body = press_body("x")
        assert (await press(face, body)).status_code == 404


@pytest.mark.parametrize("far", [-301, 301])
async def test_a_press_that_was_signed_more_than_five_minutes_away_is_refused(tmp_path: Path, far: int) -> None:
    async with asked(tmp_path) as (face, question):
        body = press_body(question.tiles[0].code)
        assert (await press(face, body, signed(body, CLOCK() + far * 1000))).status_code == 401
        assert (await press(face, body, signed(body, CLOCK() + (far - far // abs(far)) * 1000))).status_code == 200


async def test_buttons_themselves_do_not_age(tmp_path: Path) -> None:
    clock = Clock()
    async with a_face(tmp_path, rules=(asking(within_s=90 * 86_400),), sinks=team(), clock=clock) as face:
        await face.post(GRID)
        question = await shown(face)
        clock.pass_by(60 * 86_400)
        body = press_body(question.tiles[0].code)
        assert (await press(face, body, signed(body, clock()))).status_code == 200


async def test_a_huge_press_is_refused_before_it_is_held(tmp_path: Path) -> None:
    async with asked(tmp_path) as (face, _):
        body = b"payload=" + b"x" * (3 * 1024 * 1024)
        assert (await press(face, body)).status_code == 413


async def test_why_a_press_was_refused_is_told_to_the_operator_only(tmp_path: Path) -> None:
    async with asked(tmp_path) as (face, question):
        body = press_body(question.tiles[0].code)
        answer = await press(face, body, signed(body, CLOCK(), "another-secret"))
        assert (answer.status_code, answer.json()["code"]) == (401, "not_verified")
        (refused,) = (await face.get("/refused"))["items"]
        assert refused["reason"] == "signature_differs"


def a_bad_press(choose: random.Random, codes: list[str]) -> tuple[bytes, dict[str, str]]:
    """A press that must not do anything: forged, altered, stale, or of nothing."""
    now = CLOCK()
    code = choose.choice(codes)
    body = press_body(code)
    genuine = signed(body, now)
    place = choose.randrange(len(code))
    altered = code[:place] + choose.choice("0123456789abcdefghjkmnpqrstvwxyz.:") + code[place + 1 :]
    forged = press_body(altered if altered != code else code[::-1])
    other = "".join(choose.choice("0123456789abcdef") for _ in range(64))
    payload = msgspec.json.encode({"type": "block_actions", "actions": [{"value": code}]}).decode()
    return choose.choice(
        [
            (body, signed(body, now, choose.choice([SIGNING[:-1], SIGNING.upper(), "x"]))),
            (body, {**genuine, "x-slack-signature": f"v0={other}"}),
            (body, {**genuine, "x-slack-signature": genuine["x-slack-signature"].replace("v0=", "v1=")}),
            (body, {**genuine, "x-slack-signature": genuine["x-slack-signature"].upper()}),
            (body, {**genuine, "x-slack-request-timestamp": str(now // 1000 + 1)}),
            (body, {name: text for name, text in genuine.items() if "signature" not in name}),
            (body, {name: text for name, text in genuine.items() if "timestamp" not in name}),
            (body, signed(body, now - choose.randrange(301, 10**6) * 1000)),
            (body, signed(body, now + choose.randrange(301, 10**6) * 1000)),
            (body + b"&x=1", genuine),
            (body.replace(b"block_actions", b"block_action2"), genuine),
            (forged, signed(forged, now)),
            (payload.encode(), signed(payload.encode(), now)),
            (b"payload=" + payload.encode(), signed(b"payload=" + payload.encode(), now)),
            (b"payload=%7B", signed(b"payload=%7B", now)),
            (b"\xff\xfe", signed(b"\xff\xfe", now)),
        ]
    )


async def test_no_forged_altered_stale_or_broken_press_does_anything(tmp_path: Path, bad_presses: int) -> None:
    choose = random.Random(13)  # noqa: S311  # the same presses each time
    async with asked(tmp_path) as (face, question):
        before = await jobs(face)
        codes = [one.code for one in (*question.tiles, *question.others)]
        for _ in range(bad_presses):
            body, headers = a_bad_press(choose, codes)
            assert (await press(face, body, headers)).status_code in (400, 401, 404)
        assert await jobs(face) == before


async def test_a_replayed_press_does_nothing_new(tmp_path: Path, bad_presses: int) -> None:
    async with asked(tmp_path) as (face, question):
        replayed = [press_body(one.code) for one in (question.tiles[0], question.others[0])]
        for body in replayed:
            await press(face, body)
        before = await jobs(face)
        for body in replayed * (bad_presses // 10):
            assert (await press(face, body)).status_code == 200
        assert await jobs(face) == before
