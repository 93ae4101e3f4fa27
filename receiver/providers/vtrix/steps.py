"""What can be ordered at Vtrix after what, and the parameters that order it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from receiver.contracts import Order, Parent
from receiver.errors import InvalidParams, Unsupported
from receiver.model.actions import GRIDS, Params
from receiver.model.jobs import (
    Cost,
    Image,
    JobError,
    KeptJob,
    NextAction,
    Report,
)
from receiver.providers.shared import reading
from receiver.providers.shared.ordering import with_version

#: Our action to the vendor's model (documented). A pick is no call.
MODELS: Final[dict[str, str]] = {
    "imagine": "midjourney_diffusion",
    "upscale": "midjourney_upscale",
    "vary": "midjourney_variation",
    "zoom": "midjourney_outpaint",
    "outpaint": "midjourney_outpaint",
    "inpaint": "midjourney_inpaint",
}
ACTIONS: Final = frozenset({"pick", *MODELS})
#: `type` of midjourney_upscale: 0 standard, 1 creative, 2 v5_2x, 3 v5_4x (documented; that `subtle` is 0 is inferred).
UPSCALES: Final = {"subtle": 0, "2x": 0, "creative": 1, "v5_2x": 2, "v5_4x": 3}
#: `type` of midjourney_variation (documented).
VARIATIONS: Final = {"subtle": 0, "strong": 1}
#: `scale` of midjourney_outpaint (documented).
SCALES: Final = (1.1, 2.0)
#: Characters of a prompt (documented).
LONGEST_TEXT: Final = 8192
#: What names models that are listed, but whose parameters are documented nowhere.
UNDOCUMENTED: Final = frozenset({"pan", "reroll", "edit", "enhance", "remix"})
NEAREST: Final = {"pan": "outpaint with a factor", "reroll": "imagine again", "remix": "vary with a prompt"}
#: Parameters beside the canonical ones: the tile of a grid, `scale` for a factor, and a prompt to remix with.
OWN_PARAMETERS: Final[dict[str, frozenset[str]]] = {
    "zoom": frozenset({"index", "scale", "prompt"}),
    "outpaint": frozenset({"index", "scale", "prompt"}),
    "inpaint": frozenset({"index"}),
}
#: Canonical parameters that never go out under their own names.
_OURS: Final = frozenset(
    {"index", "kind", "strength", "factor", "prompt", "version", "aspect_ratio", "mask", "scale", "callback"}
)


#: A pick is no call at this vendor.
NOTHING: Final = Cost(amount=Decimal(0), unit="USD", source="table")


def refusal(action: str, params: Params, parent: Parent | None, name: str) -> str | None:
    """Why an action cannot be ordered, with the nearest that can; None if it can.

    Follow-ups name a grid's output and a tile (documented); what may follow an upscale is documented nowhere.
    """
    if action not in ACTIONS:
        return _no_such(action)
    wrong = _wrong_params(action, params)
    if wrong is not None:
        return wrong
    if parent is None:
        return None if action == "imagine" else f"{action} needs a parent job"
    if parent.provider not in (None, name):
        return f"Vtrix cannot {action} a job of {parent.provider}; nearest: a new imagine"
    return _cannot_follow(action, params, parent.action) if parent.action is not None else None


def _cannot_follow(action: str, params: Params, after: str) -> str | None:
    if action == "imagine" or after not in GRIDS | {"pick"}:
        return f"Vtrix cannot {action} after {after}; nearest: {action} of the grid or of a pick"
    if action == "pick" and after == "pick":
        return "Vtrix cannot pick after pick; nearest: upscale, vary, outpaint, inpaint"
    if after in GRIDS and "index" not in params:
        return f"{action} of a grid needs index 1-4; nearest: pick a tile first, then this, or give index"
    return None


def _no_such(action: str) -> str:
    why = "Vtrix lists it, but documents no parameters for it" if action in UNDOCUMENTED else "Vtrix has none"
    return f"no {action}: {why}; nearest: {NEAREST.get(action, ', '.join(sorted(ACTIONS)))}"


def _wrong_params(action: str, params: Params) -> str | None:
    if action == "upscale" and params.get("kind", "2x") not in UPSCALES:
        return f"Vtrix has no upscale of kind {params['kind']}; nearest: kind v5_4x or 2x"
    if action in ("zoom", "outpaint") and _scale(params) is None:
        return f"{action} needs a factor from 1.1 to 2.0"
    if action == "inpaint" and _mask(params) is None:
        return 'inpaint needs a mask: {"areas": [...]}, {"url": "..."} or an address'
    if action == "imagine" and len(str(params.get("prompt", ""))) > LONGEST_TEXT:
        return f"a prompt has at most {LONGEST_TEXT} characters"
    return None


def picked(order: Order) -> Report:
    """The outcome of a pick: the tile's own picture, at once and free; what follow-ups need is the grid's."""
    grid, index = order.parent, order.params.get("index")
    image = next((image for image in grid.job.images if image.index == index), None) if grid else None
    if grid is None or image is None:
        wrong = JobError(code="unsupported", message=f"the grid has no picture {index}")
        return Report(provider_job_id=None, status="failed", error=wrong)
    return Report(
        provider_job_id=None,
        status="completed",
        progress=100,
        images=(Image(index=1, url=image.url, archive=image.archive),),
        facts={**{name: grid.facts[name] for name in ("output_id",) if name in grid.facts}, "index": index},
    )


def params_of(order: Order) -> dict[str, Any]:
    """The model's parameters without `callback`. Raises Unsupported or InvalidParams."""
    params = order.params
    body = {name: value for name, value in params.items() if name not in _OURS}
    if order.action == "imagine":
        return body | {"text": text_of(params)}
    body |= {"jobId": output_id(order), "imageNo": tile(order) - 1}
    if order.action == "upscale":
        kind = params.get("kind", "2x")
        if kind not in UPSCALES:
            raise Unsupported(f"Vtrix has no upscale of kind {kind}", "kind v5_4x or 2x")
        return body | {"type": UPSCALES[kind]}
    if "prompt" in params:
        body["remixPrompt"] = params["prompt"]
    return body | _own(order.action, params)


