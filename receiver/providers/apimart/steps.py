"""What can be ordered at APIMart after what, and the request that orders it."""

from __future__ import annotations

from typing import Any, Final

from receiver.contracts import Order, Parent
from receiver.errors import InvalidParams, Unsupported
from receiver.model.actions import Params
from receiver.model.jobs import (
    TERMINAL,
    KeptJob,
    NextAction,
)
from receiver.providers.apimart.tiles import MAKES_GRID
from receiver.providers.apimart.versions import (
    COMMANDS,
    DEFAULT,
    NEWEST,
    hd_command,
    kinds_of,
    version_of,
)

#: Our action to the last part of the path (documented; `edits` and `remix-*` seen in use). `vary` has three.
ROUTES: Final[dict[str, str]] = {
    "imagine": "imagine",
    "blend": "blend",
    "describe": "describe",
    "pick": "upscale",
    "upscale": "upscale",
    "vary": "variation",
    "reroll": "reroll",
    "zoom": "zoom",
    "pan": "pan",
    "inpaint": "inpaint",
    "modal": "modal",
    "edits": "edits",
    "remix-strong": "remix-strong",
    "remix-subtle": "remix-subtle",
    "video": "video",
}
STRENGTHS: Final = {"subtle": "low-variation", "strong": "high-variation"}
ROOTS: Final = frozenset({"imagine", "blend", "describe", "edits"})
REMIX: Final = frozenset({"remix-strong", "remix-subtle"})
KINDS: Final = frozenset(kind for kinds in COMMANDS.values() for kind in kinds)

#: What every call takes.
_COMMON: Final = frozenset({"speed", "metadata", "nsfw_check", "language"})
_PICTURES: Final = frozenset({"image_url", "image_urls"})
#: What an imagine takes beside the canonical parameters (documented).
_IMAGINE: Final = (
    _COMMON
    | _PICTURES
    | {"size", "quality", "style", "seed", "negative_prompt", "stylize", "chaos", "weird", "tile", "niji", "iw", "cw"}
    | {"sw", "cref", "sref", "dref", "dw", "repeat", "raw", "draft", "hd", "stop"}
)
#: Parameters beside the canonical ones (documented, but `edits` and the remixes: seen in use).
OWN_PARAMETERS: Final[dict[str, frozenset[str]]] = {
    **dict.fromkeys(ROUTES, _COMMON),
    "imagine": _IMAGINE,
    "edits": _IMAGINE | {"prompt", "version", "aspect_ratio"},
    "blend": _COMMON | _PICTURES | {"dimensions", "size", "aspect_ratio"},
    "describe": _COMMON | _PICTURES,
    **dict.fromkeys(("pick", "upscale", "vary", "reroll"), _COMMON | {"custom_id"}),
    "zoom": _COMMON | {"index", "custom_id", "zoom_ratio"},
    **dict.fromkeys(("pan", "inpaint"), _COMMON | {"index", "custom_id"}),
    "modal": _COMMON | {"prompt", "mask", "mask_url"},
    **dict.fromkeys(REMIX, _COMMON | {"index", "prompt"}),
    "video": _COMMON | _PICTURES | {"index", "prompt", "video_type", "animate_mode", "motion", "batch_size", "end_url"},
}

_ON_GRID: Final = frozenset({"pick", "upscale", "vary", "reroll"})
_ON_SINGLE: Final = frozenset({"zoom", "pan", "inpaint", "vary"})
#: What may follow what (documented for imagine, vary, reroll and the upscaled picture; the other grids inferred).
FOLLOWS: Final[dict[str, frozenset[str]]] = {
    **dict.fromkeys(MAKES_GRID, _ON_GRID),
    "imagine": _ON_GRID | REMIX | {"video"},
    "inpaint": _ON_GRID | {"modal"},
    "pick": _ON_SINGLE | {"upscale"},
    "upscale": _ON_SINGLE,
}
#: What the vendor names otherwise.
NEAREST: Final = {"outpaint": "zoom", "edit": "edits", "remix": "remix-strong or remix-subtle"}
#: Canonical parameters that never go out under their own names.
_OURS: Final = frozenset({"kind", "strength", "factor", "aspect_ratio", "image_url", "mask"})


def route_of(action: str, params: Params) -> str:
    """The last part of the path; a variation with a strength has its own."""
    if action == "vary" and "strength" in params:
        return STRENGTHS[params["strength"]]
    return ROUTES[action]


def refusal(action: str, params: Params, parent: Parent | None, name: str) -> str | None:
    """Why an action cannot be ordered, with the nearest that can; None if it can."""
    if action not in ROUTES:
        return f"APIMart has no {action}; nearest: {NEAREST.get(action, ', '.join(sorted(ROUTES)))}"
    wrong = _wrong_params(action, params)
    if wrong is not None:
        return wrong
    if parent is None:
        free = action in ROOTS or (action == "video" and "image_urls" in params)
        return None if free else f"{action} needs a parent job"
    if parent.provider not in (None, name):
        return f"APIMart cannot {action} a job of {parent.provider}; nearest: a new imagine with image_urls"
    if parent.action is None:
        return None
    ended = parent.kept is not None and parent.kept.job.status in TERMINAL
    if action == "modal" and parent.action == "inpaint" and ended:
        return "the inpaint no longer waits for modal; nearest: a new inpaint"
    return _cannot_follow(action, params, parent.action) or _wrong_version(action, params, parent.kept)


