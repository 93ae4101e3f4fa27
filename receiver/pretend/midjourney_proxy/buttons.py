"""The buttons that trueai shows below a finished picture; their names were seen in integrators' code."""

from __future__ import annotations

from typing import Final
from uuid import NAMESPACE_URL, uuid5

from receiver.pretend.book import PretendJob
from receiver.pretend.midjourney_proxy.versions import HD_COMMANDS, version_in

#: What is below every single picture.
ON_SINGLE: Final = {
    "MJ::JOB::low_variation::1": "Vary (Subtle)",
    "MJ::JOB::high_variation::1": "Vary (Strong)",
    "MJ::Outpaint::50::1": "Zoom Out 2x",
    "MJ::Outpaint::75::1": "Zoom Out 1.5x",
    **{f"MJ::JOB::pan_{direction}::1": "" for direction in ("left", "right", "up", "down")},
}


def buttons(job: PretendJob) -> list[dict[str, object]]:
    """The buttons of a finished task as its JSON has them; none below words."""
    if not job.done or job.order.shape == "words":
        return []
    name = job_uuid(job)
    if job.order.shape == "grid":
        tiles = {
            f"MJ::JOB::{command}::{index}::{name}": f"{letter}{index}"
            for command, letter in (("upsample", "U"), ("variation", "V"))
            for index in range(1, 5)
        }
        return [_button(*one) for one in {**tiles, f"MJ::JOB::reroll::0::{name}::SOLO": ""}.items()]
    shown = {f"{command}::{name}::SOLO": label for command, label in ON_SINGLE.items()}
    if job.order.details["action"] == "UPSCALE":
        shown |= {f"MJ::JOB::{command}::1::{name}::SOLO": "Upscale" for command in _enlargements(job)}
        shown |= {f"MJ::Inpaint::1::{name}::SOLO": "Vary (Region)", f"MJ::CustomZoom::{name}": "Custom Zoom"}
    return [_button(*one) for one in shown.items()]


def custom_ids(job: PretendJob) -> frozenset[object]:
    """The ids of a task's buttons."""
    return frozenset(button["customId"] for button in buttons(job))


def job_uuid(job: PretendJob) -> str:
    """Midjourney's own id of what a task made."""
    return str(uuid5(NAMESPACE_URL, job.id))


def _enlargements(job: PretendJob) -> tuple[str, ...]:
    return HD_COMMANDS.get(version_in(job.order.prompt)[:1], HD_COMMANDS["7"])


def _button(custom_id: str, label: str) -> dict[str, object]:
    return {"customId": custom_id, "emoji": "", "label": label, "style": 2, "type": 2}
