"""Intake: a webhook is verified, read, and kept with all that follows from it."""

from __future__ import annotations

from typing import Final

import msgspec
import structlog

from receiver.contracts import (
    KeptRequest,
    Proof,
    Request,
    RequestState,
    Source,
    Store,
    Transaction,
)
from receiver.contracts.setup import Setup
from receiver.errors import (
    NotJson,
    StoreUnavailable,
    Unmapped,
    Unverified,
)
from receiver.flows.bodies import challenge_of, kept_body, read_body
from receiver.flows.reports import Effect, report_new, report_to
from receiver.lib import ids
from receiver.lib.redaction import STRUCK
from receiver.lib.signatures import job_of_ref, matches
from receiver.lib.times import stamp
from receiver.model.jobs import (
    Job,
    KeptJob,
    Report,
)
from receiver.model.requests import Seal, Unproven
from receiver.providers.shared.forms import form_value

log = structlog.get_logger("intake")

#: Headers whose values are not kept.
SECRET_HEADERS: Final = frozenset({"x-webhook-secret", "authorization", "proxy-authorization", "cookie"})


class ReadRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A verified request, read as far as it can be."""

    request: Request
    proof: Proof
    #: Number of the job that the ref in its path names.
    ref_job: int | None
    reports: tuple[Report, ...] = ()
    state: RequestState = "mapped"
    note: str | None = None


class IntakeResult(msgspec.Struct, frozen=True, kw_only=True, rename={"state": "status"}):
    """What became of a request; this is what the sender is answered."""

    request: str
    #: How many events it made.
    events: int
    #: True if it was understood and told nothing new.
    duplicate: bool
    state: RequestState = "mapped"
    note: str | None = None


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """How a request proved to be genuine."""

    proof: Proof
    ref_job: int | None = None


async def receive(request: Request, source: Source, store: Store, setup: Setup) -> IntakeResult:
    """What became of a webhook, once it is on disk with all that follows from it.

    Raises Unverified (nothing of it is kept) or StoreUnavailable (it cannot be kept now).
    """
    verification = await _verified(request, source, store.ref_key)
    arrival = read(request, verification, source)
    return await keep(arrival, store, setup)


async def _verified(request: Request, source: Source, ref_key: bytes) -> Verification:
    """As `verify`; a signature that fits no known key is looked at once more, if the vendor has published others."""
    try:
        return verify(request, source, ref_key)
    except Unverified as no:
        keys = source.public_keys
        if keys is None or no.reason != "signature_differs" or not await keys.renewed():
            raise
    return verify(request, source, ref_key)


def verify(request: Request, source: Source, ref_key: bytes) -> Verification:
    """How a request proved to be genuine. Raises Unverified, and nothing else whatever the request holds.

    A ref or token in the path must be right. Configured secrets must match, always. A signature must be valid, or
    absent with a right path. Who can do none of these needs the path.
    """
    path, ref_job = _path_proof(request, source, ref_key)
    seal = source.provider.seal(request, source)
    if seal not in ("valid", "absent") or (source.must_verify and seal != "valid"):
        raise Unverified(_unproven(source, seal))
    if seal == "valid":
        return Verification(proof="signature" if source.provider.seals == "signature" else "secret", ref_job=ref_job)
    if path is None:
        raise Unverified("no_proof")
    return Verification(proof=path, ref_job=ref_job)


def verify_head(request: Request, source: Source, ref_key: bytes) -> None:
    """Raises Unverified if the path and headers of a request show, before its body is here, that `verify` will."""
    if source.provider.seals == "signature":
        _path_proof(request, source, ref_key)
    else:
        verify(request, source, ref_key)


def challenge_in_query(request: Request, query: bytes, source: Source, ref_key: bytes) -> dict[str, str | int] | None:
    """What of a GET's query is to be echoed to a vendor that tries out its address; None if there is nothing.

    A ref or token in the path must be right; without one the source must verify by something else. Nothing is kept.
    Raises Unverified.
    """
    path, _ = _path_proof(request, source, ref_key)
    try:
        value = challenge_of(form_value(query), source.provider.bodies)
    except NotJson:
        return None
    if value is not None and path is None and not source.must_verify:
        raise Unverified("no_proof")
    return value


def _unproven(source: Source, seal: Seal) -> Unproven:
    if seal in ("too_old", "too_new"):
        return seal
    if source.provider.seals == "secret":
        return "no_header" if seal == "absent" else "header_differs"
    if source.provider.seals == "signature":
        return "signature_missing" if seal == "absent" else "signature_differs"
    return "no_proof"


def _path_proof(request: Request, source: Source, ref_key: bytes) -> tuple[Proof | None, int | None]:
    """What the path proves, if it has a ref or token, and the number of the ref's job. Raises Unverified if wrong."""
    given = request.path_token
    if given is None:
        return None, None
    job = job_of_ref(ref_key, source.name, given)
    if job is not None:
        return "ref", job
    if source.token is not None and matches(given, [source.token]):
        return "token", None
    raise Unverified("unknown_ref")


