"""The log: JSON lines for machines, colours for a terminal; our own lines and those of the libraries alike."""

from __future__ import annotations

import atexit
import json
import logging
import sys
from collections.abc import Iterable, Mapping, MutableMapping
from contextlib import suppress
from functools import partial
from typing import Any, Final, Literal, TextIO

import msgspec
import structlog

from receiver.lib.process.outlet import Descriptor, Outlet, Target
from receiver.lib.process.streams import PATIENCE, outlet_of
from receiver.lib.times import stamp, system_clock

Level = Literal["debug", "info", "warning", "error"]
LEVELS: Final[dict[Level, int]] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
#: The environment variable that names the level of a server's log.
LEVEL_VARIABLE: Final = "GRIDHOOK_LOG_LEVEL"
#: Libraries whose chatter would show addresses and headers, which hold keys: only what is wrong is let through.
QUIET: Final = ("httpx", "httpcore", "httpx2", "httpcore2", "asyncio", "uvicorn.access", "hpack", "aiosqlite")

#: Methods whose lines have another level than their name.
LEVEL_NAMES: Final = {"warn": "warning", "exception": "error"}

_ENCODER: Final = msgspec.json.Encoder(enc_hook=repr)


class Lines:
    """Where structlog brings its lines: to an outlet. What must be seen at once is written at once, the rest soon."""

    def __init__(self, outlet: Outlet, *, now: bool) -> None:
        """With `now` every line is written at once."""
        self.outlet = outlet
        self.log = self.debug = self.info = self.msg = outlet.put_now if now else outlet.put
        self.warning = self.warn = self.error = self.err = self.critical = self.fatal = outlet.put_now
        self.failure = self.exception = outlet.put_now


class TextTarget:
    """A stream without a descriptor as the target of an outlet."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, data: bytes) -> None:
        """Writes all of it. Raises OSError, or ValueError if the stream is closed."""
        self._stream.write(data.decode())
        self._stream.flush()


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


def level_of(env: Mapping[str, str]) -> Level:
    """The level that the environment names, `info` if none. Raises ValueError for a word that is none."""
    word = env.get(LEVEL_VARIABLE, "").strip().lower() or "info"
    for level in LEVELS:
        if word == level:
            return level
    raise ValueError(f"{LEVEL_VARIABLE} is {word[:20]!r}: write one of {', '.join(LEVELS)}")


def configure(level: Level = "info", stream: TextIO | None = None) -> None:
    """Sets up structlog and the standard library's logging for the whole process.

    Lines of `level` and above go to `stream` (standard error if None): JSON, or for people if it is a terminal.
    """
    target = sys.stderr if stream is None else stream
    people = target.isatty()
    _leave()
    processors = [
        structlog.contextvars.merge_contextvars,
        completed,
        *(_for_people() if people else [as_json]),
    ]
    outlet = outlet_of(target)
    if outlet is None:
        outlet = Outlet(_target(target))
        atexit.register(outlet.flush, PATIENCE)
    outlet.lost_line = partial(_lost_line, tuple(processors))
    lines = _open[0] = Lines(outlet, now=people)
    structlog.configure(
        processors=processors,
        wrapper_class=_logger_class(LEVELS[level]),
        logger_factory=lambda *args: lines,
        cache_logger_on_first_use=True,
    )
    _catch_libraries(LEVELS[level])


def _logger_class(level: int) -> type[structlog.typing.FilteringBoundLogger]:
    """structlog's logger, with a shorter way to its processors for `info`: every webhook has such a line."""
    usual = structlog.make_filtering_bound_logger(level)
    if level > logging.INFO:
        return usual

    def info(self: Any, event: str, *args: Any, **values: Any) -> None:
        line = {**self._context, **values, "event": event % args if args else event}
        try:
            for step in self._processors:
                line = step(self._logger, "info", line)
        except structlog.DropEvent:
            return
        self._logger.info(line)

    return type(usual.__name__, (usual,), {"info": info})


def _target(stream: TextIO) -> Target:
    try:
        return Descriptor(stream.fileno())
    except OSError:
        return TextTarget(stream)


def _lost_line(processors: Iterable[structlog.typing.Processor], count: int) -> bytes:
    line: Any = {"event": "log.lost", "count": count}
    for step in processors:
        line = step(None, "warning", line)
    return bytes(line)


async def written(event: str, **values: object) -> None:
    """Writes one line of level info, whatever the level of the log; returns once it is written.

    Raises OSError or ValueError if it cannot be. Does nothing where no log was ever set up.
    """
    line: Any = {**values, "event": event}
    try:
        for step in structlog.get_config()["processors"]:
            line = step(None, "info", line)
    except structlog.DropEvent:
        return
    lines = _open[0]
    if lines is not None:
        # Other processors than ours may have made text of it.
        await lines.outlet.written(line if isinstance(line, bytes) else as_bytes(None, "info", line))


def _for_people() -> list[structlog.typing.Processor]:
    """The last processors for a terminal. Tracebacks are plain: rich ones would show the values of variables."""
    console = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    return [harmless, console, as_bytes]


def as_bytes(_logger: Any, _method: str, line: Any) -> bytes:
    """A line of text as it is written."""
    return f"{line}\n".encode("utf-8", "backslashreplace")


#: Where lines go now.
_open: Final[list[Lines | None]] = [None]


def flush(seconds: float = PATIENCE) -> bool:
    """Waits until what was logged is written, or the time runs out; True if it is written."""
    return _open[0] is None or _open[0].outlet.flush(seconds)


def _leave() -> None:
    """Ends what was configured before: lines of loggers that still know it go nowhere."""
    if _open[0] is not None and _open[0].outlet is not outlet_of(sys.stderr):
        _open[0].outlet.close(PATIENCE)


def completed(logger: Any, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The line with its level, the present as RFC 3339, and its exception as text.

    One step instead of structlog's three, since every webhook has a line.
    """
    line["level"] = LEVEL_NAMES.get(method, method)
    line["timestamp"] = stamp(system_clock())
    return structlog.processors.format_exc_info(logger, method, line) if "exc_info" in line else line


def as_json(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> bytes:
    """One line as JSON, whatever is in it: what JSON cannot say is shown by its `repr`."""
    try:
        return _ENCODER.encode(line) + b"\n"
    except (TypeError, ValueError, OverflowError):
        # Lone surrogates, huge numbers, odd keys: a line that is hard to write is no reason for the work to fail.
        return json.dumps(line, default=repr, skipkeys=True).encode() + b"\n"


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
