"""What midjourney-proxy and the services built on it say alike: words for actions, and buttons by their custom ids."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from receiver.model.actions import Params
from receiver.model.jobs import KeptJob
from receiver.providers.shared import reading

#: A task's `action` to ours. UPSCALE names the cropped tile, at some services an enlargement too; a tile is inferred.
ACTIONS: Final[dict[str, tuple[str, Params]]] = {
    "IMAGINE": ("imagine", {}),
    "UPSCALE": ("pick", {}),
    "VARIATION": ("vary", {}),
    "LOW_VARIATION": ("vary", {"strength": "subtle"}),
    "HIGH_VARIATION": ("vary", {"strength": "strong"}),
    "REROLL": ("reroll", {}),
    "ZOOM": ("zoom", {}),
    "PAN": ("pan", {}),
    "INPAINT": ("inpaint", {}),
    "BLEND": ("blend", {}),
    "DESCRIBE": ("describe", {}),
    "VIDEO": ("video", {}),
}
MAX_BUTTONS: Final = 64
#: How the command of an enlargement ends, by our kind, the nearest first: `upsample_v7_2x_subtle`, `upsample_v5_4x`.
HD_ENDINGS: Final[dict[str, tuple[str, ...]]] = {
    "2x": ("_v5_2x", "_2x_subtle"),
    "4x": ("_v5_4x",),
    "subtle": ("_2x_subtle",),
    "creative": ("_2x_creative",),
    "v5_2x": ("_v5_2x",),
    "v5_4x": ("_v5_4x",),
}
#: The number in the button of a zoom, by our factor.
ZOOMS: Final[dict[float, str]] = {2.0: "50", 1.5: "75"}
STRENGTHS: Final = {"subtle": "low_variation", "strong": "high_variation"}

_JOB: Final = re.compile(r"MJ::JOB::([a-z0-9_]{1,50})::([0-4])::.*")
_ZOOM: Final = re.compile(r"MJ::Outpaint::(50|75)::.*")


def buttons_of(task: Mapping[str, Any]) -> list[str]:
    """The custom ids of a task's `buttons`."""
    buttons = task.get("buttons")
    if not isinstance(buttons, list):
        return []
    said = (reading.job_id(one.get("customId")) for one in buttons[:MAX_BUTTONS] if isinstance(one, dict))
    return [custom_id for custom_id in said if custom_id is not None]


def kept_buttons(kept: KeptJob) -> list[str]:
    """The custom ids that are remembered of a job."""
    buttons = kept.facts.get("buttons")
    return [button for button in buttons if isinstance(button, str)] if isinstance(buttons, list) else []


def button_for(action: str, params: Params, buttons: Iterable[str]) -> str | None:
    """The button that does this; None if none of them does. Their names were seen in integrators' code."""
    known = list(buttons)
    found = (button for wanted in _wanted(action, params) for button in known if wanted.match(button))
    return next(found, None)


def _wanted(action: str, params: Params) -> list[re.Pattern[str]]:
    if action == "upscale":
        endings = HD_ENDINGS.get(str(params.get("kind", "2x")), ())
        return [re.compile(rf"MJ::JOB::upsample\w*{ending}::") for ending in endings]
    plain = {
        "pick": f"MJ::JOB::upsample::{params.get('index')}::",
        "reroll": "MJ::JOB::reroll::",
        "zoom": f"MJ::Outpaint::{ZOOMS.get(params.get('factor', 2.0))}::",
        "pan": f"MJ::JOB::pan_{params.get('direction')}::",
        "inpaint": "MJ::Inpaint::",
        "vary": f"MJ::JOB::variation::{params['index']}::"
        if "index" in params
        else f"MJ::JOB::{STRENGTHS.get(str(params.get('strength', 'subtle')))}::",
    }.get(action)
    return [] if plain is None else [re.compile(re.escape(plain))]


def pressed(custom_id: str) -> tuple[str, Params] | None:
    """Our action and its parameters for a button that was pressed; None for one that is not known."""
    zoom = _ZOOM.fullmatch(custom_id)
    if zoom is not None:
        return "zoom", {"factor": next(factor for factor, number in ZOOMS.items() if number == zoom[1])}
    if custom_id.startswith("MJ::CustomZoom::"):
        return "zoom", {}
    if custom_id.startswith("MJ::Inpaint::"):
        return "inpaint", {}
    job = _JOB.fullmatch(custom_id)
    return None if job is None else _commanded(job[1], int(job[2]))


def _commanded(command: str, number: int) -> tuple[str, Params] | None:
    if command in ("upsample", "variation"):
        return ("pick" if command == "upsample" else "vary"), {"index": number} if number else {}
    for strength, name in STRENGTHS.items():
        if command == name:
            return "vary", {"strength": strength}
    if command == "reroll":
        return "reroll", {}
    if command in ("pan_up", "pan_down", "pan_left", "pan_right"):
        return "pan", {"direction": command.removeprefix("pan_")}
    for kind in ("subtle", "creative", "v5_2x", "v5_4x"):
        if command.startswith("upsample_") and command.endswith(HD_ENDINGS[kind]):
            return "upscale", {"kind": kind}
    return None


def shows_grid(buttons: Iterable[str]) -> bool:
    """Whether buttons choose among tiles: a single picture has none for a second one."""
    return any(re.match(r"MJ::JOB::(upsample|variation)::2::", button) for button in buttons)
