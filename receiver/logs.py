"""The log: JSON lines for machines, colours for a terminal; our own lines and those of the libraries alike."""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any, Final, Literal, TextIO

import msgspec
import structlog

Level = Literal["debug", "info", "warning", "error"]
LEVELS: Final[dict[Level, int]] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
#: Libraries whose chatter would show addresses and headers, which hold keys: only what is wrong is let through.
QUIET: Final = ("httpx", "httpcore", "httpx2", "httpcore2", "asyncio", "uvicorn.access", "hpack", "aiosqlite")

_ENCODER: Final = msgspec.json.Encoder(enc_hook=repr)


class Lines:
    """Writes lines to a stream. A stream that is gone (closed pipe, full disk) costs the line, never the work."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def msg(self, line: str) -> None:
        """Writes one line and flushes it."""
        with self._lock, suppress(OSError, ValueError):
            self._stream.write(line + "\n")
            self._stream.flush()

    log = debug = info = warning = warn = error = err = critical = fatal = failure = exception = msg


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
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            *(_for_people() if people else [as_json]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=lambda *args: Lines(target),
        cache_logger_on_first_use=True,
    )
    _catch_libraries(LEVELS[level])


def _for_people() -> list[structlog.typing.Processor]:
    """The last processors for a terminal. Tracebacks are plain: rich ones would show the values of variables."""
    console = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    return [harmless, console]


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