def _own(action: str, params: Params) -> dict[str, Any]:
    if action == "vary":
        return {"type": VARIATIONS[params.get("strength", "subtle")]}
    name, value = ("mask", _mask(params)) if action == "inpaint" else ("scale", _scale(params))
    if value is None:
        raise InvalidParams(_wrong_params(action, params) or f"{action} needs {name}")
    return {name: value}


def text_of(params: Params) -> str:
    """The prompt, with version and shape as Midjourney's own flags: the model takes nothing else (inferred)."""
    prompt = str(params.get("prompt", "")).strip()
    if "aspect_ratio" in params and "--ar " not in prompt:
        prompt += f" --ar {params['aspect_ratio']}"
    prompt = with_version(prompt, params.get("version"))
    if not 1 <= len(prompt) <= LONGEST_TEXT:
        raise InvalidParams(f"a prompt has 1-{LONGEST_TEXT} characters, not {len(prompt)}")
    return prompt


def output_id(order: Order) -> str:
    """The grid's output `jobId`: of the parent, or of the grid that the parent was picked from. Raises Unsupported."""
    for kept in order.ancestors:
        known = kept.facts.get("output_id")
        if isinstance(known, str):
            return known
        if kept.job.action in GRIDS:
            break
    raise Unsupported("the grid's output has no jobId that is known here", "a new imagine")


def tile(order: Order) -> int:
    """1-4: the pick's index, or `index` when the parent is a grid. Raises InvalidParams."""
    parent = order.parent
    is_pick = parent is not None and parent.job.action == "pick"
    index = parent.job.params.get("index") if parent is not None and is_pick else order.params.get("index")
    if not isinstance(index, int):
        raise InvalidParams(f"{order.action} needs index 1-4")
    return index


def _scale(params: Params) -> float | None:
    amount = reading.number(params.get("factor", params.get("scale")))
    scale = float(amount) if amount is not None else 0.0
    return scale if SCALES[0] <= scale <= SCALES[1] else None


def _mask(params: Params) -> dict[str, Any] | None:
    """`{"areas": [...]}` or `{"url"}` (documented); an address alone is taken as the latter."""
    mask = params.get("mask")
    if isinstance(mask, str):
        address = reading.url(mask)
        return {"url": address} if address else None
    return mask if isinstance(mask, dict) and ("areas" in mask or "url" in mask) else None


def next_actions(kept: KeptJob) -> list[NextAction]:
    """What can be ordered from a completed job."""
    job = kept.job
    if not job.images or (job.action != "pick" and job.action not in GRIDS):
        return []
    if job.action != "pick":
        tiles = [image.index for image in job.images if 1 <= image.index <= 4]
        return [
            NextAction(action=name, params={"index": index}, cost=NOTHING if name == "pick" else None)
            for name in ("pick", "vary")
            for index in tiles
        ]
    return [NextAction(action=action, params=params) for action, params in _ON_PICK]


_ON_PICK: Final[tuple[tuple[str, Params], ...]] = (
    ("upscale", {"kind": "subtle"}),
    ("upscale", {"kind": "creative"}),
    ("vary", {"strength": "subtle"}),
    ("vary", {"strength": "strong"}),
    ("outpaint", {"factor": 1.5}),
    ("outpaint", {"factor": 2.0}),
    ("inpaint", {}),
)
