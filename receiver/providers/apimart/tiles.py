"""HD upscale at APIMart: the grid, the tile and the custom id that the order must name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from receiver.contracts import Answer, Order
from receiver.errors import Unmapped, Unsupported
from receiver.model.actions import GRIDS
from receiver.model.jobs import KeptJob
from receiver.providers.apimart.tasks import unwrap
from receiver.providers.apimart.versions import (
    DEFAULT,
    hd_command,
    version_in,
    version_of,
)
from receiver.providers.shared import reading
from receiver.providers.shared.midjourney_buttons import buttons_of, kept_buttons

#: Whose result is a grid; the vendor's own actions are inferred.
MAKES_GRID: Final = GRIDS | {"edits", "modal", "remix-strong", "remix-subtle"}

_BUTTON: Final = re.compile(r"MJ::JOB::(upsample|variation|low_variation|high_variation)::([1-4])::([\w-]{1,100})")


class Tile(msgspec.Struct, frozen=True, kw_only=True):
    """One tile of a grid."""

    #: The grid itself, then its ancestors.
    lineage: tuple[KeptJob, ...]
    #: 1-4
    index: int

    @property
    def grid(self) -> KeptJob:
        """The grid itself."""
        return self.lineage[0]


def tile_of(order: Order) -> Tile | None:
    """The tile that an upscale is about: its parent's if that is a pick, else `index` of the grid; None = not known."""
    parent = order.parent
    if parent is None:
        return None
    lineage = order.ancestors
    index = order.params.get("index")
    if parent.job.action not in MAKES_GRID:
        index = parent.job.params.get("index", index)
        lineage = _from_grid(lineage[1:])
    if not lineage or lineage[0].job.provider_job_id is None or not isinstance(index, int):
        return None
    return Tile(lineage=lineage, index=index)


def _from_grid(ancestors: tuple[KeptJob, ...]) -> tuple[KeptJob, ...]:
    for place, kept in enumerate(ancestors):
        if kept.job.action in MAKES_GRID:
            return ancestors[place:]
    return ()


def hd_body(order: Order, prepared: Answer | None) -> dict[str, str]:
    """`task_id` and `custom_id` of an HD upscale. Raises Unsupported when the grid or its button is not known.

    Documented (seed 000): the enlargement command is given via `custom_id`, by version. That the task is the grid's,
    and that the custom id is the grid's own U-button with the command in place of `upsample`, is inferred.
    """
    tile = tile_of(order)
    if tile is None:
        raise Unsupported("the grid that this tile came from is not known here", "upscale of the grid with an index")
    fetched, prompt = _fetched(prepared)
    version = version_of(tile.lineage) or version_in(prompt) or DEFAULT
    command = hd_command(version, order.params.get("kind", "2x"))
    custom_id = hd_custom_id(kept_buttons(tile.grid) or fetched, tile.index, command)
    if custom_id is None:
        raise Unsupported(f"the grid has no button of tile {tile.index} to make an HD upscale of", "vary or reroll")
    return {"task_id": str(tile.grid.job.provider_job_id), "custom_id": custom_id}


def needs_buttons(order: Order) -> KeptJob | None:
    """The grid whose buttons must be read before the order can be built; None if they are known or cannot help."""
    tile = tile_of(order)
    if order.action != "upscale" or "custom_id" in order.params or tile is None or kept_buttons(tile.grid):
        return None
    return tile.grid


def hd_custom_id(buttons: Iterable[str], index: int, command: str) -> str | None:
    """The custom id of an HD command for a tile, from the grid's own buttons; None if none of them names the tile.

    The U-button is taken if there is one; versions without them lend the hash of a V-button (inferred).
    """
    found = [button for button in map(_BUTTON.fullmatch, buttons) if button and button[2] == str(index)]
    best = min(found, key=lambda button: button[1] != "upsample", default=None)
    return f"MJ::JOB::{command}::{index}::{best[3]}" if best else None


def _fetched(prepared: Answer | None) -> tuple[list[str], str | None]:
    """Buttons and prompt out of `GET /v1/midjourney/{id}`."""
    if prepared is None:
        return [], None
    if prepared.status == 404:
        raise Unsupported("APIMart no longer has the grid (tasks are kept for 3 days)", "a new imagine")
    try:
        task = unwrap(reading.answer_json(prepared))[0]
    except Unmapped as wrong:
        raise Unsupported(f"the grid could not be read (HTTP {prepared.status}): {wrong}") from None
    return buttons_of(task), reading.text(task.get("prompt"))
