"""Proves that it works: what must be reached is asked for, free of charge and without sending anything to a sink."""

from __future__ import annotations

import asyncio
import secrets
import shutil
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import Final, Literal

import msgspec

from receiver.config import Config
from receiver.contracts import Answer, Call, DeliveryContext, Filters, HookedStore, Sink, Source, Transaction, Transport
from receiver.contracts.setup import Setup
from receiver.errors import GridhookError, StoreUnavailable
from receiver.lib.signatures import PROBE_HEADER, probe_answer
from receiver.lib.times import Clock, stamp
from receiver.model.deliveries import sink_lane
from receiver.model.jobs import Job, KeptJob
from receiver.store.opening import folder_of
from receiver.workers.checks.sink_probes import probe_sink

#: Seconds for one question.
PATIENCE_S: Final = 10.0
#: What is written to see whether it can be, bytes; and how much room should be left.
WRITTEN: Final = 64 * 1024
LOW_ROOM: Final = 1024**3
#: How far the clock may be off, ms: vendors refuse signatures that are minutes old.
CLOCK_OFF_MS: Final = 30_000
#: Asked for where a source has no job yet: no vendor has one with this id.
NO_JOB: Final = "00000000-0000-4000-8000-000000000000"


#: What a handler may use for one sink, as a server of this configuration would give it.
OpenContext = Callable[[Config, Sink], AbstractAsyncContextManager[DeliveryContext]]


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one question."""

    what: str
    verdict: Literal["ok", "warn", "bad"]
    said: str


async def diagnose(
    store: HookedStore, setup: Setup, config: Config, transport: Transport, contexts: OpenContext, clock: Clock
) -> tuple[Diagnosis, ...]:
    """All that can be found out; takes as long as the slowest question, half a minute at the most."""
    found = await asyncio.gather(
        _database(store, config),
        _reached(store.ref_key, config, transport, clock),
        *(_vendor(store, source, transport, clock) for source in setup.sources.values() if source.api_key is not None),
        *(_sink(store, config, sink, contexts) for sink in config.sinks.values()),
    )
    return tuple(one for part in found for one in part)


async def _database(store: HookedStore, config: Config) -> list[Diagnosis]:
    began = monotonic()
    try:
        await store.write(lambda tx: tx.probe(WRITTEN))
    except StoreUnavailable as wrong:
        return [Diagnosis(what="database", verdict="bad", said=f"cannot be written: {wrong}")]
    took_ms = round((monotonic() - began) * 1000)
    found = Diagnosis(what="database", verdict="ok", said=f"a write took {took_ms} ms")
    room = (await asyncio.to_thread(shutil.disk_usage, folder_of(config.database, config.folder))).free
    said = f"{room / 1e9:.1f} GB are free"
    return [found, Diagnosis(what="disk", verdict="warn" if room < LOW_ROOM else "ok", said=said)]


async def _reached(key: bytes, config: Config, transport: Transport, clock: Clock) -> list[Diagnosis]:
    """Asks for ourselves as a vendor would, at `public_url`: the answer to the probe is one that only we can give."""
    what, url = "public_url", config.public_url
    nonce = secrets.token_hex(16)
    answer = await _asked(transport, Call(method="GET", url=f"{url}/healthz?probe={nonce}"))
    if isinstance(answer, str):
        return [Diagnosis(what=what, verdict="bad", said=f"{url} cannot be reached from here: {answer}")]
    if answer.headers.get(PROBE_HEADER) != probe_answer(key, nonce):
        said = f"{url} is answered (HTTP {answer.status}), but not by this gridhook: see where the proxy leads"
        return [Diagnosis(what=what, verdict="bad", said=said)]
    found = [Diagnosis(what=what, verdict="ok", said=f"{url} leads here"), *_clock(answer, clock)]
    source = next(iter(config.sources), None)
    return found if source is None else [*found, await _webhooks(f"{url}/in/{source}", transport)]


async def _webhooks(url: str, transport: Transport) -> Diagnosis:
    """Whether webhooks come through: an address of theirs answers a mere look with 405."""
    answer = await _asked(transport, Call(method="GET", url=url))
    if isinstance(answer, Answer) and answer.status == 405:
        return Diagnosis(what="webhooks", verdict="ok", said=f"{url} can be posted to")
    seen = answer if isinstance(answer, str) else f"HTTP {answer.status}"
    return Diagnosis(what="webhooks", verdict="bad", said=f"{url} does not lead to the intake: {seen}")


def _clock(answer: Answer, clock: Clock) -> list[Diagnosis]:
    """The clock beside that of whoever wrote the date of an answer."""
    try:
        told = parsedate_to_datetime(answer.headers["date"])
    except (KeyError, ValueError):
        return []
    off_ms = abs(round(told.timestamp() * 1000) - clock())
    verdict: Literal["ok", "warn"] = "warn" if off_ms > CLOCK_OFF_MS else "ok"
    return [Diagnosis(what="clock", verdict=verdict, said=f"{stamp(clock())}, {off_ms // 1000} s beside the answer's")]


async def _vendor(store: HookedStore, source: Source, transport: Transport, clock: Clock) -> list[Diagnosis]:
    """A free status query with the source's key."""
    what = f"source {source.name}"
    if not source.provider.query_batch:
        return [Diagnosis(what=what, verdict="ok", said=f"{source.provider.name} cannot be asked anything for free")]
    known = await store.read(lambda tx: _newest_job(tx, source.name))
    kept = known or KeptJob(
        number=0,
        job=Job(
            id="job_0000000000000",
            root_id="job_0000000000000",
            source=source.name,
            provider=source.provider.name,
            provider_job_id=NO_JOB,
            action="imagine",
            status="running",
            created_at=stamp(clock()),
        ),
    )
    try:
        answer = await _asked(transport, source.provider.query([kept], source))
    except GridhookError as wrong:
        return [Diagnosis(what=what, verdict="warn", said=f"cannot be asked: {wrong}")]
    if isinstance(answer, str):
        return [Diagnosis(what=what, verdict="bad", said=f"{source.base_url} does not answer: {answer}")]
    if answer.status in (401, 403):
        return [Diagnosis(what=what, verdict="bad", said=f"the api_key is refused (HTTP {answer.status})")]
    about = "about its newest job" if known is not None else "about a job that there is not"
    verdict: Literal["ok", "warn"] = "warn" if answer.status >= 500 else "ok"
    return [Diagnosis(what=what, verdict=verdict, said=f"answers HTTP {answer.status} when asked {about}")]


