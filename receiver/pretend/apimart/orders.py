"""What APIMart takes orders for, from which parents: documented but where it says inferred. Prices are made up."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, NamedTuple

import msgspec

from receiver.pretend.book import (
    Draft,
    PretendJob,
    Shape,
)
from receiver.pretend.faults import PretendRefusal
from receiver.pretend.fields import (
    choice,
    text,
    texts,
    whole,
)
from receiver.pretend.midjourney_proxy.versions import ALL_HD, HD_COMMANDS, version_in
from receiver.pretend.pictures import UPSCALED
from receiver.pretend.vendor import PretendRequest

#: The price of the documented sample.
GRID_PRICE: Final = Decimal("1.5")
UPSCALE_PRICE: Final = Decimal("0.1")
HD_PRICE: Final = Decimal(3)
NEEDS_UPSCALED: Final = "This action requires an upscaled task; upscale one picture of the grid first"
BUTTON: Final = re.compile(r"MJ::JOB::([a-z0-9_]+)::([1-4])::([0-9a-f]+)")


class Button(NamedTuple):
    """A button's id, read."""

    command: str
    #: 1-4
    number: int
    hash: str


def buttons(job: PretendJob) -> list[dict[str, str]]:
    """What can be pressed below a finished picture. U and V are documented; the other ids are inferred."""
    name = job_hash(job)
    if job.order.shape == "single":
        commands = {"Zoom Out 2x": "Outpaint::50", "Vary (Region)": "Inpaint::1", "Pan Left": "pan_left::1"}
        return [{"customId": f"MJ::JOB::{command}::{name}", "label": label} for label, command in commands.items()]
    rows = [("variation", "V")] if _version(job).startswith("8") else [("upsample", "U"), ("variation", "V")]
    pressed = [
        {"customId": f"MJ::JOB::{command}::{index}::{name}", "label": f"{letter}{index}"}
        for command, letter in rows
        for index in range(1, 5)
    ]
    return [*pressed, {"customId": f"MJ::JOB::reroll::0::{name}::SOLO", "label": "Reroll"}]


def job_hash(job: PretendJob) -> str:
    """The hash in a job's own buttons."""
    return hashlib.sha256(job.id.encode()).hexdigest()[:12]


def modal_parent(received: PretendRequest) -> PretendJob:
    """The inpaint that waits for /modal. Raises Refused."""
    parent = _task(received, "modal")
    if parent.state != "waiting":
        raise PretendRefusal(400, f"task {parent.id} is not in MODAL state")
    return parent


def _imagine(received: PretendRequest) -> Draft:
    prompt = text(received.body, "prompt")
    count = whole(received.body, "repeat", 2, 40) if "repeat" in received.body else 1
    if count is None:
        raise PretendRefusal(400, "repeat must be 2-40")
    return msgspec.structs.replace(_draft(received, "imagine", "grid", prompt), count=count)


def _blend(received: PretendRequest) -> Draft:
    if texts(received.body, "image_urls", 2, 4) is None:
        raise PretendRefusal(400, "image_urls must contain 2-4 images")
    return _draft(received, "blend", "grid", "blend")


def _describe(received: PretendRequest) -> Draft:
    if texts(received.body, "image_urls", 1, 1) is None:
        raise PretendRefusal(400, "image_urls must contain 1 image")
    return _draft(received, "describe", "words", "")


def _upscale(received: PretendRequest) -> Draft:
    parent = _finished(received, "upscale")
    if parent.order.shape != "grid":
        raise PretendRefusal(400, f"task {parent.id} has no picture to choose")
    button = _button(received.body, parent)
    if button is None:
        return _cut_out(received, parent, _index(received.body))
    if button.command == "upsample":
        return _cut_out(received, parent, button.number)
    version = _version(parent)
    if button.command not in HD_COMMANDS.get(version[:1], ALL_HD):
        raise PretendRefusal(400, f"custom_id does not fit this task's version {version}".rstrip())
    draft = _draft(received, "upscale", "single", parent.order.prompt)
    seeds = (parent.seeds[button.number - 1],)
    return msgspec.structs.replace(draft, amount=HD_PRICE, seeds=seeds, size=UPSCALED, slowness=2.0)


