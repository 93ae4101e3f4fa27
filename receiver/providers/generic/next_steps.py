"""What is offered after a job: every order whose `parents` name its action, with its price."""

from __future__ import annotations

from collections.abc import Iterable

from receiver.model.actions import DIRECTIONS, GRID_INDEXES, STRENGTHS, Params
from receiver.model.jobs import KeptJob, NextAction
from receiver.providers.generic.orders import OF_A_TILE, PARENT_IMAGE, OrderTemplate
from receiver.providers.shared import reading


class NextSteps:
    """Remembers what follows what: the very same tuple for all jobs of a kind."""

    def __init__(self, orders: Iterable[OrderTemplate]) -> None:
        self._orders = tuple(orders)
        self._known: dict[tuple[str, int], tuple[NextAction, ...]] = {}

    def after(self, kept: KeptJob) -> tuple[NextAction, ...]:
        """What can be ordered from a completed job with pictures; nothing from any other."""
        job = kept.job
        if job.status != "completed" or not (job.images or job.grid_url) or job.action is None:
            return ()
        tiles = reading.count(job.images)
        found = self._known.get((job.action, tiles))
        if found is None:
            found = self._known[job.action, tiles] = tuple(self._made(job.action, tiles))
        return found

    def _made(self, before: str, tiles: int) -> Iterable[NextAction]:
        for order in self._orders:
            if before in order.parents:
                for params in _choices(order, tiles):
                    yield NextAction(action=order.action, params=params, cost=order.price)


def _choices(order: OrderTemplate, tiles: int) -> Iterable[Params]:
    """The parameters that are offered; `tiles` is the number of the parent's pictures, 0 = only its grid."""
    by_tile: tuple[Params, ...] = tuple({"index": index} for index in GRID_INDEXES[: tiles or None])
    if order.action == "pick":
        return by_tile
    if order.action == "pan":
        return ({"direction": direction} for direction in DIRECTIONS)
    if order.action == "zoom":
        return ({"factor": factor} for factor in (1.5, 2.0))
    if order.names & OF_A_TILE:
        return ({},) if tiles == 1 else by_tile
    if order.action == "vary":
        return ({"strength": strength} for strength in STRENGTHS)
    return by_tile if PARENT_IMAGE in order.names and tiles > 1 else ({},)
