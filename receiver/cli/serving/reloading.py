"""Reads the configuration again while a server runs: a good one takes over, a bad one is refused."""

from __future__ import annotations

import asyncio
import os
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import structlog

from receiver.cli.serving.signals import Signals
from receiver.composition import Runtime
from receiver.config import Config
from receiver.contracts import Result
from receiver.errors import ConfigError
from receiver.lib.process import supervisor

if TYPE_CHECKING:
    from receiver.web.server import Server

log = structlog.get_logger("serve")

#: A fresh secret in a remedy: it is for whoever runs `check`, and stands in no log.
PROPOSED: Final = re.compile("whsec_[A-Za-z0-9+/]{32,}=*")
#: Reads the configuration as it stands now. Raises ConfigError.
ReadConfig = Callable[[], Config]


async def reload_when_asked(service: Runtime, signals: Signals, read: ReadConfig, server: Server | None) -> None:
    """Reloads whenever a signal asks for it, until it is cancelled."""
    while True:
        await signals.reload.wait()
        signals.reload.clear()
        supervisor.notify(os.environ, *supervisor.reloading())
        config = await _read(read)
        if config is not None:
            await _take_over(service, signals, config, server)
        supervisor.notify(os.environ, "READY=1")


async def _read(read: ReadConfig) -> Config | None:
    """The configuration as it stands now; None if it cannot be used, which the log then tells in full."""
    try:
        return await _beside(read)
    except ConfigError as wrong:
        said = (f"{problem.where}: {problem.wrong} -> {problem.remedy}" for problem in wrong.problems)
        mistakes = [PROPOSED.sub("one that `gridhook check` prints", text) for text in said]
        log.error("config.refused", file=wrong.file, mistakes=mistakes)
    except Exception as wrong:  # a plug-in may be anybody's code: its fault must not end a running server
        log.exception("config.refused", mistakes=[repr(wrong)])
    return None


async def _take_over(service: Runtime, signals: Signals, config: Config, server: Server | None) -> None:
    try:
        needs_restart = await service.reload(config)
    except Exception as wrong:
        log.exception("config.refused", file=config.file, mistakes=[repr(wrong)])
        return
    signals.stop_within = config.server.stop_within
    if server is not None:
        server.adopt(config.server)
    for warning in config.warnings:
        log.warning("config.warned", text=warning)
    if needs_restart:
        log.warning("config.needs_restart", keys=list(needs_restart))
    log.info(
        "config.reloaded",
        file=config.file,
        sources=list(config.sources),
        sinks=list(config.sinks),
        rules=[rule.name for rule in config.rules],
        public_url=config.public_url,
    )


async def _beside(read: ReadConfig) -> Config:
    """Reads on a thread that nothing waits for at the end: the file may lie on a disk that hangs."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Config] = loop.create_future()

    def work() -> None:
        try:
            result = Result(read(), None)
        except Exception as wrong:  # noqa: BLE001  # raised again where it is awaited
            result = Result(None, wrong)
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(result.into, done)

    threading.Thread(target=work, name="configuration", daemon=True).start()
    return await done
