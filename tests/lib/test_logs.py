"""The log: one JSON line a unit of work, readable on a terminal, harmless everywhere."""

from __future__ import annotations

import io
import json
import logging
import queue
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from receiver.lib.logs import (
    LEVEL_VARIABLE,
    LEVELS,
    FromLibraries,
    Level,
    configure,
    flush,
    level_of,
)
from receiver.lib.signatures import Secret


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Yes."""
        return True


class Gone(io.StringIO):
    """A stream whose reader has gone away."""

    def write(self, text: str) -> int:
        """Fails like a closed pipe."""
        raise BrokenPipeError


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Puts the logging of the process back."""
    root = logging.getLogger()
    level, names = (
        root.level,
        ("uvicorn", "uvicorn.error", "uvicorn.access", "httpx", "httpcore", "asyncio", "aiosqlite"),
    )
    levels = {name: logging.getLogger(name).level for name in names}
    yield
    structlog.reset_defaults()
    root.setLevel(level)
    for handler in [one for one in root.handlers if isinstance(one, FromLibraries)]:
        root.removeHandler(handler)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    flush()
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_json_object() -> None:
    stream = io.StringIO()
    configure("info", stream)
    structlog.get_logger().info("request.received", source="journey", events=2)
    (line,) = lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "request.received", "level": "info", "source": "journey", "events": 2}


def test_the_keys_of_a_line_stand_in_one_order_on_every_level() -> None:
    stream = io.StringIO()
    configure("debug", stream)
    log = structlog.get_logger().bind(sink="team")
    for say in (log.debug, log.info, log.warning):
        say("delivery.attempted", attempt=1)
    orders = [list(line) for line in lines(stream)]
    assert orders == [["sink", "attempt", "event", "level", "timestamp"]] * 3


def test_words_are_put_into_an_event_on_every_level() -> None:
    stream = io.StringIO()
    configure("debug", stream)
    log = structlog.get_logger()
    for say in (log.debug, log.info, log.warning):
        say("%d of %s", 2, "three", left=1)
    assert [(line["event"], line["left"]) for line in lines(stream)] == [("2 of three", 1)] * 3


def test_lines_can_be_caught_by_a_test() -> None:
    stream = io.StringIO()
    configure("info", stream)
    with structlog.testing.capture_logs() as caught:
        structlog.get_logger().info("request.received", events=2)
    assert caught == [{"event": "request.received", "events": 2, "log_level": "info"}]
    assert lines(stream) == []


