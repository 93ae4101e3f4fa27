"""Events, questions and receipts for chat sinks."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import msgspec

from receiver.model.deliveries import Delivered, Outcome, OutgoingEvent, QuestionButton, ShownQuestion
from receiver.model.jobs import Cost, Hold, Image, Job
from support.delivering import job_event, outgoing

CREDITS: Final = Cost(amount=Decimal(2), unit="credits", source="table")
HOLD: Final = Hold(reason="pick", since="2026-11-21T10:00:00.000Z", until="2026-11-22T10:00:00.000Z", default=1)
CODE: Final = "c" * 64


def a_question(**changes: Any) -> ShownQuestion:
    """An open question about a grid; `changes` are those of the pick."""
    grid = Job(
        id="job_01",
        source="journey",
        provider="journeyapi",
        action="imagine",
        status="completed",
        root_id="job_01",
        prompt="a <cat> & *dog* @everyone",
        grid_url="https://cdn.example.com/grid.png",
        created_at="2026-11-21T10:00:00.000Z",
    )
    pick = msgspec.structs.replace(
        grid, id="job_02", action="pick", status="held", hold=HOLD, rule="poster", grid_url=None, prompt=None
    )
    tiles = tuple(QuestionButton(label=f"U{index}", code=f"{index}{CODE[1:]}", cost=CREDITS) for index in (1, 2, 3, 4))
    others = tuple(QuestionButton(label=f"V{index}", code=f"v{index}{CODE[2:]}") for index in (1, 2, 3, 4))
    shown = ShownQuestion(job=pick, grid=grid, tiles=tiles, others=(*others, QuestionButton(label="reroll", code="r")))
    return msgspec.structs.replace(shown, job=msgspec.structs.replace(pick, **changes))


def asking(**changes: Any) -> OutgoingEvent:
    """The delivery of a question."""
    shown = a_question(**changes)
    return msgspec.structs.replace(outgoing(job_event(status="held")), question=shown)


def later(before: Outcome, number: int = 2, event: str = "evt_02", **fields: Any) -> OutgoingEvent:
    """The delivery of a later event about the same job, after what became of the one before."""
    assert isinstance(before, Delivered), before
    told = msgspec.structs.replace(job_event(**fields), id=event)
    sent = outgoing(told)
    return msgspec.structs.replace(sent, delivery_id=f"dlv_{number:02d}", receipt=before.receipt)


def other_picture(name: str) -> dict[str, Any]:
    """Fields of a job with another picture."""
    return {"images": (Image(index=1, url=f"https://cdn.example.com/{name}.png"),)}