def _cut_out(received: PretendRequest, parent: PretendJob, index: int) -> Draft:
    """An upscale by index: composed locally, at once (documented)."""
    draft = _draft(received, "upscale", "single", parent.order.prompt)
    return msgspec.structs.replace(draft, amount=UPSCALE_PRICE, seeds=(parent.seeds[index - 1],), slowness=0.0)


def _vary(kind: str) -> Callable[[PretendRequest], Draft]:
    def read(received: PretendRequest) -> Draft:
        parent = _finished(received, kind)
        if parent.order.shape == "grid" and _button(received.body, parent) is None:
            _index(received.body)
        return _draft(received, kind, "grid", parent.order.prompt)

    return read


def _reroll(received: PretendRequest) -> Draft:
    parent = _finished(received, "reroll")
    if parent.order.shape != "grid":
        raise PretendRefusal(400, f"task {parent.id} cannot be rerolled")
    return _draft(received, "reroll", "grid", parent.order.prompt)


def _zoom(received: PretendRequest) -> Draft:
    ratio = received.body.get("zoom_ratio", 2)
    if isinstance(ratio, bool) or not isinstance(ratio, int | float):
        raise PretendRefusal(400, "zoom_ratio must be a number")
    return _draft(received, "zoom", "grid", _upscaled(received, "zoom").order.prompt)


def _pan(received: PretendRequest) -> Draft:
    if "custom_id" not in received.body:
        choice(received.body, "direction", ("up", "down", "left", "right"))
    return _draft(received, "pan", "grid", _upscaled(received, "pan").order.prompt)


def _inpaint(received: PretendRequest) -> Draft:
    """Goes into MODAL and waits for /modal (documented); billed here (inferred)."""
    draft = _draft(received, "inpaint", "grid", _upscaled(received, "inpaint").order.prompt)
    return msgspec.structs.replace(draft, waits=True)


ORDERS: Final[dict[str, Callable[[PretendRequest], Draft]]] = {
    "imagine": _imagine,
    "blend": _blend,
    "describe": _describe,
    "upscale": _upscale,
    "variation": _vary("variation"),
    "low-variation": _vary("low-variation"),
    "high-variation": _vary("high-variation"),
    "reroll": _reroll,
    "zoom": _zoom,
    "pan": _pan,
    "inpaint": _inpaint,
}


def _draft(received: PretendRequest, kind: str, shape: Shape, prompt: str) -> Draft:
    return Draft(
        kind=kind,
        amount=GRID_PRICE,
        body=received.body,
        shape=shape,
        prompt=prompt,
        webhook_url=_webhook(received.body),
    )


def _webhook(body: dict[str, Any]) -> str | None:
    """Not an http address: silently dropped (as dated copies of the page say)."""
    url = body.get("webhook")
    return url if isinstance(url, str) and url.startswith(("http://", "https://")) else None


def _task(received: PretendRequest, kind: str) -> PretendJob:
    name = received.body.get("task_id")
    if not isinstance(name, str) or not name:
        raise PretendRefusal(400, f"task_id is required for {kind}")
    job = received.book.get(name)
    if job is None:
        raise PretendRefusal(404, f"task {name} not found")
    return job


def _finished(received: PretendRequest, kind: str) -> PretendJob:
    parent = _task(received, kind)
    if not parent.done:
        raise PretendRefusal(400, f"task {parent.id} is not in SUCCESS state")
    return parent


def _upscaled(received: PretendRequest, kind: str) -> PretendJob:
    parent = _finished(received, kind)
    if parent.order.kind != "upscale":
        raise PretendRefusal(400, NEEDS_UPSCALED)
    return parent


def _index(body: dict[str, Any]) -> int:
    index = whole(body, "index", 1, 4)
    if index is None:
        raise PretendRefusal(400, "index must be 1-4")
    return index


def _button(body: dict[str, Any], parent: PretendJob) -> Button | None:
    """The button that `custom_id` names; it wins over `index` (documented). It must be the parent's own (inferred)."""
    if body.get("custom_id") is None:
        return None
    found = BUTTON.fullmatch(str(body["custom_id"]))
    if found is None or found[3] != job_hash(parent):
        raise PretendRefusal(400, "custom_id is not a button of this task")
    return Button(found[1], int(found[2]), found[3])


def _version(job: PretendJob) -> str:
    """The version that was ordered; empty if the order did not say."""
    said = job.order.body.get("version")
    if said is not None:
        return str(said).lower().removeprefix("v")
    return version_in(job.order.prompt)
