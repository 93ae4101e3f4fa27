from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from support.monitoring import unanswered

MAIN = "from receiver.app import main; main()"
#: The same with vendors that are ten times as quick.
QUICK = """
import msgspec
from receiver.demo.servers import OPTIONS
OPTIONS.update({name: msgspec.structs.replace(one, pace=one.pace / 10) for name, one in OPTIONS.items()})
from receiver.app import main
main()
"""
#: Runs the story with other vendors than the demo's; the vendors' options and `run`'s are put in.
OTHERWISE = """
import asyncio, sys
import msgspec
from receiver.app import PARTS
from receiver.demo.servers import OPTIONS
from receiver.demo.story import run

options = {{**OPTIONS, "journey": msgspec.structs.replace(OPTIONS["journey"], pace=0.2, {options})}}
sys.exit(asyncio.run(run(True, PARTS, options=options, {run})))
"""
STORY = [
    r"you +POST /jobs +imagine",
    r"journey +job.submitted +imagine  4 credits",
    r"journey +job.progress +imagine  75 %",
    r"journey +job.completed +imagine  http://127.0.0.1:\d+/pictures/.+/grid.png",
    r"channel +question +which tile",
    r"posters +job.held +imagine  4 more would exceed",
    r"mart +job.unsure +imagine  it is not known",
    r"you +press U2 +in the channel",
    r"journey +job.submitted +pick 2  2 credits  ordered by rule ask",
    r"journey +job.completed +pick 2  http://",
    r"journey +job.submitted +upscale 2x  2 credits  ordered by rule auto-hd",
    r"journey +job.completed +upscale 2x  http://",
    r"channel +in its thread +upscale 2x of journey is in the archive",
]


#: Seconds in which a story is told on the busiest machine; only one that goes wrong takes so long.
AMPLE = 90
Once = tuple[subprocess.CompletedProcess[str], float]


def told(*arguments: str, code: str = MAIN, place: Path) -> Once:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=2 * AMPLE,
        env=surroundings(place),
        check=False,
    )
    return done, time.monotonic() - began


def surroundings(place: Path) -> dict[str, str]:
    """The environment; what the demo makes is made in `place`."""
    return {**os.environ, "TMPDIR": str(place), "PYTHONUNBUFFERED": "1"}


def left_in(place: Path) -> list[Path]:
    return list(place.iterdir())


def otherwise(options: str, run: str = f"limit={AMPLE}", *, place: Path) -> Once:
    return told(code=OTHERWISE.format(options=options, run=run), place=place)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def once(place: Path) -> Once:
    return told("demo", "--once", place=place)


def test_once_tells_the_story_in_order_and_ends_well_within_thirty_seconds(once: Once) -> None:
    done, seconds = once
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert seconds < 30
    assert re.search(".*".join(STORY), done.stdout, re.DOTALL), done.stdout


def test_once_shows_books_in_which_every_line_holds(once: Once) -> None:
    done, _ = once
    assert "each step was ordered and billed once: imagine x 1, upscale-1x x 1, upscale-2x-4x x 1" in done.stdout
    assert "the vendor billed 8 credits, gridhook's own books say 8" in done.stdout
    assert "each webhook was posted 3 times at once: 36 received, 12 events, 1 HD order" in done.stdout
    assert "12 of 12 forged webhooks got 401; 36 requests are kept, the genuine 36" in done.stdout
    assert "the sink got 4 events, each result once; 4 signatures verified" in done.stdout
    assert "6 of 6 pictures are in the archive, with the right checksums" in done.stdout
    assert "Slack would have taken every call; 0 refused" in done.stdout
    assert "HD picture 512 x 512, picked tile 256 x 256" in done.stdout
    assert "WRONG" not in done.stdout


def test_once_leaves_nothing_behind_and_writes_no_colours_into_a_pipe(once: Once, place: Path) -> None:
    done, _ = once
    assert "\x1b" not in done.stdout
    assert str(place) in done.stdout
    assert left_in(place) == []


def test_a_vendor_that_refuses_the_order_ends_the_story_with_the_reason(tmp_path: Path) -> None:
    done, seconds = otherwise('order_failures=("402",)', place=tmp_path)
    assert done.returncode == 1
    assert "is completed" in expected(done.stderr)
    assert "it is failed" in done.stderr
    assert re.search(r"job +job_\w+  journey  imagine  failed", done.stderr)
    assert seconds < AMPLE


def test_webhooks_that_never_come_end_the_story_when_its_time_is_over(tmp_path: Path) -> None:
    done, seconds = otherwise("lose=True", "limit=2", place=tmp_path)
    assert done.returncode == 1
    assert expected(done.stderr) == "the HD picture is archived and told within 2 s"
    assert re.search(r"job +job_\w+  journey  imagine  queued", done.stderr)
    assert seconds < AMPLE


def test_an_order_whose_fate_is_unknown_ends_the_story(tmp_path: Path) -> None:
    done, _ = otherwise('order_failures=("garbage",)', place=tmp_path)
    assert done.returncode == 1
    assert "it is unsure" in done.stderr


def test_books_that_do_not_hold_fail_the_demo(tmp_path: Path) -> None:
    # Nothing is forged, so it cannot be shown that forgeries are refused.
    done, _ = otherwise("forge=False", place=tmp_path)
    assert done.returncode == 1
    assert "WRONG  0 of 0 forged webhooks" in done.stdout
    assert expected(done.stderr) == "every line of the books holds"


def expected(text: str) -> str:
    found = re.search(r"^  expected +(.+)$", text, re.MULTILINE)
    assert found, text
    return found[1]


