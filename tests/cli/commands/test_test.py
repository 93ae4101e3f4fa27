"""`test`: a sample event to one sink."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest
from typer.testing import Result

from cli.parts import configured, run, running, values
from receiver.pretend.loopback import serve
from receiver.pretend.receivers.post_collector import PostCollector


def sink_at(folder: Path, url: str) -> None:
    configured(folder, f'[sinks.backend]\nhandler = "webhook"\nurl = "{url}/hook"\nsecret = "whsec_{"YWJj" * 10}"\n')


async def run_beside(folder: Path, *arguments: str) -> Result:
    """The command, in a thread: the sink lives on this loop."""

    return await asyncio.to_thread(run, folder, *arguments)


def test_a_log_sink_takes_it_and_nothing_is_kept(tmp_path: Path) -> None:
    configured(tmp_path)
    # A process of its own: the log is the whole process's.
    with running(tmp_path, "test", "log") as process:
        out, log = process.communicate()
    assert out.startswith("delivered to log: evt_")
    assert '"event":"event.logged"' in log
    assert values(run(tmp_path, "events", "--json")) == []


async def test_the_event_is_marked_as_a_test_and_shows_the_picture(tmp_path: Path) -> None:
    side = PostCollector()
    async with serve(side.app) as url:
        sink_at(tmp_path, url)
        await run_beside(tmp_path, "test", "backend", "--picture", "https://x.example/p.png", "--json")
    (post,) = side.posts
    job = post.body["data"]
    assert (job["tags"], job["images"][0]["url"]) == ({"gridhook": "test"}, "https://x.example/p.png")


async def test_a_refusal_ends_with_one_and_says_why(tmp_path: Path) -> None:
    side = PostCollector([404])
    async with serve(side.app) as url:
        sink_at(tmp_path, url)
        result = await run_beside(tmp_path, "test", "backend", "--json")
    told = msgspec.json.decode(result.stdout)
    assert result.exit_code == 1
    assert (told["outcome"], told["http_status"], told["sink"]) == ("dead", 404, "backend")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("test", "lgo"), 'did you mean "log"?'), (("test", "log", "--picture", "ftp://x"), "not an http")],
)
def test_what_cannot_be_meant_is_a_wrong_usage(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    configured(tmp_path)
    result = run(tmp_path, *arguments)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())
