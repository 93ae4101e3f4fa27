"""What Vtrix takes orders for. Parameters and upscale's error codes are documented; prices are made up."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import msgspec

from receiver.pretend.book import (
    Draft,
    PretendJob,
    Shelf,
)
from receiver.pretend.faults import PretendRefusal
from receiver.pretend.fields import whole
from receiver.pretend.pictures import UPSCALED
from receiver.pretend.vendor import PretendRequest

QUEUE: Final = "queue"
LONGEST_TEXT: Final = 8192
GRID_PRICE: Final = Decimal("0.10")
UPSCALE_PRICE: Final = Decimal("0.05")
#: Names of a callback that the queue refuses, in the body or the query, or as part of a header's name.
CALLBACKS: Final = ("callback", "webhook", "webhook_url", "callback_url")


def output_id(task_id: str) -> str:
    """The id that follow-ups name: not the task's own, but the `jobId` in its output."""
    return hashlib.sha256(f"output of {task_id}".encode()).hexdigest()[:32]


def generation(received: PretendRequest) -> Draft:
    """POST /model/v1/generation; params wrapped (the vendor's tool) or flat (seed 002). Raises Refused."""
    params = _unwrapped(received.body)
    model = received.body.get("model")
    draft = _read(received, model if isinstance(model, str) else "", params)
    url = params.get("callback", received.body.get("callback"))
    if url is not None and not (isinstance(url, str) and url.startswith(("http://", "https://"))):
        raise PretendRefusal(400, "Invalid callback URL", code=8004005006)
    return msgspec.structs.replace(draft, webhook_url=url)


def queued(received: PretendRequest) -> Draft:
    """POST /model/v1/queue/{model}; raw params, and no callback anywhere. Raises Refused."""
    in_header = any("webhook" in name or "callback" in name for name in received.headers)
    if in_header or any(name in received.body or name in received.query for name in CALLBACKS):
        raise PretendRefusal(400, "webhook not supported")
    draft = _read(received, received.path["model"], received.body)
    return msgspec.structs.replace(draft, details={"api": QUEUE})


def _unwrapped(body: dict[str, Any]) -> dict[str, Any]:
    blocks = body.get("input")
    if blocks is None:
        return body
    block = blocks[0] if isinstance(blocks, list) and blocks else None
    params = block.get("params") if isinstance(block, dict) else None
    if not isinstance(params, dict):
        raise PretendRefusal(400, "input must be a list of {params}")
    return params


def _read(received: PretendRequest, model: str, params: dict[str, Any]) -> Draft:
    reader = MODELS.get(model)
    if reader is None:
        raise PretendRefusal(400, "unknown model")
    return msgspec.structs.replace(reader(received.book, params), kind=model, body=received.body)


def _diffusion(_: Shelf[PretendJob], params: dict[str, Any]) -> Draft:
    text = params.get("text", params.get("prompt"))
    if not isinstance(text, str) or not 0 < len(text) <= LONGEST_TEXT:
        raise PretendRefusal(400, "Missing text", code=8004001001)
    return _grid(text)


def _upscale(book: Shelf[PretendJob], params: dict[str, Any]) -> Draft:
    parent, number = _picture(book, params)
    if "type" not in params:
        raise PretendRefusal(400, "Type missing", code=8004005004)
    if whole(params, "type", 0, 3) is None:
        raise PretendRefusal(400, "Invalid type", code=8004005005)
    return Draft(
        kind="",
        amount=UPSCALE_PRICE,
        unit="USD",
        body={},
        shape="single",
        prompt=parent.order.prompt,
        seeds=(parent.seeds[number],),
        size=UPSCALED,
        slowness=2.0,
        details={"api": "generation"},
    )


def _variation(book: Shelf[PretendJob], params: dict[str, Any]) -> Draft:
    parent, _ = _picture(book, params)
    if whole(params, "type", 0, 1) is None:
        raise PretendRefusal(400, "Invalid type")
    return _edited(parent, params)


def _outpaint(book: Shelf[PretendJob], params: dict[str, Any]) -> Draft:
    parent, _ = _picture(book, params)
    scale = params.get("scale")
    if isinstance(scale, bool) or not isinstance(scale, int | float) or not 1.1 <= scale <= 2.0:
        raise PretendRefusal(400, "Invalid scale")
    return _edited(parent, params)


def _inpaint(book: Shelf[PretendJob], params: dict[str, Any]) -> Draft:
    parent, _ = _picture(book, params)
    mask = params.get("mask")
    if not isinstance(mask, dict) or not ("areas" in mask or "url" in mask):
        raise PretendRefusal(400, "Invalid mask")
    return _edited(parent, params)


def _pan(book: Shelf[PretendJob], params: dict[str, Any]) -> Draft:
    """Listed, but its parameters beyond job and picture are documented nowhere."""
    parent, _ = _picture(book, params)
    return _edited(parent, params)


MODELS: Final[dict[str, Callable[[Shelf[PretendJob], dict[str, Any]], Draft]]] = {
    "midjourney_diffusion": _diffusion,
    "midjourney_upscale": _upscale,
    "midjourney_variation": _variation,
    "midjourney_outpaint": _outpaint,
    "midjourney_inpaint": _inpaint,
    "midjourney_pan": _pan,
}


def _picture(book: Shelf[PretendJob], params: dict[str, Any]) -> tuple[PretendJob, int]:
    """The parent by its output's id, and which of its pictures, counted from 0."""
    name = params.get("jobId")
    if not isinstance(name, str) or not name:
        raise PretendRefusal(400, "Job ID missing", code=8004005001)
    if "imageNo" not in params:
        raise PretendRefusal(400, "Image number missing", code=8004005002)
    number = whole(params, "imageNo", 0, 3)
    parent = next((job for job in book if job.done and output_id(job.id) == name), None)
    if parent is None:
        raise PretendRefusal(400, "Generation process failed", code=8004005098)  # inferred
    if number is None or number >= len(parent.seeds):
        raise PretendRefusal(400, "Invalid image number", code=8004005003)
    return parent, number


def _edited(parent: PretendJob, params: dict[str, Any]) -> Draft:
    return _grid(str(params.get("remixPrompt") or parent.order.prompt))


def _grid(prompt: str) -> Draft:
    return Draft(
        kind="",
        amount=GRID_PRICE,
        unit="USD",
        body={},
        shape="grid",
        prompt=prompt,
        details={"api": "generation"},
    )
