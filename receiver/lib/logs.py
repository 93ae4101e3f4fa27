"""The log: JSON lines for machines, colours for a terminal; our own lines and those of the libraries alike."""

from __future__ import annotations

import atexit
import json
import logging
import sys
import threading
import time
from collections import deque
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any, Final, Literal, TextIO

import msgspec
import structlog

from receiver.lib.times import stamp, system_clock

Level = Literal["debug", "info", "warning", "error"]
LEVELS: Final[dict[Level, int]] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
#: Libraries whose chatter would show addresses and headers, which hold keys: only what is wrong is let through.
QUIET: Final = ("httpx", "httpcore", "httpx2", "httpcore2", "asyncio", "uvicorn.access", "hpack", "aiosqlite")

#: How long a line may wait for others, seconds, and how many are written at once at the latest.
SOON: Final = 0.05
TOGETHER: Final = 500

#: Methods whose lines have another level than their name.
LEVEL_NAMES: Final = {"warn": "warning", "exception": "error"}

_ENCODER: Final = msgspec.json.Encoder(enc_hook=repr)


class Lines:
    """Writes lines to a stream. A stream that is gone (closed pipe, full disk) costs the line, never the work.

    For machines, lines that follow each other closely are written together, a moment later: a line then costs the path
    of a webhook no system call. What must be seen at once (`now`) is written at once.
    """

    def __init__(self, stream: TextIO, *, now: bool) -> None:
        self._stream = stream
        self._now = now
        #: Taken by who writes; who only adds a line waits for nobody.
        self._lock = threading.Lock()
        self._waiting: deque[str] = deque()
        #: Set from the first line that waits until the writer is about to write.
        self._due = threading.Event()
        self._writer: threading.Thread | None = None

    def msg(self, line: str) -> None:
        """Takes one line."""
        self._waiting.append(line)
        if self._now or len(self._waiting) >= TOGETHER:
            self.flush()
        elif not self._due.is_set():
            self._write_soon()

    def urgent(self, line: str) -> None:
        """Takes one line that must not wait, and writes it with those before it."""
        self.msg(line)
        self.flush()

    def flush(self) -> None:
        """Writes what waits."""
        with self._lock:
            lines = [self._waiting.popleft() for _ in range(len(self._waiting))]
            if lines:
                with suppress(OSError, ValueError):
                    self._stream.write("\n".join(lines) + "\n")
                    self._stream.flush()

    def _write_soon(self) -> None:
        self._due.set()
        if self._writer is None or not self._writer.is_alive():
            self._writer = threading.Thread(target=self._write_when_due, name="log", daemon=True)
            self._writer.start()

    def _write_when_due(self) -> None:
        while self._due.wait():
            time.sleep(SOON)
            # Before it writes: a line that comes while it does is due anew.
            self._due.clear()
            self.flush()

    log = debug = info = msg
    warning = warn = error = err = critical = fatal = failure = exception = urgent


class FromLibraries(logging.Handler):
    """Brings what libraries log through the standard library into our log, as `library.logged`."""

    def __init__(self) -> None:
        super().__init__()
        self._log = structlog.get_logger()

    def emit(self, record: logging.LogRecord) -> None:
        """Writes one record; a record that cannot be written is dropped."""
        with suppress(Exception):
            self._log.log(
                min(max(record.levelno // 10 * 10, logging.DEBUG), logging.CRITICAL),
                "library.logged",
                logger=record.name,
                message=record.getMessage(),
                exc_info=record.exc_info or False,
            )


def configure(level: Level = "info", stream: TextIO | None = None) -> None:
    """Sets up structlog and the standard library's logging for the whole process.

    Lines of `level` and above go to `stream` (standard error if None): JSON, or for people if it is a terminal.
    """
    target = sys.stderr if stream is None else stream
    people = target.isatty()
    flush()
    lines = _open[0] = Lines(target, now=people)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            completed,
            *(_for_people() if people else [as_json]),
        ],
        wrapper_class=_logger_class(LEVELS[level]),
        logger_factory=lambda *args: lines,
        cache_logger_on_first_use=True,
    )
    _catch_libraries(LEVELS[level])


def _logger_class(level: int) -> type[structlog.typing.FilteringBoundLogger]:
    """structlog's logger, with a shorter way for `info`: every webhook has such a line."""
    usual = structlog.make_filtering_bound_logger(level)
    if level > logging.INFO:
        return usual

    def info(self: Any, event: str, *args: Any, **values: Any) -> Any:
        if args:
            return usual.info(self, event, *args, **values)
        line: Any = {**self._context, **values, "event": event}
        try:
            for step in self._processors:
                line = step(self._logger, "info", line)
        except structlog.DropEvent:
            return None
        return self._logger.info(line)

    return type(usual.__name__, (usual,), {"info": info})


def _for_people() -> list[structlog.typing.Processor]:
    """The last processors for a terminal. Tracebacks are plain: rich ones would show the values of variables."""
    console = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    return [harmless, console]


#: Where lines go now.
_open: Final[list[Lines | None]] = [None]


@atexit.register
def flush() -> None:
    """Writes what waits; at the latest when the process ends."""
    if _open[0] is not None:
        _open[0].flush()


def completed(logger: Any, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The line with its level, the present as RFC 3339, and its exception as text.

    One step instead of structlog's three, since every webhook has a line.
    """
    line["level"] = LEVEL_NAMES.get(method, method)
    line["timestamp"] = stamp(system_clock())
    return structlog.processors.format_exc_info(logger, method, line) if "exc_info" in line else line


def as_json(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> str:
    """One line as JSON, whatever is in it: what JSON cannot say is shown by its `repr`."""
    try:
        return _ENCODER.encode(line).decode()
    except (TypeError, ValueError, OverflowError):
        # Lone surrogates, huge numbers, odd keys: a line that is hard to write is no reason for the work to fail.
        return json.dumps(line, default=repr, skipkeys=True)


def harmless(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The line with control characters of foreign text made visible, so that they cannot steer a terminal."""
    for name, value in line.items():
        if isinstance(value, str) and not value.isprintable():
            line[name] = "".join(_visible(letter) for letter in value)
    return line


def _visible(letter: str) -> str:
    return letter if letter.isprintable() or letter in "\n\t" else letter.encode("unicode_escape").decode()


def _catch_libraries(level: int) -> None:
    root = logging.getLogger()
    for handler in [one for one in root.handlers if isinstance(one, FromLibraries)]:
        root.removeHandler(handler)
    root.addHandler(FromLibraries())
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", *QUIET):
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
        library.setLevel(logging.WARNING if name in QUIET else logging.NOTSET)