@pytest.mark.parametrize(
    ("level", "written"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
def test_what_is_below_the_level_is_not_written(level: Level, written: list[str]) -> None:
    stream = io.StringIO()
    configure(level, stream)
    for one in LEVELS:
        getattr(structlog.get_logger(), one)("request.received")
        getattr(logging.getLogger("some.library"), one)("something")
    assert [line["level"] for line in lines(stream) if line["event"] == "request.received"] == written
    assert [line["level"] for line in lines(stream) if line["event"] == "library.logged"] == written


def test_a_newline_in_foreign_text_makes_no_second_line() -> None:
    stream = io.StringIO()
    configure("info", stream)
    structlog.get_logger().info("request.received", note='x\n{"event": "forged"}')
    assert len(lines(stream)) == 1


def test_what_json_cannot_say_is_shown_all_the_same() -> None:
    stream = io.StringIO()
    configure("info", stream)
    odd = {"lone": "\ud800", "huge": 10**40, "bytes": b"\xff", "thing": object(), "both": ["\ud800", {1, 2}]}
    structlog.get_logger().info("request.received", **odd)
    (line,) = lines(stream)
    assert line["huge"] == 10**40
    assert line["thing"].startswith("<object")


def test_a_secret_does_not_show() -> None:
    for stream in (io.StringIO(), Terminal()):
        configure("info", stream)
        structlog.get_logger().info("source.read", key=Secret("hunter2"), keys=[Secret("hunter2")])
        flush()
        assert "source.read" in stream.getvalue()
        assert "hunter2" not in stream.getvalue()


def test_an_exception_is_shown_without_the_values_of_variables() -> None:
    for stream in (io.StringIO(), Terminal()):
        configure("info", stream)
        password = "".join(["hunt", "er2"])
        try:
            raise ValueError(len(password))
        except ValueError:
            structlog.get_logger().exception("delivery.failed")
        assert "ValueError: 7" in stream.getvalue()
        assert "hunter2" not in stream.getvalue()


def test_a_terminal_gets_lines_for_people() -> None:
    stream = Terminal()
    configure("info", stream)
    structlog.get_logger().info("request.received", source="journey")
    assert "request.received" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


def test_foreign_text_cannot_steer_a_terminal() -> None:
    stream = Terminal()
    configure("info", stream)
    evil = "\x1b]0;owned\x07\u202e\x9b2J"
    structlog.get_logger().info("request.received", note=evil, deep={"note": [evil]})
    for letter in ("\x07", "\u202e", "\x9b", "\x1b]"):
        assert letter not in stream.getvalue()
    assert stream.getvalue().count("\n") == 1


def test_a_stream_that_is_gone_stops_nobody() -> None:
    configure("info", Gone())
    structlog.get_logger().info("request.received")
    closed = io.StringIO()
    configure("info", closed)
    closed.close()
    structlog.get_logger().info("request.received")
    flush()


def test_a_warning_is_written_at_once_with_what_came_before_it() -> None:
    stream = io.StringIO()
    configure("info", stream)
    structlog.get_logger().info("request.received")
    structlog.get_logger().warning("breaker.open")
    flush()
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == [
        "request.received",
        "breaker.open",
    ]


def test_a_line_waits_a_moment_only() -> None:
    written = threading.Event()

    class Told(io.StringIO):
        def flush(self) -> None:
            written.set()

    configure("info", Told())
    structlog.get_logger().info("request.received")
    assert written.wait(10)


def test_lines_come_one_after_the_other_each_once() -> None:
    came = queue.SimpleQueue[str]()

    class Told(io.StringIO):
        def write(self, text: str) -> int:
            came.put(text)
            return len(text)

    configure("info", Told())
    log = structlog.get_logger()
    for number in range(3):
        log.info("request.received", number=number)
        assert json.loads(came.get(timeout=10))["number"] == number


def test_a_slow_stream_holds_up_nobody_who_has_a_line() -> None:
    began, goes_on, done = threading.Event(), threading.Event(), threading.Event()

    class Slow(io.StringIO):
        def write(self, text: str) -> int:
            began.set()
            goes_on.wait(10)
            return super().write(text)

        def flush(self) -> None:
            if self.getvalue().count("\n") == 2:
                done.set()

    stream = Slow()
    configure("info", stream)
    log = structlog.get_logger()
    log.info("request.received", number=1)
    assert began.wait(10)
    log.info("request.received", number=2)
    assert stream.getvalue() == ""
    goes_on.set()
    assert done.wait(10)
    assert [line["number"] for line in lines(stream)] == [1, 2]


def test_of_the_lines_of_many_threads_none_is_lost() -> None:
    stream = io.StringIO()
    configure("info", stream)
    log = structlog.get_logger()

    def say(which: int) -> None:
        for number in range(1000):
            log.info("request.received", thread=which, number=number)

    threads = [threading.Thread(target=say, args=(which,)) for which in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    came = lines(stream)
    for which in range(4):
        assert [line["number"] for line in came if line["thread"] == which] == list(range(1000))


def test_what_a_library_warns_of_comes_into_the_log() -> None:
    stream = io.StringIO()
    configure("info", stream)
    logging.getLogger("uvicorn.error").info("Started %s", "server")
    logging.getLogger("some.library").warning("careful")
    logging.getLogger("some.library").log(25, "between the levels")
    assert [(line["event"], line["logger"], line["message"], line["level"]) for line in lines(stream)] == [
        ("library.logged", "uvicorn.error", "Started server", "info"),
        ("library.logged", "some.library", "careful", "warning"),
        ("library.logged", "some.library", "between the levels", "info"),
    ]


def test_libraries_that_would_show_addresses_are_quiet_on_every_level() -> None:
    stream = io.StringIO()
    configure("debug", stream)
    for name in ("httpx", "httpcore.http11", "uvicorn.access", "asyncio", "aiosqlite"):
        logging.getLogger(name).info("GET https://hooks.slack.example/services/hunter2")
        logging.getLogger(name).debug("x-api-key: hunter2")
    flush()
    assert stream.getvalue() == ""


def test_an_exception_of_a_library_keeps_its_traceback() -> None:
    stream = io.StringIO()
    configure("info", stream)
    try:
        raise KeyError("gone")
    except KeyError:
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
    (line,) = lines(stream)
    assert "KeyError: 'gone'" in line["exception"]


def test_a_broken_record_of_a_library_stops_nobody() -> None:
    stream = io.StringIO()
    configure("info", stream)
    FromLibraries().handle(logging.LogRecord("some.library", logging.WARNING, "", 1, "%d things", ("many",), None))
    assert stream.getvalue() == ""


def test_setting_it_up_twice_writes_every_line_once() -> None:
    configure("info", io.StringIO())
    stream = io.StringIO()
    configure("info", stream)
    logging.getLogger("some.library").warning("careful")
    assert len(lines(stream)) == 1


def test_what_is_bound_to_the_context_is_in_the_line() -> None:
    stream = io.StringIO()
    configure("info", stream)
    with structlog.contextvars.bound_contextvars(request_id="req_1"):
        structlog.get_logger().info("request.received")
    assert lines(stream)[0]["request_id"] == "req_1"


@pytest.mark.parametrize(
    ("written", "level"), [(None, "info"), ("", "info"), ("warning", "warning"), ("DEBUG", "debug")]
)
def test_the_environment_names_the_level(written: str | None, level: str) -> None:
    assert level_of({} if written is None else {LEVEL_VARIABLE: written}) == level


def test_a_level_that_is_none_is_told_with_those_that_are() -> None:
    with pytest.raises(ValueError, match="debug, info, warning, error"):
        level_of({LEVEL_VARIABLE: "loud"})
