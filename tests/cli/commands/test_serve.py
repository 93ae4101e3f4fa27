"""`serve`, `tail`, `simulate`, `submit --wait`: real processes on loopback."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from cli.parts import bare, configured, done, process, run, values
from receiver.app import PARTS, read_config
from receiver.cli.commands import serve
from receiver.cli.waiting import WaitResult
from receiver.errors import StoreRefused
from receiver.web.server import GRACE
from support.server import free_port

UP = "server.started"


@contextmanager
def pretend_vendor(folder: Path, *args: str) -> Iterator[str]:
    """A pretend JourneyAPI; gives its base URL."""
    with process(folder, "simulate", "journeyapi", *args, until="base_url", stream="stdout") as (_, line):
        found = re.search(r'"(.+)"', line)
        assert found is not None
        yield found[1]


def url_of(line: str) -> str:
    """Where a server that has started listens."""
    return str(json.loads(line)["url"])


def test_a_server_is_up_when_it_says_so_and_ends_well(tmp_path: Path) -> None:
    configured(tmp_path)
    with process(tmp_path, "serve", until=UP) as (server, line):
        started = json.loads(line)
        assert (started["sources"], started["sinks"], started["rules"]) == (["journey"], ["log"], ["auto-hd", "tell"])
        with urllib.request.urlopen(f"{url_of(line)}/healthz") as answer:  # noqa: S310  # on loopback
            assert answer.status == 200
            assert answer.headers["server"] is None
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 0


def test_an_open_stream_does_not_keep_a_server_from_ending(tmp_path: Path) -> None:
    configured(tmp_path)
    with process(tmp_path, "serve", until=UP) as (server, line):
        asked = urllib.request.Request(  # noqa: S310  # on loopback
            f"{url_of(line)}/api/v1/stream", headers={"authorization": "Bearer admin-token-of-some-length"}
        )
        with urllib.request.urlopen(asked) as stream:  # noqa: S310  # on loopback
            assert stream.headers["content-type"].startswith("text/event-stream")
            server.send_signal(signal.SIGTERM)
            assert server.wait(GRACE - 1) == 0, "it waited for its stream"


def test_a_second_dispatcher_is_refused_but_a_second_intake_is_not(tmp_path: Path) -> None:
    configured(tmp_path)
    with process(tmp_path, "serve", "--role", "dispatch", until=UP) as (dispatcher, line):
        assert json.loads(line)["url"] is None
        with process(tmp_path, "serve", until="dispatches from") as (second, told):
            assert "--role intake" in told
            assert second.wait(20) == 1
        with process(tmp_path, "serve", "--role", "intake", until=UP) as (intake, _):
            intake.send_signal(signal.SIGINT)
            assert intake.wait(20) == 0
        dispatcher.send_signal(signal.SIGINT)
        assert dispatcher.wait(20) == 0


def test_a_process_that_only_dispatches_shows_its_numbers_where_there_is_an_admin_port(tmp_path: Path) -> None:
    port = free_port()
    file = configured(tmp_path)
    file.write_text(file.read_text().replace("[server]", f"[server]\nadmin_port = {port}"))
    with process(tmp_path, "serve", "--role", "dispatch", until=UP) as (dispatcher, line):
        assert url_of(line) == f"http://127.0.0.1:{port}"
        for path, wanted in (("/healthz", "alive"), ("/readyz", "ready"), ("/metrics", "gridhook_leader 1.0")):
            asked = urllib.request.Request(  # on loopback
                f"http://127.0.0.1:{port}{path}", headers={"authorization": "Bearer admin-token-of-some-length"}
            )
            with urllib.request.urlopen(asked) as answer:  # noqa: S310  # on loopback
                assert wanted in answer.read().decode()
        # A second process of the same file has no place to show its own, and serves all the same.
        config = read_config(file, os.environ)
        with capture_logs() as told:
            assert serve._numbers_only(config) == []
        assert [(one["event"], one["port"]) for one in told] == [("server.unseen", port)]
        dispatcher.send_signal(signal.SIGTERM)
        assert dispatcher.wait(20) == 0


def test_a_start_that_shares_the_work_with_another_process_says_what_that_costs(tmp_path: Path) -> None:
    configured(tmp_path)
    with process(tmp_path, "serve", "--role", "intake", until="server.split") as (intake, line):
        told = json.loads(line)
        assert (told["role"], "one process for all" in told["text"]) == ("intake", True)
        intake.send_signal(signal.SIGINT)
        assert intake.wait(20) == 0


def test_a_port_in_use_is_told_in_a_sentence(tmp_path: Path) -> None:
    configured(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert bare("simulate", "vtrix", "--port", port).exit_code == 1
        with process(tmp_path, "serve", "--port", port, until="gridhook:") as (server, told):
            assert told.startswith(f"gridhook: cannot listen on 127.0.0.1 port {port}: Address already in use")
            assert server.wait(20) == 1
    assert not (tmp_path / "gridhook.db").exists()


def test_a_job_is_waited_for_and_its_follow_up_named(tmp_path: Path) -> None:
    with pretend_vendor(tmp_path, "--pace", "0.2") as base_url:
        # No webhook can reach a server on a free port that public_url does not name, so the port is fixed first.
        port = free_port()
        file = configured(tmp_path, base_url=base_url)
        file.write_text(file.read_text().replace("https://hooks.example.com", f"http://127.0.0.1:{port}"))
        with process(tmp_path, "serve", "--port", str(port), until=UP):
            then = '{"action": "pick", "index": 3}'
            result = run(tmp_path, "submit", "journey", "imagine", "--prompt", "a fox", "--then", then, "--wait")
            assert "imagine at journey: completed, 4 credits" in done(result)
            assert "pick index=3 at journey" in result.stdout
            assert result.stderr.splitlines()[-1] == "completed 100 %"


def test_a_failed_job_ends_waiting_with_1(tmp_path: Path) -> None:
    with pretend_vendor(tmp_path, "--order-failure", "400") as base_url:
        configured(tmp_path, base_url=base_url)
        with process(tmp_path, "serve", until=UP):
            result = run(tmp_path, "submit", "journey", "imagine", "--prompt", "a fox", "--wait")
    assert result.exit_code == 1
    assert "imagine at journey: failed" in result.stdout
    assert "invalid_params:" in result.stdout


def test_ctrl_c_while_waiting_leaves_the_job_to_the_server(tmp_path: Path) -> None:
    with pretend_vendor(tmp_path, "--pace", "300") as base_url:
        configured(tmp_path, base_url=base_url)
        args = ("submit", "journey", "imagine", "--prompt", "a fox", "--wait")
        with process(tmp_path, "serve", until=UP), process(tmp_path, *args, until="queued") as (waiting, _):
            waiting.send_signal(signal.SIGINT)
            _, told = waiting.communicate(timeout=20)
            assert waiting.returncode == 1
            assert "the job goes on: gridhook jobs job_" in told
            assert values(run(tmp_path, "jobs", "--json"))[0]["status"] == "queued"


def test_tail_shows_events_as_they_come_and_ends_well(tmp_path: Path) -> None:
    with pretend_vendor(tmp_path, "--order-failure", "400") as base_url:
        configured(tmp_path, base_url=base_url)
        done(run(tmp_path, "submit", "journey", "imagine", "--prompt", "a fox"))
        tail = ("tail", "--since", "1h", "--type", "job.failed")
        with (
            process(tmp_path, "serve", until=UP),
            process(tmp_path, *tail, until="job.", stream="stdout") as (tail_, line),
        ):
            assert "job.failed" in line
            tail_.send_signal(signal.SIGINT)
            assert tail_.wait(20) == 0


def test_tail_and_the_lists_show_what_a_running_server_refuses(tmp_path: Path) -> None:
    configured(tmp_path)
    with process(tmp_path, "serve", until=UP) as (_, up):
        address = url_of(up)
        forge(address)
        tail = ("tail", "--since", "1h", "--json")
        with process(tmp_path, *tail, until="request.refused", stream="stdout") as (following, line):
            told = [json.loads(line)]
            assert told[0] == {
                "type": "request.refused",
                "time": told[0]["time"],
                "source": "journey",
                "reason": "header_differs",
                "number": 1,
                "senders": ["127.0.0.1"],
            }
            for _ in range(20):
                forge(address)
            lines = iter(following.stdout or ())
            while sum(one["number"] for one in told if one["type"] == "request.refused") < 21:
                told.append(json.loads(next(lines)))
        listed = values(run(tmp_path, "requests", "--refused", "--json"))
        assert [(one["reason"], one["sender"]) for one in listed] == [("header_differs", "127.0.0.1")] * 21


def forge(address: str) -> None:
    """Posts a webhook with a wrong secret."""
    forged = urllib.request.Request(  # noqa: S310  # on loopback
        f"{address}/in/journey", b"{}", {"x-webhook-secret": "guessed"}
    )
    with pytest.raises(urllib.error.HTTPError, match="401") as refused:
        urllib.request.urlopen(forged)  # noqa: S310  # on loopback
    refused.value.close()


async def test_waiting_ends_when_nobody_dispatches_any_more(tmp_path: Path) -> None:
    from receiver.cli import waiting
    from receiver.flows.commands import submit
    from receiver.model.submissions import Submission

    config = read_config(configured(tmp_path), os.environ)

    async def at_once(_seconds: float) -> bool:
        return False

    async with PARTS.open_runtime(config, None) as parts:
        wish = Submission(source="journey", action="imagine", params={"prompt": "x"})
        kept = await parts.store.write(lambda tx: submit(tx, parts.setup, wish, parts.clock()))
        ended: WaitResult = await waiting._follow(parts, kept, at_once, lambda _: None)
        assert ended.deserted
        assert ended.kept.job.status == "planned"


async def test_looking_for_a_dispatcher_does_not_stop_one_from_starting(tmp_path: Path) -> None:
    config = read_config(configured(tmp_path), os.environ)
    async with PARTS.open_runtime(config, None) as looking:
        assert not looking.dispatched()
        async with PARTS.open_runtime(config, "dispatch") as parts:
            with pytest.raises(StoreRefused):
                await PARTS.open_runtime(config, "dispatch").__aenter__()
            assert parts.dispatched()
            assert looking.dispatched()
        assert not looking.dispatched()
