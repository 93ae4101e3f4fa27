"""The examples in the OpenAPI document: records as the API would show them, and orders of every canonical action."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import msgspec

from receiver.flows.intake import IntakeResult
from receiver.lib import ids
from receiver.lib.times import stamp
from receiver.model.deliveries import Attempt
from receiver.model.events import Event
from receiver.model.jobs import Cost, Image, Job, NextAction
from receiver.model.submissions import Pick, Resend, Resolve, Submission
from receiver.views.costs import CostLine, CostSummary
from receiver.views.records import DeliveryDetail, DeliveryView, RefusedView, RequestDetail, RequestView

_NUMBER: Final = ids.first_at(1_795_255_200_000)
_AT: Final = stamp(1_795_255_200_000)
_LATER: Final = stamp(1_795_255_260_000)
_JOB_ID: Final = ids.show("job", _NUMBER + 1)
_GRID_ID: Final = ids.show("job", _NUMBER)
_PRICE: Final = Cost(amount=Decimal(2), unit="credits", source="table")

JOB: Final = Job(
    id=_JOB_ID,
    source="journey",
    provider="journeyapi",
    provider_job_id="550e8400-e29b-41d4-a716-446655440000",
    action="pick",
    params={"index": 2},
    status="completed",
    progress=100,
    parent_id=_GRID_ID,
    root_id=_GRID_ID,
    tags={"project": "poster"},
    prompt="a lighthouse at dusk",
    images=(Image(index=1, url="https://cdn.example.com/lighthouse.png"),),
    next_actions=(NextAction(action="upscale", params={"kind": "2x"}, cost=_PRICE),),
    cost=_PRICE,
    created_at=_AT,
    submitted_at=_AT,
    finished_at=_LATER,
    deadline=stamp(1_795_257_000_000),
)
EVENT: Final = Event(
    id=ids.show("evt", _NUMBER + 2),
    source="gridhook/journey",
    type="job.completed",
    subject=_JOB_ID,
    time=_LATER,
    data=JOB,
)
REQUEST: Final = RequestView(
    id=ids.show("req", _NUMBER + 3),
    source="journey",
    status="mapped",
    proof="secret",
    job_id=_JOB_ID,
    note=None,
    sender="203.0.113.9",
    received_at=_LATER,
    size=58,
)
REQUEST_DETAIL: Final = RequestDetail(
    **msgspec.structs.asdict(REQUEST),
    headers={"content-type": "application/json", "x-webhook-secret": "***"},
    body='{"task_id": "550e8400-e29b-41d4-a716-446655440000", ...}',
    encoding="utf-8",
)
DELIVERY: Final = DeliveryView(
    id=ids.show("dlv", _NUMBER + 4),
    kind="event",
    sink="team",
    source=None,
    event_id=EVENT.id,
    event_type=EVENT.type,
    job_id=_JOB_ID,
    status="done",
    attempt=1,
    created_at=_LATER,
    due_at=None,
    left_at=None,
)
DELIVERY_DETAIL: Final = DeliveryDetail(
    **msgspec.structs.asdict(DELIVERY),
    attempts=(Attempt(number=1, started_at=_LATER, took_ms=120, outcome="delivered", status=200),),
)
COSTS: Final = CostSummary(
    since=_AT,
    until=None,
    time_zone="UTC",
    total=(),
    by_source=(
        CostLine(
            name="journey",
            unit="credits",
            source="journey",
            spent=Decimal(6),
            reserved=Decimal(2),
            released=Decimal(0),
            unknown=0,
            jobs=3,
        ),
    ),
    by_rule=(),
    by_day=(),
    budgets=(),
    stopped=(),
)
#: An example of each record, by its name in the document.
RECORDS: Final[dict[str, msgspec.Struct]] = {
    "Job": JOB,
    "JobDetail": JOB,
    "Event": EVENT,
    "Request": REQUEST_DETAIL,
    "ListedRequest": REQUEST,
    "Delivery": DELIVERY_DETAIL,
    "ListedDelivery": DELIVERY,
    "Refused": RefusedView(
        time=_LATER,
        source="journey",
        reason="header_differs",
        sender="203.0.113.9",
        headers=["content-length", "content-type", "host", "x-webhook-secret"],
    ),
    "Costs": COSTS,
    "Taken": IntakeResult(request=REQUEST.id, events=1, duplicate=False),
}
_PICTURES: Final = ["https://cdn.example.com/one.png", "https://cdn.example.com/two.png"]
#: The parameters of an order of each canonical action.
_PARAMS: Final[dict[str, dict[str, Any]]] = {
    "imagine": {"prompt": "a lighthouse at dusk", "version": "7", "aspect_ratio": "16:9"},
    "pick": {"index": 2},
    "upscale": {"kind": "2x"},
    "vary": {"index": 3},
    "reroll": {},
    "zoom": {"factor": 1.5},
    "pan": {"direction": "left"},
    "inpaint": {"mask": "https://cdn.example.com/mask.png", "prompt": "a red boat"},
    "outpaint": {"factor": 2},
    "blend": {"image_urls": _PICTURES},
    "describe": {"image_urls": _PICTURES[:1]},
}
_ROOTS: Final = ("imagine", "blend", "describe")


def orders() -> dict[str, Any]:
    """Bodies of `POST /jobs`, by name: an order of each canonical action, and a chain."""
    found = {action: (f"`{action}`", _order(action, params)) for action, params in _PARAMS.items()}
    chain = _order("imagine", _PARAMS["imagine"]) | {
        "tags": {"project": "poster"},
        "then": {"action": "pick", "index": 1, "then": {"action": "upscale", "kind": "subtle"}},
    }
    return _named({**found, "chain": ("An imagine, whose first tile is picked and upscaled", chain)})


def picks() -> dict[str, Any]:
    """A body of `POST /jobs/{id}/pick`."""
    return _named({"second": ("U2", _plain(Pick(index=2)))})


def resends() -> dict[str, Any]:
    """A body of `POST /events/{id}/resend`."""
    return _named({"team": ("To the sink team", _plain(Resend(sink="team")))})


def decisions() -> dict[str, Any]:
    """Bodies of `POST /jobs/{id}/resolve`."""
    return _named({"check": ("Ask the vendor now", _plain(Resolve(decision="check")))})


def shown(record: str) -> dict[str, Any]:
    """An example of a record or of a list of it, by its name in the document; none if there is none."""
    of = record.removesuffix("List")
    if of == record:
        return _example(RECORDS[record]) if record in RECORDS else {}
    return _example({"items": [RECORDS.get(f"Listed{of}") or RECORDS[of]], "next": None})


def _order(action: str, params: dict[str, Any]) -> dict[str, Any]:
    parent = None if action in _ROOTS else _GRID_ID
    order = Submission(source="journey", action=action, params=params, parent_id=parent)
    return {name: value for name, value in _plain(order).items() if value not in (None, {})}


def _example(value: Any) -> dict[str, Any]:
    return {"example": {"value": _plain(value)}}


def _named(examples: dict[str, tuple[str, Any]]) -> dict[str, Any]:
    return {name: {"summary": summary, "value": value} for name, (summary, value) in examples.items()}


def _plain(value: Any) -> Any:
    """A record, or anything made of them, as a reader of its JSON sees it."""
    return msgspec.json.decode(msgspec.json.encode(value))
