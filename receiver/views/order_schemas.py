"""The JSON Schemas of what can be ordered: canonical parameters, what each action requires, and what may follow.

Plain objects throughout: client generators leave out what they cannot put into one class.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from receiver.model.actions import DIRECTIONS, STRENGTHS, UPSCALE_KINDS
from receiver.model.submissions import NAME, NAME_LENGTH, PLAIN, PROMPT_LENGTH, TAG_LENGTH, TAGS
from receiver.model.submissions import PARAMETERS as MOST

Schema = dict[str, Any]

_NAMED: Final[Schema] = {"type": "string", "maxLength": NAME_LENGTH, "pattern": NAME}
_TAGS: Final[Schema] = {
    "type": "object",
    "additionalProperties": {"type": "string", "maxLength": TAG_LENGTH, "pattern": PLAIN},
    "propertyNames": _NAMED,
    "maxProperties": TAGS,
}
_EXTRA: Final[Schema] = {
    "description": "Goes into the top level of the order's body as it is: what only the vendor knows.",
    "propertyNames": _NAMED,
    "maxProperties": MOST,
    "additionalProperties": True,
}
_TILE: Final[Schema] = {"type": ["integer", "string", "null"], "minimum": 1, "maximum": 4, "pattern": "^[1-4]$"}
_FACTOR: Final[Schema] = {"type": ["number", "string", "null"], "exclusiveMinimum": 1, "maximum": 4}
_TEXTS: Final[Schema] = {"type": ["array", "null"], "items": {"type": "string"}}
#: The canonical parameters, whichever action takes them; null is the same as left out.
PARAMETERS: Final[dict[str, Schema]] = {
    "prompt": {
        "type": ["string", "null"],
        "maxLength": PROMPT_LENGTH,
        "description": "What to draw; `imagine` requires it.",
    },
    "index": {**_TILE, "description": "Tile of the grid, 1 top left to 4 bottom right; `pick` requires it."},
    "version": {"type": ["string", "number", "null"], "description": "Of the model, such as `7` or `niji 6`."},
    "aspect_ratio": {"type": ["string", "null"], "description": "Such as `16:9`."},
    "kind": {"type": ["string", "null"], "description": f"`upscale`: {', '.join(UPSCALE_KINDS)}; 2x if left out."},
    "strength": {
        "type": ["string", "null"],
        "description": f"`vary`: {' or '.join(STRENGTHS)}; subtle if left out, and there is no index.",
    },
    "direction": {"type": ["string", "null"], "description": f"`pan` requires it: {', '.join(DIRECTIONS)}."},
    "factor": {**_FACTOR, "description": "`zoom` and `outpaint`: above 1 and at most 4."},
    "image_url": {"type": ["string", "null"], "description": "Address of a picture to work on."},
    "image_urls": {**_TEXTS, "description": "Addresses of the pictures to blend, to describe or to go by."},
}

#: What a pick says that asks a person which tile, beside `index` itself.
_QUESTION: Final[Schema] = {
    "index": {
        **_TILE,
        "pattern": "^([1-4]|ask)$",
        "description": "Tile of the grid, 1 top left to 4 bottom right; `ask`: a person picks it. `pick` requires it.",
    },
    "ask": {
        "anyOf": [_NAMED, {"type": "array", "items": _NAMED, "minItems": 1}, {"type": "null"}],
        "description": "The sinks that show the question with buttons; null: it is answered through the API only.",
    },
    "within": {"type": ["string", "null"], "description": "How long it waits, such as `30m` or `7d`; 24h if left out."},
    "default": {
        **_TILE,
        "pattern": "^([1-4]|none)$",
        "description": "The tile that is picked if nobody answers; `none`: the job is canceled.",
    },
}


def _open(properties: Schema, *required: str) -> Schema:
    """An object of which these properties are so, and all others are as they like: linters would close it else."""
    return {
        "properties": properties,
        **({"required": list(required)} if required else {}),
        "additionalProperties": True,
    }


#: What an action's parameters must be beyond that.
REQUIRED: Final[dict[str, Schema]] = {
    "imagine": _open({"prompt": {"type": "string", "pattern": r"\S"}}, "prompt"),
    "pick": _open({"index": {"type": ["integer", "string"]}}, "index"),
    "pan": _open({"direction": {"enum": list(DIRECTIONS)}}, "direction"),
    "upscale": _open({"kind": {"enum": [*UPSCALE_KINDS, None]}}),
    "vary": _open({"strength": {"enum": [*STRENGTHS, None]}}),
}


def order_params() -> Schema:
    """The schema of an order's `params`: what is canonical is typed; which others there are depends on the source."""
    return {
        "title": "OrderParams",
        "description": "The parameters of an action: the canonical ones and the vendor's own; others are a 400.",
        "type": "object",
        "properties": dict(PARAMETERS),
        "propertyNames": _NAMED,
        "maxProperties": MOST,
        "additionalProperties": True,
    }


def follow_up() -> Schema:
    """The schema of one link of a chain: an action with its parameters beside it, and what follows from that."""
    own: dict[str, Schema] = {
        "action": {**_NAMED, "description": "Canonical action, or a vendor's own by its name."},
        "source": {"type": ["string", "null"], "description": "Name of the source; null: that of the job it follows."},
        "extra": {"type": ["object", "null"], **_EXTRA},
        "then": {**_chain(), "description": "What follows when this completes."},
        **_QUESTION,
    }
    return {
        "title": "FollowUp",
        "description": "What to order once a job completes: its action, that action's parameters, what follows then.",
        "type": "object",
        "properties": {**PARAMETERS, **own},
        "required": ["action"],
        "propertyNames": _NAMED,
        "maxProperties": MOST,
        "additionalProperties": True,
        **by_action(REQUIRED),
    }


def submission(plain: Schema) -> Schema:
    """The schema of an order, from that of its record: `params` and `then` in full, and what each action requires."""
    own = {
        name: {key: value for key, value in schema.items() if key != "default"}  # it would be required in TypeScript
        for name, schema in plain["properties"].items()
    }
    properties = {
        **own,
        "source": _NAMED,
        "action": _NAMED,
        "params": {"$ref": "#/$defs/OrderParams"},
        "tags": _TAGS,
        "then": _chain(),
        "extra": {"type": "object", **_EXTRA},
    }
    within = {
        action: _open({"params": schema}, *(["params"] if "required" in schema else []))
        for action, schema in REQUIRED.items()
    }
    return {**plain, "properties": properties, **by_action(within)}


def by_action(wanted: Mapping[str, Schema]) -> Schema:
    """`if`, `then` and `else` that ask for a schema where `action` is its name."""
    chain: Schema = {}
    for action, schema in reversed(list(wanted.items())):
        asked = _open({"action": {"const": action}}, "action")
        chain = {"if": asked, "then": schema, **({"else": chain} if chain else {})}
    return chain


def _chain() -> Schema:
    link = {"$ref": "#/$defs/FollowUp"}
    return {"anyOf": [link, {"type": "array", "items": link}, {"type": "null"}]}
