"""A person picks in Discord or Telegram: over a kill and a day, two people at once, presses that come too late."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from support.chat_studio import CDN, Studio, jobs


@pytest.mark.parametrize("name", ["discord", "telegram"])
async def test_a_grid_a_kill_a_day_a_press_and_hd_billed_once(tmp_path: Path, name: str) -> None:
    studio = Studio(tmp_path, name)
    async with studio.running() as store:
        await studio.grid_comes()
        await studio.eventually(lambda: studio.says("Which tile"), store)
    assert {"U1", "U2", "U3", "U4", "V1", "reroll"} <= studio.buttons().keys()
    assert len(studio.shown()[0].pictures) == 1
    studio.clock.pass_by(86_400)
    async with studio.running() as store:
        codes = studio.buttons()
        told = await asyncio.gather(studio.press(codes["U2"], studio.ada), studio.press(codes["U3"], studio.bea))
        await studio.eventually(lambda: studio.says("chosen by"), store)
        await studio.eventually(lambda: len(studio.orders) == 1, store)
        pick = next(job for job in await jobs(store) if job.action == "pick")
        winner, index = (studio.ada, 2) if pick.params == {"index": 2} else (studio.bea, 3)
        assert studio.says(f"U{index}, chosen by {winner.name}")
        assert pick.decided_by == f"{name}:{winner.id} {winner.name}"
        await studio.eventually(lambda: "".join(told) or studio.says(f"picked already, by {winner.name}"), store)
        # On the message as it was: the tile that lost is no answer, and orders nothing.
        await studio.press(codes["U2"], studio.ada)
        await studio.press(codes["U3"], studio.bea)
        await studio.tell("order-1", "upscale-1x", image_url=f"{CDN}/{index}.png")
        await studio.eventually(lambda: len(studio.orders) == 2, store)
        await studio.tell("order-2", "upscale-2x", image_url=f"{CDN}/hd.png")
        await studio.eventually(lambda: studio.says("upscale 2x of journey completed"), store)
        hd = studio.says("upscale 2x of journey completed")
        assert hd is not None
        assert hd.thread == studio.shown()[0].id
        assert len(hd.pictures) == 1
        statuses = [(job.action, job.status) for job in await jobs(store)]
        assert statuses == [("imagine", "completed"), ("pick", "completed"), ("upscale", "completed")]
    assert len(studio.orders) == 2
    assert studio.platform.mistakes == []
