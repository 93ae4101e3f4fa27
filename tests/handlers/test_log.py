"""The log as a sink."""

from __future__ import annotations

import httpx
from structlog.testing import capture_logs

from handlers.http.transport import HttpTransport
from handlers.log import Log
from receiver.contracts import NoOptions
from receiver.model.deliveries import Delivered, OutgoingEvent
from receiver.model.events import Event
from receiver.model.jobs import Image, Job
from support.delivering import Bound


async def test_an_event_is_one_line_with_ids_and_status_and_no_content() -> None:
    job = Job(
        id="job_01",
        source="journey",
        provider="journeyapi",
        action="pick",
        params={"index": 2},
        status="completed",
        progress=100,
        root_id="job_01",
        prompt="a secret garden",
        images=(Image(index=1, url="https://cdn.example.com/1.png?sig=hush"),),
        created_at="2026",
    )
    event = Event(id="evt_01", source="gridhook/journey", type="job.completed", subject="job_01", time="2026", data=job)
    with capture_logs() as lines:
        log = Bound(Log(NoOptions()), HttpTransport(httpx.MockTransport(lambda _: httpx.Response(500))), 0)
        outcome = await log.deliver(OutgoingEvent(delivery_id="dlv_01", attempt=1, event=event, body=b"{}"))
    assert outcome == Delivered()
    assert lines == [
        {
            "event": "event.logged",
            "log_level": "info",
            "event_id": "evt_01",
            "event_type": "job.completed",
            "job_id": "job_01",
            "source": "journey",
            "action": "pick",
            "status": "completed",
            "progress": 100,
        }
    ]