# --- it stays up


@asynccontextmanager
async def staying_up(place: Path) -> AsyncIterator[tuple[Process, str]]:
    """The demo after its story, in which U2 was pressed in the channel's page, and what it said so far."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-W", "error", "-c", QUICK, "demo"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=surroundings(place),
    )
    try:
        turn = await said(process, until="the channel, in a pretend Slack")
        await press_in_the_channel(turn)
        yield process, turn + await said(process, until="check --config")
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def press_in_the_channel(text: str) -> None:
    """Opens the channel's link and presses U2, as a browser without script does; the other link signs in, once."""
    (channel,) = re.findall(r"^  (http://\S+/)\n +the channel", text, re.MULTILINE)
    (wall,) = re.findall(r"^  (http://\S+/login\?once=\S+)$", text, re.MULTILINE)
    async with httpx.AsyncClient(trust_env=False) as browser:
        assert (await browser.get(wall)).status_code == 303
        assert (await browser.get(wall)).status_code != 303
        page = (await browser.get(channel)).text
        (form,) = [one for one in re.findall(r"<form.*?</form>", page, re.DOTALL) if ">U2 (" in one]
        fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
        assert (await browser.post(f"{channel}press", data=fields)).status_code == 303


async def said(process: Process, until: str) -> str:
    assert process.stdout is not None
    lines: list[str] = []
    async with asyncio.timeout(40):
        while line := (await process.stdout.readline()).decode():
            lines.append(line)
            if until in line:
                return "".join(lines)
    raise AssertionError("".join(lines))


def address_and_token(text: str) -> tuple[str, str]:
    found = re.search(r"HOOK=(\S+) TOKEN=(\S+)", text)
    assert found, text
    return found[1], found[2]


async def ended(process: Process) -> tuple[int | None, str]:
    async with asyncio.timeout(20):
        out, wrong = await process.communicate()
    assert wrong == b""
    return process.returncode, out.decode()


async def test_it_stays_up_with_pages_and_tells_what_happens_next(tmp_path: Path) -> None:
    async with staying_up(tmp_path) as (process, text):
        hook, token = address_and_token(text)
        async with httpx.AsyncClient(base_url=hook, headers={"authorization": f"Bearer {token}"}) as client:
            for page in re.findall(rf"^  {hook}(/\S*) ", text, re.MULTILINE):
                assert (await client.get(page)).status_code == 200, page
            # Whoever tries the dashboard on the demo finds something in each of its panels.
            assert unanswered((await client.get("/metrics")).text) == []
            wish = {"source": "vtrix", "action": "imagine", "params": {"prompt": "a [red]fox[/red]\x1b[31m"}}
            assert (await client.post("/api/v1/jobs", json=wish)).status_code == 202
        await said(process, until="vtrix    job.submitted   imagine")
        process.send_signal(signal.SIGINT)
        code, _ = await ended(process)
    assert code == 0


@pytest.mark.parametrize("one", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_ends_it_cleanly(one: signal.Signals, tmp_path: Path) -> None:
    async with staying_up(tmp_path) as (process, _):
        process.send_signal(one)
        code, rest = await ended(process)
    assert code == 0
    assert "is deleted" in rest
    assert left_in(tmp_path) == []


async def test_a_signal_during_the_story_ends_it_cleanly_too(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", MAIN, "demo"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=surroundings(tmp_path),
    )
    await said(process, until="job.progress")
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(20):
        _, wrong = await process.communicate()
    assert process.returncode == 0
    assert wrong.decode() == "gridhook: interrupted before the HD picture was archived and told\n"
    assert left_in(tmp_path) == []


@pytest.mark.parametrize(("arguments", "least"), [(("demo", "--once"), 4.0), (("demo",), 0.0)])
async def test_a_reader_who_goes_away_stops_what_stays_up_but_not_the_story_once(
    arguments: tuple[str, ...], least: float, tmp_path: Path
) -> None:
    reading, writing = os.pipe()
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        MAIN,
        *arguments,
        stdout=writing,
        stderr=asyncio.subprocess.PIPE,
        env=surroundings(tmp_path),
    )
    os.close(writing)
    os.close(reading)
    async with asyncio.timeout(40):
        _, wrong = await process.communicate()
    assert process.returncode == 0
    assert b"Traceback" not in wrong
    assert b"Exception" not in wrong
    assert time.monotonic() - began > least
    assert left_in(tmp_path) == []


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
async def test_every_command_that_it_shows_does_what_it_says(tmp_path: Path) -> None:
    async with staying_up(tmp_path) as (process, text):
        settings = re.search(r"^  (HOOK=.+)$", text, re.MULTILINE)
        assert settings is not None
        commands = re.findall(r"^  (curl .+)$", text, re.MULTILINE)
        answers = {
            command: await shell(f"{settings[1]}; {command}") for command in commands if "/stream" not in command
        }
        process.send_signal(signal.SIGINT)
        code, _ = await ended(process)
    orders = [answer for command, answer in answers.items() if "imagine" in command]
    assert [re.findall(r'"status":"(\w+)"', answer)[0] for answer in orders] == ["planned"] * 4
    picks = [answer for command, answer in answers.items() if "/pick" in command]
    assert [re.findall(r'"status":"(\w+)"', answer)[0] for answer in picks] == ["planned", "completed"]
    assert [answer.split()[1] for command, answer in answers.items() if "secret" in command] == ["401"]
    assert any('"specversion":"1.0"' in answer for answer in answers.values())
    assert code == 0


async def shell(command: str) -> str:
    process = await asyncio.create_subprocess_shell(command, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    return out.decode()
