"""Sample events: what templates are tried with, and what `gridhook test` sends."""

from __future__ import annotations

from decimal import Decimal
from typing import Final, get_args

import msgspec

from receiver.model.events import AT_STATUS, Event, EventType
from receiver.model.jobs import ArchivedCopy, Cost, Hold, Image, Job, JobError, NextAction, Status

MOMENT: Final = "2026-11-21T10:00:00.000Z"
#: What every event of `gridhook test` carries in its job's tags.
TEST_TAGS: Final = {"gridhook": "test"}
#: A picture that has stood at its place for years: for platforms that fetch it themselves. What we fetch we draw.
SAMPLE_PICTURE: Final = "https://www.python.org/static/community_logos/python-logo-master-v3-TM.png"
#: Text that breaks what is not escaped.
AWKWARD: Final = 'a "garden" \\ with <b> & {{ braces }}\nin two lines'


def sample_event(event_id: str, job_id: str, now: str, picture: str = SAMPLE_PICTURE) -> Event:
    """The event that shows whether a sink works, marked as a test in prompt and tags; `now` is RFC 3339."""
    job = Job(
        id=job_id,
        source="test",
        provider="test",
        action="imagine",
        params={"prompt": "a test"},
        status="completed",
        progress=100,
        root_id=job_id,
        tags=TEST_TAGS,
        prompt="This is a test of gridhook: nothing was ordered",
        images=(Image(index=1, url=picture),),
        created_at=now,
        finished_at=now,
    )
    return _event("job.completed", job, event_id, now)


def _copy(index: int) -> ArchivedCopy:
    key = f"2026/11/job_01/job_02/tile-{index}.png"
    url = f"https://hooks.example.com/pictures/job_02/{index}"
    return ArchivedCopy(
        sink="pictures", url=url, key=key, sha256="0" * 64, type="image/png", bytes=1, width=1024, height=1024
    )


def full_samples() -> list[Event]:
    """An event of each type, about a job with every field filled."""
    status_of: dict[EventType, Status] = {kind: status for status, kind in AT_STATUS.items()}  # type: ignore[misc]
    return [_event(kind, _full(status_of.get(kind, "running"))) for kind in get_args(EventType)]


def bare_sample() -> Event:
    """An event about a job of which hardly anything is known."""
    job = Job(
        id="job_01", source="journey", provider="journeyapi", status="running", root_id="job_01", created_at=MOMENT
    )
    return _event("job.progress", job)


def _full(status: Status) -> Job:
    cost = Cost(amount=Decimal("2.5"), unit="credits", source="reported")
    return Job(
        id="job_02",
        source="journey",
        provider="journeyapi",
        provider_job_id="550e8400",
        action="pick",
        params={"index": 2, "prompt": AWKWARD},
        status=status,
        progress=50,
        parent_id="job_01",
        root_id="job_01",
        rule="auto-hd",
        decided_by="page:admin",
        warning="no_picture",
        tags={"project": AWKWARD},
        prompt=AWKWARD,
        grid_url="https://cdn.example.com/grid.png",
        images=tuple(
            Image(index=index, url=f"https://cdn.example.com/{index}.png", archive=_copy(index))
            for index in (1, 2, 3, 4)
        ),
        next_actions=(NextAction(action="upscale", params={"kind": "2x"}, cost=cost),),
        cost=cost,
        error=JobError(code="moderated", provider_code="1102", message=AWKWARD),
        hold=Hold(reason="pick", since=MOMENT, until=MOMENT, default=1, note=AWKWARD),
        created_at=MOMENT,
        submitted_at=MOMENT,
        finished_at=MOMENT,
        deadline=MOMENT,
    )


def _event(kind: EventType, job: Job, event_id: str = "evt_01", time: str = MOMENT) -> Event:
    return Event(id=event_id, source=f"gridhook/{job.source}", type=kind, subject=job.id, time=time, data=job)


def with_names(event: Event, names: frozenset[str]) -> Event:
    """The event, its job with a tag and a parameter of each of these names."""
    job = event.data
    extra = dict.fromkeys(sorted(names), "sample")
    return msgspec.structs.replace(
        event, data=msgspec.structs.replace(job, tags=extra | job.tags, params=extra | job.params)
    )