def read(request: Request, verified: Verification, source: Source) -> ReadRequest:
    """A verified request with its reports; one that cannot be understood is marked, never dropped."""
    state, note, reports = _reports(request.body, request.headers, source)
    return ReadRequest(
        request=request, proof=verified.proof, ref_job=verified.ref_job, reports=reports, state=state, note=note
    )


def _reports(
    body: bytes, headers: dict[str, str], source: Source
) -> tuple[RequestState, str | None, tuple[Report, ...]]:
    try:
        value = read_body(body, headers, source.provider.bodies)
    except NotJson as wrong:
        return "unreadable", str(wrong), ()
    try:
        return "mapped", None, tuple(source.provider.parse(value, headers))
    except Unmapped as wrong:
        if challenge_of(value, source.provider.bodies) is not None:
            return "mapped", "a challenge, echoed", ()
        return "unmapped", str(wrong), ()
    except Exception as wrong:  # a provider may be anybody's code: its fault must not lose a genuine request
        log.exception("provider.broke", source=source.name)
        return "unmapped", f"the provider code broke: {type(wrong).__name__}", ()


async def keep(arrival: ReadRequest, store: Store, setup: Setup) -> IntakeResult:
    """What became of a request, once it is on disk with all that follows. Raises StoreUnavailable.

    What breaks while it is worked in is kept as unmapped: it can be reparsed once the fault is mended.
    """
    try:
        return await store.write(lambda tx: take(tx, setup, arrival))
    except StoreUnavailable:
        raise
    except Exception as wrong:
        log.exception("intake.broke", source=arrival.request.source)
        note = f"working it in broke: {type(wrong).__name__}"
    unread = msgspec.structs.replace(arrival, state="unmapped", note=note, reports=())
    return await store.write(lambda tx: take(tx, setup, unread))


def take(tx: Transaction, setup: Setup, arrival: ReadRequest) -> IntakeResult:
    """Writes a request and all that follows from it."""
    request = arrival.request
    number = tx.ids.next()
    rules = setup.sources[request.source].provider.bodies
    body = kept_body(request.body, request.headers, rules)
    headers, body = setup.redaction.request(_struck(request.headers), body)
    tx.add_request(
        KeptRequest(
            number=number,
            source=request.source,
            state=arrival.state,
            proof=arrival.proof,
            ref_job=arrival.ref_job,
            note=arrival.note,
            headers=headers,
            body=body,
            sender=request.sender,
        )
    )
    return _take_reports(tx, setup, number, arrival)


def _struck(headers: dict[str, str]) -> dict[str, str]:
    """Headers without those whose values are secret whatever they are."""
    return {**headers, **dict.fromkeys(SECRET_HEADERS & headers.keys(), STRUCK)}


