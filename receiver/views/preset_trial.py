"""What a preset makes of a real body: what stands where, what proves it, and which events follow."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from receiver.contracts import Filters, Request, Seal, Source
from receiver.contracts.setup import Setup
from receiver.errors import NotJson, Unmapped
from receiver.flows import intake
from receiver.flows.bodies import challenge_of, read_body
from receiver.lib.ids import Ids
from receiver.lib.signatures import Secret
from receiver.model.events import Event
from receiver.providers.generic import Generic
from receiver.providers.generic.seals import whole
from receiver.providers.generic.trial import PathTrial, jobs_in, path_trials
from receiver.store.opening import throwaway_transaction

NAME: Final = "preset"
#: Whoever posts it, it is taken as genuine: what proves it is told apart.
GENUINE: Final = intake.Verification(proof="secret")
_EVENT: Final = msgspec.json.Decoder(Event)


class Proven(msgspec.Struct, frozen=True, kw_only=True):
    """What the headers prove."""

    #: The header that is looked at.
    header: str
    #: Whether it is there.
    is_there: bool
    #: What it proves; null: not known, since no secret was given.
    seal: Seal | None


class PresetTrial(msgspec.Struct, frozen=True, kw_only=True):
    """All that a preset makes of one request."""

    #: Null: no headers were given.
    proven: Proven | None
    #: For each job in the body, where each path leads.
    jobs: tuple[tuple[PathTrial, ...], ...]
    events: tuple[Event, ...]
    #: Why it is not understood, or that it is a challenge; null: it tells of jobs.
    note: str | None


def try_preset(
    provider: Generic, body: bytes, headers: dict[str, str] | None, secret: Secret | None, now: int
) -> PresetTrial:
    """Plays a body as a webhook of a vendor that is described by a preset; nothing is sent or kept.

    `headers` have lower-case names, None = not known. `now` is Unix ms, the moment that it is taken to come at.
    Raises NotJson for a body that is neither JSON nor an expected form.
    """
    source = Source(name=NAME, provider=provider, base_url="", secrets=() if secret is None else (secret,))
    request = Request(source=NAME, headers=headers or {}, body=body, received_at=now)
    value = read_body(body, request.headers, provider.bodies)
    events, note = _events(request, source)
    return PresetTrial(
        proven=None if headers is None else _proven(provider, request, source),
        jobs=_jobs(value, provider),
        events=events,
        note="a challenge, which is echoed" if challenge_of(value, provider.bodies) is not None else note,
    )


def _proven(provider: Generic, request: Request, source: Source) -> Proven:
    header = whole(provider.description.verify).header.lower()
    seal = source.provider.seal(request, source) if source.secrets else None
    return Proven(header=header, is_there=header in request.headers, seal=seal)


def _jobs(value: Any, provider: Generic) -> tuple[tuple[PathTrial, ...], ...]:
    try:
        jobs = jobs_in(value, provider.description)
    except Unmapped:
        return ()
    return tuple(tuple(path_trials(job, provider.description)) for job in jobs)


def _events(request: Request, source: Source) -> tuple[tuple[Event, ...], str | None]:
    """The events that it makes in an empty database, and why there are none."""
    setup = Setup(sources={NAME: source})
    arrival = intake.read(request, GENUINE, source)
    if arrival.state == "unreadable":
        raise NotJson(arrival.note or "not JSON")
    with throwaway_transaction(Ids(lambda: request.received_at)) as tx:
        taken = intake.take(tx, setup, arrival)
        return tuple(_EVENT.decode(event) for event in reversed(tx.events(Filters()))), taken.note
