"""What Apiframe v2 takes orders for, from which parents and at which price: documented but where it says inferred."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from receiver.pretend.book import Draft, PretendJob
from receiver.pretend.faults import PretendRefusal
from receiver.pretend.fields import texts, whole
from receiver.pretend.vendor import PretendRequest

COMMON: Final = frozenset({"parentJobId", "action", "webhookUrl", "webhookEvents"})
#: The fields each action has beside the common ones; any other field is a 400.
OWN: Final[dict[str, frozenset[str]]] = {
    "upsample": frozenset({"index"}),
    "variation": frozenset({"index"}),
    "inpaint": frozenset({"mask", "prompt"}),
    "outpaint": frozenset({"zoomRatio"}),
    "pan": frozenset({"direction"}),
}
EVENTS: Final = frozenset({"progress", "completed", "failed"})
DEFAULT_EVENTS: Final = frozenset({"completed", "failed"})
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
LONGEST_PROMPT: Final = 2000
LONGEST_MASK: Final = 12_000_000
LONGEST_KEY: Final = 255
GRID_PRICE: Final = Decimal(16)
UPSAMPLE_PRICE: Final = Decimal(4)


def generate(received: PretendRequest) -> Draft:
    """POST /v2/images/generate. Raises Refused."""
    if received.body.get("model") != "midjourney":
        raise _invalid("model", "must be a known model")
    prompt = received.body.get("prompt")
    if not _is_prompt(prompt):
        raise _invalid("prompt", "must have 1 to 2000 characters")
    if not isinstance(received.body.get("midjourneyParams", {}), dict):
        raise _invalid("midjourneyParams", "must be an object")
    return _draft(received, "generate", None, prompt=str(prompt))


def act(received: PretendRequest) -> Draft:
    """POST /v2/images/midjourney/action. Raises Refused."""
    action = received.body.get("action")
    if not isinstance(action, str) or action not in OWN:
        raise _invalid("action", f"must be one of {', '.join(OWN)}")
    unknown = sorted(received.body.keys() - COMMON - OWN[action])
    if unknown:
        raise _invalid(unknown[0], "is not a known field")
    _check_fields(received.body, action)
    parent = _parent(received, action)
    return _draft(received, action, parent, prompt=str(received.body.get("prompt") or parent.order.prompt))


def _check_fields(body: dict[str, Any], action: str) -> None:
    if "index" in OWN[action] and whole(body, "index", 1, 4) is None:
        raise _invalid("index", "must be a whole number, 1 to 4")
    if action == "inpaint" and not (isinstance(body.get("mask"), str) and 0 < len(body["mask"]) <= LONGEST_MASK):
        raise _invalid("mask", "must be a base64 PNG")
    if "prompt" in body and not _is_prompt(body["prompt"]):
        raise _invalid("prompt", "must have 1 to 2000 characters")
    if action == "outpaint" and (isinstance(body.get("zoomRatio"), bool) or body.get("zoomRatio") not in (1.5, 2)):
        raise _invalid("zoomRatio", "must be 1.5 or 2")
    if action == "pan" and body.get("direction") not in ("up", "down", "left", "right"):
        raise _invalid("direction", "must be up, down, left or right")


def _parent(received: PretendRequest, action: str) -> PretendJob:
    """The parent, if the action fits it. That an unfinished one is a 400, not a 409, is inferred."""
    name = received.body.get("parentJobId")
    if not isinstance(name, str) or not name:
        raise _invalid("parentJobId", "is required")
    parent = received.book.get(name)
    if parent is None:
        raise PretendRefusal(404, "Parent job not found")
    if not parent.done:
        raise PretendRefusal(400, "Parent job is not completed")
    single = parent.order.shape == "single"
    if single and action in ("upsample", "variation"):
        raise PretendRefusal(400, f"{action} needs a grid; this parent is an upsampled image")
    if not single and action not in ("upsample", "variation"):
        raise PretendRefusal(400, f"{action} needs an upsampled image: upsample first")
    return parent


def _draft(received: PretendRequest, kind: str, parent: PretendJob | None, *, prompt: str) -> Draft:
    upsample = kind == "upsample" and parent is not None
    url = _webhook_url(received.body)
    return Draft(
        kind=kind,
        amount=UPSAMPLE_PRICE if upsample else GRID_PRICE,
        body=received.body,
        shape="single" if upsample else "grid",
        prompt=prompt,
        seeds=(parent.seeds[received.body["index"] - 1],) if upsample and parent is not None else (),
        webhook_url=url,
        events=_events(received.body),
        idempotency_key=_idempotency_key(received.headers),
    )


def _webhook_url(body: dict[str, Any]) -> str | None:
    """HTTPS only (documented); this pretend vendor also takes http on loopback, or it could not be tried out."""
    url = body.get("webhookUrl")
    if url is None:
        return None
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        fits = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    except ValueError:
        fits = False
    if not fits:
        raise _invalid("webhookUrl", "must be an HTTPS URL")
    return str(url)


def _events(body: dict[str, Any]) -> frozenset[str]:
    if "webhookEvents" not in body:
        return DEFAULT_EVENTS
    names = texts(body, "webhookEvents", 1, len(EVENTS))
    if names is None or not EVENTS.issuperset(names):
        raise _invalid("webhookEvents", "must name progress, completed or failed")
    return frozenset(names)


def _idempotency_key(headers: Headers) -> str | None:
    key = headers.get("idempotency-key")
    if key is not None and not 0 < len(key) <= LONGEST_KEY:
        raise PretendRefusal(400, "Idempotency-Key must have 1 to 255 characters")
    return key


def _is_prompt(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_PROMPT


def _invalid(field: str, wrong: str) -> PretendRefusal:
    return PretendRefusal(400, "Validation failed", details={field: [f"{field} {wrong}"]})