def _take_reports(tx: Transaction, setup: Setup, number: int, arrival: ReadRequest) -> IntakeResult:
    source = setup.sources[arrival.request.source]
    now = arrival.request.received_at
    events, is_news = 0, False
    try:
        for report in arrival.reports:
            effect = _take_report(tx, setup, source, report, arrival, number, now)
            events += effect.events
            is_news = is_news or effect.is_news
    except Unmapped as wrong:
        tx.mark_request(number, "unmapped", str(wrong))
        return IntakeResult(
            request=ids.show("req", number), events=events, duplicate=False, state="unmapped", note=str(wrong)
        )
    return IntakeResult(
        request=ids.show("req", number),
        events=events,
        duplicate=bool(arrival.reports) and not is_news and events == 0,
        state=arrival.state,
        note=arrival.note,
    )


def _take_report(
    tx: Transaction, setup: Setup, source: Source, report: Report, arrival: ReadRequest, request: int, now: int
) -> Effect:
    kept = _find(tx, source, report, arrival)
    proven = arrival.proof != "token"
    if kept is not None:
        return report_to(tx, setup, kept, report, now, request=request, proven=proven)
    if _forgotten(tx, source, report, arrival):
        return Effect(0, is_news=False)
    return report_new(tx, setup, _foreign(tx, source, now), report, now, request=request, proven=proven)


def _find(tx: Transaction, source: Source, report: Report, arrival: ReadRequest) -> KeptJob | None:
    """The job that a report is about: the one its ref names, else the one with the vendor's id."""
    named = tx.job(arrival.ref_job) if arrival.ref_job is not None else None
    if named is not None and named.job.provider_job_id in (None, report.provider_job_id):
        return named
    if report.provider_job_id is None:
        if named is None and not _forgotten(tx, source, report, arrival):
            raise Unmapped("it names no job")
        return named
    if named is not None and arrival.proof == "ref" and report.provider_job_id not in named.sibling_ids:
        raise Unmapped("it names another job than the one that its webhook URL belongs to")
    return tx.job_at(source.name, report.provider_job_id)


def _forgotten(tx: Transaction, source: Source, report: Report, arrival: ReadRequest) -> bool:
    """Whether a report is about a job that was pruned: what was to follow was ordered then, and must not be again."""
    if arrival.ref_job is not None and tx.pruned(arrival.ref_job):
        return True
    return report.provider_job_id is not None and tx.forgotten(source.name, report.provider_job_id)


def _foreign(tx: Transaction, source: Source, now: int) -> KeptJob:
    """A job that another tool started, as it is before its first report."""
    number = tx.ids.next()
    job_id = ids.show("job", number)
    blank = Job(
        id=job_id,
        source=source.name,
        provider=source.provider.name,
        status="queued",
        root_id=job_id,
        created_at=stamp(now),
    )
    return KeptJob(number=number, job=blank)


async def reparse(store: Store, setup: Setup, number: int, now: int) -> IntakeResult | None:
    """Reads a kept request once more with today's provider code; None if there is no such request."""
    kept = await store.read(lambda tx: tx.request(number))
    if kept is None or kept.source not in setup.sources:
        return None
    request = Request(source=kept.source, headers=kept.headers, body=kept.body, received_at=now)
    state, note, reports = _reports(kept.body, kept.headers, setup.sources[kept.source])
    arrival = ReadRequest(
        request=request, proof=kept.proof, ref_job=kept.ref_job, reports=reports, state=state, note=note
    )
    return await store.write(lambda tx: _take_again(tx, setup, number, arrival))


def _take_again(tx: Transaction, setup: Setup, number: int, arrival: ReadRequest) -> IntakeResult | None:
    if tx.request(number) is None:  # pruned meanwhile
        return None
    tx.mark_request(number, arrival.state, arrival.note)
    return _take_reports(tx, setup, number, arrival)
