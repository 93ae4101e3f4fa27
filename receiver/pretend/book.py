"""The pretend job book: what was ordered and how far it is. In memory, bounded, oldest dropped."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final, Generic, Literal, TypeVar

import msgspec

from receiver.pretend.pictures import TILE

LIMIT: Final = 10_000

#: `waiting` = the vendor needs another call before it starts (the MODAL of APIMart and midjourney-proxy).
State = Literal["waiting", "queued", "running", "completed", "failed", "canceled"]
#: Four tiles and their grid, one picture, or words.
Shape = Literal["grid", "single", "words"]

V = TypeVar("V")


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An order that passed the vendor's checks."""

    #: What was ordered, in the vendor's own word; also what a follow-up's legality goes by.
    kind: str
    amount: Decimal
    unit: str = "credits"
    #: The JSON body as it came.
    body: dict[str, Any]
    shape: Shape
    #: The words drawn into the pictures.
    prompt: str = ""
    #: The tile that a single picture shows; empty: new pictures.
    seeds: tuple[str, ...] = ()
    #: Pixels of one picture.
    size: int = TILE
    webhook_url: str | None = None
    webhook_secret: str | None = None
    #: Which webhooks were asked for.
    events: frozenset[str] = frozenset({"progress", "completed", "failed"})
    #: Times the pace; 0 = done before the order is answered.
    slowness: float = 1.0
    #: How many tasks one order makes.
    count: int = 1
    idempotency_key: str | None = None
    #: Does not start by itself.
    waits: bool = False
    #: What only this vendor needs to remember.
    details: dict[str, str] = {}


class PretendJob(msgspec.Struct, frozen=True, kw_only=True):
    """A job at the pretend vendor."""

    id: str
    order: Draft
    #: Scheme and host that the order was sent to; pictures are served there.
    base: str
    seeds: tuple[str, ...]
    state: State
    #: 0-100
    progress: int = 0
    error: str | None = None
    #: Unix ms
    created: int
    finished: int | None = None
    #: Whether its last webhook arrived.
    webhook: Literal["pending", "delivered", "failed"] | None = None

    @property
    def done(self) -> bool:
        """Whether it came to a good end."""
        return self.state == "completed"

    @property
    def ended(self) -> bool:
        """Whether it came to any end."""
        return self.state in ("completed", "failed", "canceled")

    def picture(self, part: int | str) -> str:
        """Address of a picture: `grid`, or 1-4."""
        return f"{self.base}/pictures/{self.id}/{part}.png"

    def pictures(self) -> list[str]:
        """Addresses of its tiles, or of its only picture."""
        return [self.picture(place) for place, _ in enumerate(self.seeds, 1)]


class Shelf(Generic[V]):
    """Values by name, at most `limit` of them; the oldest goes when a new one does not fit."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._values: OrderedDict[str, V] = OrderedDict()

    def put(self, name: str, value: V) -> None:
        """Keeps a value, in the place of the one that had this name."""
        self._values[name] = value
        if len(self._values) > self._limit:
            self._values.popitem(last=False)

    def get(self, name: str) -> V | None:
        """The value of this name, if it is still kept."""
        return self._values.get(name)

    def __iter__(self) -> Iterator[V]:
        return iter(list(self._values.values()))

    def __len__(self) -> int:
        return len(self._values)


def new_job(job_id: str, order: Draft, base: str, now: int) -> PretendJob:
    """A job that has just been ordered. `now` is Unix ms."""
    places = {"grid": 4, "single": 1, "words": 0}[order.shape]
    return PretendJob(
        id=job_id,
        order=order,
        base=base,
        seeds=order.seeds or tuple(f"{job_id}:{place}" for place in range(1, places + 1)),
        state="waiting" if order.waits else "queued",
        created=now,
        webhook="pending" if order.webhook_url else None,
    )
