"""Records to begin with."""

from __future__ import annotations

import msgspec

from receiver.contracts import Source
from receiver.contracts.options import NoOptions
from receiver.lib import ids
from receiver.lib.signatures import Secret
from receiver.model.jobs import (
    Image,
    Job,
    KeptJob,
    Report,
    Status,
)
from receiver.providers.journeyapi import JourneyAPI

NOW = 1_795_000_000_000
AT = "2026-11-18T13:46:40.000Z"


def a_job(number: int = 1, *, status: Status = "queued", intent: str | None = "test", **fields: object) -> KeptJob:
    """A kept job; `fields` are those of the Job."""
    job_id = ids.show("job", number)
    job = Job(
        id=job_id,
        source="journey",
        provider="journeyapi",
        action="imagine",
        status=status,
        root_id=job_id,
        created_at=AT,
    )
    return KeptJob(number=number, job=msgspec.structs.replace(job, **fields), intent=intent)


def a_report(status: str = "completed", provider_job_id: str | None = "task-1", **fields: object) -> Report:
    """A vendor's report; `fields` are those of the Report."""
    report = Report(provider_job_id=provider_job_id, status=None)
    return msgspec.structs.replace(report, status=status, **fields)


def four_images(stem: str = "https://cdn.example.com/a") -> tuple[Image, ...]:
    """The pictures of a grid."""
    return tuple(Image(index=index, url=f"{stem}_{index}.png") for index in (1, 2, 3, 4))


def a_source(name: str = "journey", **fields: object) -> Source:
    """A JourneyAPI account."""
    provider = JourneyAPI(NoOptions())
    source = Source(
        name=name,
        provider=provider,
        base_url="https://api.journeyapi.test/api/v1",
        api_key=Secret("japi_live_1"),
        secrets=(Secret("hook-secret"),),
    )
    return msgspec.structs.replace(source, **fields)