def _wrong_params(action: str, params: Params) -> str | None:
    if action == "upscale" and params.get("kind", "2x") not in KINDS:
        return f"APIMart has no upscale of kind {params['kind']}; nearest: kind 2x, subtle or creative"
    if action == "inpaint" and ("mask" in params or "prompt" in params):
        return (
            "APIMart takes mask and prompt in a second call; nearest: inpaint without them, then modal with mask_url "
            "and prompt"
        )
    if action in ("edits", "blend") and "image_urls" not in params:
        return f"{action} needs image_urls"
    if action == "describe" and "image_urls" not in params and "image_url" not in params:
        return "describe needs image_url"
    return None


def _cannot_follow(action: str, params: Params, after: str) -> str | None:
    follows = FOLLOWS.get(after, frozenset())
    if action not in follows:
        return f"APIMart cannot {action} after {after}; nearest: {_nearest(action, follows)}"
    needs_index = action in ("upscale", "vary", "video") or action in REMIX
    if after in MAKES_GRID and needs_index and "index" not in params and "custom_id" not in params:
        return f"{action} of a grid needs index 1-4; nearest: pick a tile first, then this, or give index"
    return None


def _nearest(action: str, follows: frozenset[str]) -> str:
    if "pick" in follows and action in _ON_SINGLE:
        return "pick a tile first, then this"
    return ", ".join(sorted(follows)) or "nothing"


def _wrong_version(action: str, params: Params, kept: KeptJob | None) -> str | None:
    """By what the parent itself says of its version; where it says nothing, the vendor decides."""
    version = version_of((kept,)) if kept is not None else None
    if version is None:
        return None
    if action in REMIX and version not in NEWEST:
        return f"APIMart can {action} only what version 8.1 or 8.2 made; nearest: vary by strength"
    if action in ("zoom", "inpaint") and version in NEWEST:
        return f"APIMart cannot {action} what version {version} made; nearest: vary, remix-subtle or reroll"
    if action == "upscale" and "custom_id" not in params:
        return _no_command(version, params)
    return None


def _no_command(version: str, params: Params) -> str | None:
    try:
        hd_command(version, params.get("kind", "2x"))
    except Unsupported as wrong:
        return str(wrong)
    return None


def body_of(order: Order) -> dict[str, Any]:
    """The request body of everything but an HD upscale. Raises Unsupported or InvalidParams."""
    params = order.params
    body = {name: value for name, value in params.items() if name not in _OURS}
    if "aspect_ratio" in params:
        body.setdefault("size", params["aspect_ratio"])
    if "factor" in params:
        body["zoom_ratio"] = params["factor"]
    if "image_url" in params:
        body.setdefault("image_urls", [params["image_url"]])
    if "mask" in params:
        body.setdefault("mask_url", params["mask"])
    if order.parent is None:
        return body
    return body | _index(order, order.parent) | {"task_id": parent_id(order.parent)}


def _index(order: Order, parent: KeptJob) -> dict[str, Any]:
    """`index` is 1-4, but 0-3 for `video` (documented); a single picture is number 1 of itself (inferred)."""
    index = order.params.get("index")
    if order.action == "video" and isinstance(index, int):
        return {"index": index - 1}
    if order.action != "vary" or index is not None or "custom_id" in order.params:
        return {}
    if parent.job.action in MAKES_GRID:
        raise InvalidParams("vary of a grid needs index 1-4")
    return {"index": 1}


def parent_id(parent: KeptJob) -> str:
    """The vendor's id of the parent. Raises Unsupported if the vendor has not said it."""
    if parent.job.provider_job_id is None:
        raise Unsupported("the parent has no id at APIMart")
    return parent.job.provider_job_id


def extras(params: Params) -> dict[str, Any]:
    """What an HD upscale takes beside task and custom id (documented)."""
    return {name: params[name] for name in ("speed", "metadata") if name in params}


def next_actions(kept: KeptJob) -> list[NextAction]:
    """The rows of the table of follow-ups for a completed job."""
    after = kept.job.action or ""
    if not kept.job.images or after not in FOLLOWS:
        return []
    said = version_of((kept,))
    choices = _grid_choices(after, said) if after in MAKES_GRID else _single_choices(after, said)
    return [
        NextAction(action=action, params=params)
        for action, params in choices
        if refusal(action, params, Parent(action=after, provider=None, kept=kept), "") is None
    ]


def _grid_choices(after: str, version: str | None) -> list[tuple[str, Params]]:
    names = ["pick", "vary"]
    if after == "imagine":
        names += ["video", *(sorted(REMIX) if version in NEWEST else ())]
    return [*((name, {"index": index}) for name in names for index in (1, 2, 3, 4)), ("reroll", {})]


def _single_choices(after: str, version: str | None) -> list[tuple[str, Params]]:
    kinds = kinds_of(version or DEFAULT) if after == "pick" else ()
    return [
        *(("upscale", {"kind": kind}) for kind in kinds),
        *(("vary", {"strength": strength}) for strength in STRENGTHS),
        ("zoom", {"factor": 1.5}),
        ("zoom", {"factor": 2.0}),
        *(("pan", {"direction": direction}) for direction in ("up", "down", "left", "right")),
        ("inpaint", {}),
    ]
