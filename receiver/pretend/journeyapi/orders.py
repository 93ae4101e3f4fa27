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
from receiver.pretend.faults import Refused
from receiver.pretend.fields import (
    choice,
    optional,
    text,
    texts,
)
from receiver.pretend.pictures import UPSCALED
from receiver.pretend.vendor import Wish

INDEXES: Final = ("1", "2", "3", "4")
ASPECTS: Final = ("1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3")
#: Grids whose tiles can be upscaled; documented for the first three, inferred for the others.
GRIDS: Final = ("imagine", "reroll", "variations", "pan", "inpaint", "outpaint")
FOUR: Final = Decimal(4)
TWO: Final = Decimal(2)


def _imagine(wish: Wish) -> Draft:
    prompt = text(wish.body, "prompt")
    if "aspect_ratio" in wish.body:
        choice(wish.body, "aspect_ratio", ASPECTS)
    if wish.body.get("model", "midjourney") == "midjourney":
        return _draft(wish, "imagine", FOUR, "grid", prompt)
    return msgspec.structs.replace(_draft(wish, "imagine", FOUR, "single", prompt), slowness=0.0)


def _reroll(wish: Wish) -> Draft:
    parent = _parent(wish, ("imagine",), "parent task must be an imagine task")
    return _draft(wish, "reroll", FOUR, "grid", str(wish.body.get("prompt") or parent.order.prompt))


def _variations(wish: Wish) -> Draft:
    index = choice(wish.body, "index", (*INDEXES, "strong", "subtle"))
    kinds = GRIDS[:3] if index in INDEXES else ("upscale-1x",)
    parent = _parent(wish, kinds, "this index is not possible with this parent task")
    return _typed(_draft(wish, "variations", FOUR, "grid", parent.order.prompt), f"variation-{index}")


def _upscale_1x(wish: Wish) -> Draft:
    index = _index(wish.body)
    parent = _parent(wish, GRIDS, "parent task must be an imagine, reroll or variations task")
    draft = _typed(_draft(wish, "upscale-1x", TWO, "single", parent.order.prompt), "upscale#1")
    return msgspec.structs.replace(draft, seeds=(parent.seeds[int(index) - 1],))


def _upscale_alt(wish: Wish) -> Draft:
    kind = choice(wish.body, "type", ("subtle", "creative"))
    parent = _parent(wish, ("upscale-1x",), "parent task must be an upscale-1x task")
    return _hd(_draft(wish, "upscale-alt", FOUR, "single", parent.order.prompt), parent.seeds[0], f"upscale-{kind}")


def _upscale_2x_4x(wish: Wish) -> Draft:
    task_type = f"upscale-{choice(wish.body, 'type', ('2x', '4x'))}"
    if ("parent_task_id" in wish.body) == ("image_url" in wish.body):
        raise Refused(400, "exactly one of parent_task_id or image_url is required")
    index = _index(wish.body) if "index" in wish.body else "1"
    if "image_url" in wish.body:
        return _hd(_draft(wish, "upscale-2x-4x", TWO, "single", ""), text(wish.body, "image_url"), task_type)
    parent = _parent(wish, (), "")
    if not parent.seeds:
        raise Refused(400, "parent task has no image")
    seed = parent.seeds[int(index) - 1 if parent.order.shape == "grid" else 0]
    return _hd(_draft(wish, "upscale-2x-4x", TWO, "single", parent.order.prompt), seed, task_type)


def _pan(wish: Wish) -> Draft:
    direction = choice(wish.body, "direction", ("up", "down", "left", "right"))
    parent = _parent(wish, ("upscale-1x",), "parent task must be an upscale-1x task")
    return _typed(_draft(wish, "pan", FOUR, "grid", parent.order.prompt), f"pan-{direction}")


def _edit(kind: str) -> Callable[[Wish], Draft]:
    """/inpaint and /outpaint: only their parent is documented; fields and price are inferred."""

    def read(wish: Wish) -> Draft:
        parent = _parent(wish, ("upscale-1x",), "parent task must be an upscale-1x task")
        return _draft(wish, kind, FOUR, "grid", str(wish.body.get("prompt") or parent.order.prompt))

    return read


def _blend(wish: Wish) -> Draft:
    if texts(wish.body, "image_urls", 2, 5) is None:
        raise Refused(400, "image_urls must contain 2-5 URLs")
    if "dimension" in wish.body:
        choice(wish.body, "dimension", ("square", "portrait", "landscape"))
    return _draft(wish, "blend", FOUR, "grid", "blend")


def _describe(wish: Wish) -> Draft:
    text(wish.body, "image_url")
    return _draft(wish, "describe", TWO, "words", "")


def _faceswap(wish: Wish) -> Draft:
    text(wish.body, "target_image_url")
    text(wish.body, "swap_image_url")
    return _draft(wish, "faceswap", TWO, "single", "faceswap")


ORDERS: Final[dict[str, Callable[[Wish], Draft]]] = {
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


def _draft(wish: Wish, kind: str, amount: Decimal, shape: Shape, prompt: str) -> Draft:
    return Draft(
        kind=kind,
        amount=amount,
        body=wish.body,
        shape=shape,
        prompt=prompt,
        webhook_url=optional(wish.body, "webhook_url"),
        webhook_secret=optional(wish.body, "webhook_secret"),
    )


def _typed(draft: Draft, task_type: str) -> Draft:
    """With the word that the vendor's `task_type` has for it."""
    return msgspec.structs.replace(draft, details={"task_type": task_type})


def _hd(draft: Draft, seed: str, task_type: str) -> Draft:
    """A large picture, which takes longer."""
    return msgspec.structs.replace(_typed(draft, task_type), seeds=(seed,), size=UPSCALED, slowness=2.0)


def _parent(wish: Wish, kinds: tuple[str, ...], otherwise: str) -> PretendJob:
    """The parent, if it is finished and of one of these kinds; no kinds = any. `otherwise`'s words are made up."""
    parent = wish.book.get(text(wish.body, "parent_task_id"))
    if parent is None:
        raise Refused(400, "parent_task_id not found")
    if not parent.done:
        raise Refused(400, "parent task is not finished")
    if kinds and parent.order.kind not in kinds:
        raise Refused(400, otherwise)
    return parent


def _index(body: dict[str, Any]) -> str:
    """Text "1"-"4", never a number (documented)."""
    index = body.get("index")
    if not isinstance(index, str) or index not in INDEXES:
        raise Refused(400, "index must be 1, 2, 3, or 4")
    return index
