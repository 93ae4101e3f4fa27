"""What JourneyAPI takes orders for, from which parents and at which price: documented but where it says inferred."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import msgspec

from receiver.pretend.book import (
    Draft,
    PretendJob,
    Shape,
)
from receiver.pretend.faults import PretendRefusal
from receiver.pretend.fields import (
    choice,
    optional,
    text,
    texts,
)
from receiver.pretend.pictures import UPSCALED
from receiver.pretend.vendor import PretendRequest

INDEXES: Final = ("1", "2", "3", "4")
ASPECTS: Final = ("1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3")
#: Grids whose tiles can be upscaled; documented for the first three, inferred for the others.
GRIDS: Final = ("imagine", "reroll", "variations", "pan", "inpaint", "outpaint")
FOUR: Final = Decimal(4)
TWO: Final = Decimal(2)


def _imagine(received: PretendRequest) -> Draft:
    prompt = text(received.body, "prompt")
    if "aspect_ratio" in received.body:
        choice(received.body, "aspect_ratio", ASPECTS)
    if received.body.get("model", "midjourney") == "midjourney":
        return _draft(received, "imagine", FOUR, "grid", prompt)
    return msgspec.structs.replace(_draft(received, "imagine", FOUR, "single", prompt), slowness=0.0)


def _reroll(received: PretendRequest) -> Draft:
    parent = _parent(received, ("imagine",), "parent task must be an imagine task")
    return _draft(received, "reroll", FOUR, "grid", str(received.body.get("prompt") or parent.order.prompt))


def _variations(received: PretendRequest) -> Draft:
    index = choice(received.body, "index", (*INDEXES, "strong", "subtle"))
    kinds = GRIDS[:3] if index in INDEXES else ("upscale-1x",)
    parent = _parent(received, kinds, "this index is not possible with this parent task")
    return _typed(_draft(received, "variations", FOUR, "grid", parent.order.prompt), f"variation-{index}")


def _upscale_1x(received: PretendRequest) -> Draft:
    index = _index(received.body)
    parent = _parent(received, GRIDS, "parent task must be an imagine, reroll or variations task")
    draft = _typed(_draft(received, "upscale-1x", TWO, "single", parent.order.prompt), "upscale#1")
    return msgspec.structs.replace(draft, seeds=(parent.seeds[int(index) - 1],))


def _upscale_alt(received: PretendRequest) -> Draft:
    kind = choice(received.body, "type", ("subtle", "creative"))
    parent = _parent(received, ("upscale-1x",), "parent task must be an upscale-1x task")
    return _hd(_draft(received, "upscale-alt", FOUR, "single", parent.order.prompt), parent.seeds[0], f"upscale-{kind}")


def _upscale_2x_4x(received: PretendRequest) -> Draft:
    task_type = f"upscale-{choice(received.body, 'type', ('2x', '4x'))}"
    if ("parent_task_id" in received.body) == ("image_url" in received.body):
        raise PretendRefusal(400, "exactly one of parent_task_id or image_url is required")
    index = _index(received.body) if "index" in received.body else "1"
    if "image_url" in received.body:
        return _hd(_draft(received, "upscale-2x-4x", TWO, "single", ""), text(received.body, "image_url"), task_type)
    parent = _parent(received, (), "")
    if not parent.seeds:
        raise PretendRefusal(400, "parent task has no image")
    seed = parent.seeds[int(index) - 1 if parent.order.shape == "grid" else 0]
    return _hd(_draft(received, "upscale-2x-4x", TWO, "single", parent.order.prompt), seed, task_type)


def _pan(received: PretendRequest) -> Draft:
    direction = choice(received.body, "direction", ("up", "down", "left", "right"))
    parent = _parent(received, ("upscale-1x",), "parent task must be an upscale-1x task")
    return _typed(_draft(received, "pan", FOUR, "grid", parent.order.prompt), f"pan-{direction}")


def _edit(kind: str) -> Callable[[PretendRequest], Draft]:
    """/inpaint and /outpaint: only their parent is documented; fields and price are inferred."""

    def read(received: PretendRequest) -> Draft:
        parent = _parent(received, ("upscale-1x",), "parent task must be an upscale-1x task")
        return _draft(received, kind, FOUR, "grid", str(received.body.get("prompt") or parent.order.prompt))

    return read


def _blend(received: PretendRequest) -> Draft:
    if texts(received.body, "image_urls", 2, 5) is None:
        raise PretendRefusal(400, "image_urls must contain 2-5 URLs")
    if "dimension" in received.body:
        choice(received.body, "dimension", ("square", "portrait", "landscape"))
    return _draft(received, "blend", FOUR, "grid", "blend")


def _describe(received: PretendRequest) -> Draft:
    text(received.body, "image_url")
    return _draft(received, "describe", TWO, "words", "")


def _faceswap(received: PretendRequest) -> Draft:
    text(received.body, "target_image_url")
    text(received.body, "swap_image_url")
    return _draft(received, "faceswap", TWO, "single", "faceswap")


ORDERS: Final[dict[str, Callable[[PretendRequest], Draft]]] = {
    "imagine": _imagine,
    "reroll": _reroll,
    "variations": _variations,
    "upscale-1x": _upscale_1x,
    "upscale-alt": _upscale_alt,
    "upscale-2x-4x": _upscale_2x_4x,
    "pan": _pan,
    "inpaint": _edit("inpaint"),
    "outpaint": _edit("outpaint"),
    "blend": _blend,
    "describe": _describe,
    "faceswap": _faceswap,
}


def _draft(received: PretendRequest, kind: str, amount: Decimal, shape: Shape, prompt: str) -> Draft:
    return Draft(
        kind=kind,
        amount=amount,
        body=received.body,
        shape=shape,
        prompt=prompt,
        webhook_url=optional(received.body, "webhook_url"),
        webhook_secret=optional(received.body, "webhook_secret"),
    )


def _typed(draft: Draft, task_type: str) -> Draft:
    """With the word that the vendor's `task_type` has for it."""
    return msgspec.structs.replace(draft, details={"task_type": task_type})


def _hd(draft: Draft, seed: str, task_type: str) -> Draft:
    """A large picture, which takes longer."""
    return msgspec.structs.replace(_typed(draft, task_type), seeds=(seed,), size=UPSCALED, slowness=2.0)


def _parent(received: PretendRequest, kinds: tuple[str, ...], otherwise: str) -> PretendJob:
    """The parent, if it is finished and of one of these kinds; no kinds = any. `otherwise`'s words are made up."""
    parent = received.book.get(text(received.body, "parent_task_id"))
    if parent is None:
        raise PretendRefusal(400, "parent_task_id not found")
    if not parent.done:
        raise PretendRefusal(400, "parent task is not finished")
    if kinds and parent.order.kind not in kinds:
        raise PretendRefusal(400, otherwise)
    return parent


def _index(body: dict[str, Any]) -> str:
    """Text "1"-"4", never a number (documented)."""
    index = body.get("index")
    if not isinstance(index, str) or index not in INDEXES:
        raise PretendRefusal(400, "index must be 1, 2, 3, or 4")
    return index
