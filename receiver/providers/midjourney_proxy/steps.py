"""What can be ordered at midjourney-proxy after what, and the body of the request that orders it."""

from __future__ import annotations

import re
from typing import Any, Final, Literal

from receiver.contracts import Order, Parent
from receiver.errors import InvalidParams, Unsupported
from receiver.model.actions import DIRECTIONS, GRIDS, ROOTS, Params
from receiver.model.jobs import TERMINAL, KeptJob, NextAction
from receiver.providers.shared.midjourney_buttons import HD_ENDINGS, STRENGTHS, ZOOMS, button_for, kept_buttons
from receiver.providers.shared.ordering import with_version

Flavour = Literal["novicezk", "trueai"]

NAME: Final = "midjourney-proxy"
#: What `/change` does (documented by both), and the letter that `/simple-change` has for it.
CHANGES: Final = {"pick": ("UPSCALE", "U"), "vary": ("VARIATION", "V"), "reroll": ("REROLL", "R")}
#: What `/change` works on (documented by both).
CHANGEABLE: Final = frozenset({"imagine", "vary", "reroll", "blend"})
#: What is done by a button, at trueai alone; `action` is any button by its custom id.
BY_BUTTON: Final = frozenset({"pick", "upscale", "vary", "reroll", "zoom", "pan", "inpaint", "action"})
#: What each takes orders for (documented).
ORDERED: Final[dict[Flavour, frozenset[str]]] = {
    "novicezk": ROOTS | CHANGES.keys(),
    "trueai": ROOTS | BY_BUTTON | {"modal"},
}
_ON_GRID: Final = frozenset(CHANGES)
_ON_SINGLE: Final = frozenset({"vary", "zoom", "pan", "inpaint"})
#: What may follow what (`/change`: documented; the rest by the buttons that Midjourney shows: inferred).
FOLLOWS: Final[dict[Flavour, dict[str, frozenset[str]]]] = {
    "novicezk": dict.fromkeys(CHANGEABLE, _ON_GRID),
    "trueai": {
        **dict.fromkeys(GRIDS, _ON_GRID | {"action"}),
        "pick": _ON_SINGLE | {"upscale", "action"},
        "upscale": _ON_SINGLE | {"action"},
        "action": _ON_GRID | _ON_SINGLE | {"upscale", "action"},
    },
}
#: Parameters beside the canonical ones (documented).
_OWN: Final[dict[Flavour, dict[str, frozenset[str]]]] = {
    "novicezk": {
        "imagine": frozenset({"base64Array"}),
        "blend": frozenset({"dimensions"}),
    },
    "trueai": {
        "imagine": frozenset({"base64Array", "botType", "accountFilter"}),
        "blend": frozenset({"dimensions", "botType", "accountFilter"}),
        "describe": frozenset({"botType", "accountFilter", "language"}),
        **dict.fromkeys(BY_BUTTON, frozenset({"custom_id"})),
        "modal": frozenset({"prompt", "mask"}),
    },
}
_ASPECT: Final = re.compile(r"(^|\s)--(ar|aspect)\b")


def own_parameters(flavour: Flavour, action: str) -> frozenset[str]:
    """What an action may have beside the canonical parameters; `state` comes back in each webhook."""
    return _OWN[flavour].get(action, frozenset()) | {"state"} if action in ORDERED[flavour] else frozenset()


def refusal(flavour: Flavour, action: str, params: Params, parent: Parent | None) -> str | None:
    """Why an action cannot be ordered, with the nearest that can; None if it can."""
    if action not in ORDERED[flavour]:
        nearest = "zoom" if action == "outpaint" and flavour == "trueai" else ", ".join(sorted(ORDERED[flavour]))
        return f"{NAME} ({flavour}) has no {action}; nearest: {nearest}"
    wrong = _wrong_params(flavour, action, params)
    if wrong is not None or action in ROOTS:
        return wrong
    if parent is None:
        return f"{action} needs a parent job"
    if parent.provider not in (None, NAME):
        return (
            f"{NAME} cannot {action} a job of {parent.provider}; nearest: a new imagine with its picture in the prompt"
        )
    if action == "modal":
        return _no_modal(parent)
    return None if parent.action is None else _cannot_follow(flavour, action, params, parent)


def _wrong_params(flavour: Flavour, action: str, params: Params) -> str | None:
    pictures = params.get("image_urls")
    if action == "blend" and not (isinstance(pictures, list) and pictures and all(map(_is_data, pictures))):
        return 'blend needs image_urls, each of them in base64: "data:image/png;base64,..."'
    picture = params.get("image_url")
    if action == "describe" and (picture is None or (flavour == "novicezk" and not _is_data(picture))):
        return "describe needs image_url" + (' in base64: "data:image/png;base64,..."' if flavour == "novicezk" else "")
    if action == "inpaint" and ("mask" in params or "prompt" in params):
        return f"{NAME} takes mask and prompt in a second call; nearest: inpaint without them, then modal with both"
    if action == "modal" and not str(params.get("prompt") or "").strip():
        return "modal needs a prompt"
    if action == "action" and "custom_id" not in params:
        return "action needs custom_id, the id of one of the job's buttons"
    if action == "zoom" and "custom_id" not in params and params.get("factor", 2.0) not in ZOOMS:
        return f"{NAME} has no zoom by {params['factor']}; nearest: factor 1.5 or 2"
    if action == "modal" and str(params.get("mask", "")).startswith(("http://", "https://")):
        return 'the mask must be in base64: "data:image/png;base64,..."'
    return None


def _is_data(picture: Any) -> bool:
    return isinstance(picture, str) and picture.startswith("data:")