def _newest_job(tx: Transaction, source: str) -> KeptJob | None:
    found = tx.jobs(Filters(source=source, limit=20))
    return next((kept for kept in found if kept.job.provider_job_id is not None), None)


async def _sink(store: HookedStore, config: Config, sink: Sink, contexts: OpenContext) -> list[Diagnosis]:
    """Whether a sink can be opened, and whether it took what it was sent; nothing is sent for it."""
    what = f"sink {sink.name}"
    probe = await probe_sink(sink.handler, contexts(config, sink), PATIENCE_S)
    destination = await store.read(lambda tx: tx.destination(sink_lane(sink.name)))
    if destination is None or not destination.failures:
        return [Diagnosis(what=what, verdict="ok" if probe.works else "bad", said=probe.said)]
    paused = ", and it is paused" if destination.paused else ""
    said = f"{probe.said}; the last {destination.failures} tries to deliver failed{paused}"
    return [Diagnosis(what=what, verdict="warn" if probe.works and not destination.paused else "bad", said=said)]


async def _asked(transport: Transport, call: Call) -> Answer | str:
    """The answer, or why there is none."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await transport.send(call, PATIENCE_S)
    except TimeoutError:
        return f"no answer within {PATIENCE_S:g} s"
    except GridhookError as wrong:
        return str(wrong)