def _no_modal(parent: Parent) -> str | None:
    if parent.kept is None:
        return None
    if parent.kept.job.status in TERMINAL or not parent.kept.awaits_step:
        return f"the {parent.action or 'job'} does not wait for modal; nearest: inpaint, then modal"
    return None


def _cannot_follow(flavour: Flavour, action: str, params: Params, parent: Parent) -> str | None:
    after = parent.action or ""
    follows = FOLLOWS[flavour].get(after, frozenset())
    if action not in follows:
        if "pick" in follows and action in FOLLOWS[flavour].get("pick", ()):
            return f"{NAME} cannot {action} after {after}; nearest: pick a tile first, then this"
        return f"{NAME} cannot {action} after {after}; nearest: {', '.join(sorted(follows)) or 'nothing'}"
    if "custom_id" in params:
        return None
    if action == "vary" and after in GRIDS and "index" not in params:
        return "vary of a grid needs index 1-4"
    if action == "vary" and after in ("pick", "upscale") and "index" in params:
        return "vary of a single picture has no index; nearest: strength subtle or strong"
    known = kept_buttons(parent.kept) if parent.kept is not None and not by_change(action, params, after) else []
    if known and button_for(action, params, known) is None:
        return f"the {after} has no button for this {action}; nearest: {_with_button(action, known)}"
    return None


def _with_button(action: str, known: list[str]) -> str:
    kinds = [kind for kind in HD_ENDINGS if action == "upscale" and button_for(action, {"kind": kind}, known)]
    return f"kind {', '.join(kinds)}" if kinds else "one that it has, as action with custom_id"


def by_change(action: str, params: Params, after: str | None) -> bool:
    """Whether `/change` does it; else a button must be pressed."""
    if action not in CHANGES or "custom_id" in params or (action == "vary" and "index" not in params):
        return False
    return after is None or after in CHANGEABLE


def route_of(order: Order, *, simple: bool) -> str:
    """The last part of the path. `simple`: a change goes through `/simple-change`."""
    if order.action in ROOTS or order.action == "modal":
        return order.action
    if not by_change(order.action, order.params, parent_of(order).job.action):
        return "action"
    return "simple-change" if simple else "change"


def body_of(order: Order, route: str, custom_id: str | None) -> dict[str, Any]:
    """The request body; `custom_id` is that of the button to press. Raises Unsupported or InvalidParams."""
    params = order.params
    said: dict[str, Any] = {name: params[name] for name in ("botType", "accountFilter", "language") if name in params}
    said["state"] = params.get("state", order.kept.job.id)
    if order.webhook_url is not None and route != "modal":  # a modal goes on with a task that has its webhook already
        said["notifyHook"] = order.webhook_url
    if order.action in ROOTS:
        return said | _root_body(order.action, params)
    task = _id_of(parent_of(order))
    if route == "modal":
        return said | {"taskId": task, "prompt": params["prompt"], "maskBase64": params.get("mask")}
    if route == "action":
        return said | {"taskId": task, "customId": custom_id}
    word, letter = CHANGES[order.action]
    index = None if order.action == "reroll" else params.get("index")
    if route == "simple-change":
        return said | {"content": f"{task} {letter}{index or ''}"}
    return said | {"taskId": task, "action": word, "index": index}


def _root_body(action: str, params: Params) -> dict[str, Any]:
    if action == "imagine":
        return {"prompt": _prompt(params), "base64Array": params.get("base64Array")}
    if action == "blend":
        return {"base64Array": params["image_urls"], "dimensions": params.get("dimensions", "SQUARE")}
    picture = params["image_url"]
    return {"base64" if _is_data(picture) else "link": picture}


def _prompt(params: Params) -> str:
    """The prompt with Midjourney's own flags for version and shape: the request has no fields for them."""
    prompt = with_version(params["prompt"], params.get("version"))
    shape = params.get("aspect_ratio")
    return f"{prompt} --ar {shape}" if shape and not _ASPECT.search(prompt) else prompt


def parent_of(order: Order) -> KeptJob:
    """The job that it follows up on. Raises InvalidParams if there is none."""
    if order.parent is None:
        raise InvalidParams(f"{order.action} needs a parent job")
    return order.parent


def _id_of(parent: KeptJob) -> str:
    if parent.job.provider_job_id is None:
        raise Unsupported(f"the parent has no id at {NAME}")
    return parent.job.provider_job_id


def next_actions(flavour: Flavour, kept: KeptJob) -> list[NextAction]:
    """What can follow a completed job: of a job whose buttons are known, what has one."""
    job = kept.job
    if job.status != "completed" or job.provider_job_id is None or not (job.images or job.grid_url):
        return []
    known = Parent(action=job.action, provider=NAME, kept=kept)
    choices = _GRID_CHOICES if job.action in GRIDS else _SINGLE_CHOICES
    return [
        NextAction(action=action, params=params)
        for action, params in choices
        if refusal(flavour, action, params, known) is None
    ]


_GRID_CHOICES: Final[tuple[tuple[str, Params], ...]] = (
    *((action, {"index": index}) for action in ("pick", "vary") for index in (1, 2, 3, 4)),
    ("reroll", {}),
)
_SINGLE_CHOICES: Final[tuple[tuple[str, Params], ...]] = (
    *(("upscale", {"kind": kind}) for kind in HD_ENDINGS if kind in ("subtle", "creative", "v5_2x", "v5_4x")),
    *(("vary", {"strength": strength}) for strength in STRENGTHS),
    *(("zoom", {"factor": factor}) for factor in sorted(ZOOMS)),
    *(("pan", {"direction": direction}) for direction in DIRECTIONS),
    ("inpaint", {}),
)
