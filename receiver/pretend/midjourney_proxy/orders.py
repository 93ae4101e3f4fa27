"""What midjourney-proxy takes orders for, from which parents, as its code does; refusals in its own words."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, NamedTuple

import msgspec

from receiver.pretend.book import Draft, PretendJob, Shape
from receiver.pretend.faults import PretendRefusal
from receiver.pretend.fields import texts, whole
from receiver.pretend.midjourney_proxy.buttons import custom_ids
from receiver.pretend.pictures import UPSCALED
from receiver.pretend.vendor import PretendRequest

#: Nobody says what an order costs: one is one.
PRICE: Final = Decimal(1)
NOT_FOUND, INVALID, EXISTED, BANNED = 3, 4, 21, 24
#: A prompt with this word in it is refused.
BANNED_WORD: Final = "nude"
#: What `/change` works on.
CHANGEABLE: Final = frozenset({"IMAGINE", "VARIATION", "REROLL", "BLEND"})
_CONTENT: Final = re.compile(r"(\S+) (?:([UV])([1-4])|R)")
_LETTERS: Final = {"U": "UPSCALE", "V": "VARIATION"}


class Pressed(NamedTuple):
    """What pressing a button orders."""

    #: The task's `action`.
    action: str
    shape: Shape
    #: It waits for `/modal`.
    waits: bool = False


#: By the beginning of the custom id, the longest first.
PRESSED: Final[dict[str, Pressed]] = {
    "MJ::JOB::upsample::": Pressed("UPSCALE", "single"),
    "MJ::JOB::upsample_": Pressed("ACTION", "single"),
    "MJ::JOB::variation::": Pressed("VARIATION", "grid"),
    "MJ::JOB::low_variation::": Pressed("VARIATION", "grid"),
    "MJ::JOB::high_variation::": Pressed("VARIATION", "grid"),
    "MJ::JOB::reroll::": Pressed("REROLL", "grid"),
    "MJ::JOB::pan_": Pressed("PAN", "grid"),
    "MJ::Outpaint::": Pressed("ACTION", "grid"),
    "MJ::CustomZoom::": Pressed("ACTION", "grid", waits=True),
    "MJ::Inpaint::": Pressed("INPAINT", "grid", waits=True),
}


def refused(code: int, words: str, http: int = 200, **more: str) -> PretendRefusal:
    """A refusal, nearly always with HTTP status 200; `more` goes with it."""
    return PretendRefusal(http, words, code=code, details={name: [text] for name, text in more.items()})


def _imagine(received: PretendRequest) -> Draft:
    prompt = received.body.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        raise refused(INVALID, "prompt不能为空")
    if BANNED_WORD in prompt.lower():
        raise refused(BANNED, "可能包含敏感词", promptEn=prompt, bannedWord=BANNED_WORD)
    return _draft(received, "IMAGINE", "grid", prompt.strip(), f"/imagine {prompt.strip()}")


def _blend(received: PretendRequest) -> Draft:
    if texts(received.body, "base64Array", 2, 5) is None:
        raise refused(INVALID, "base64List参数错误")
    if received.body.get("dimensions") not in ("PORTRAIT", "SQUARE", "LANDSCAPE"):
        raise refused(INVALID, "dimensions参数错误")
    return _draft(received, "BLEND", "grid", "blend", "/blend")


def _describe(received: PretendRequest) -> Draft:
    if not received.body.get("base64") and not received.body.get("link"):
        raise refused(INVALID, "base64不能为空")
    return _draft(received, "DESCRIBE", "words", "", "/describe")


def change(received: PretendRequest, *, tells_existing: bool) -> Draft:
    """U, V or a reroll. `tells_existing` (novicezk): a tile that was picked before is code 21, and nothing is done."""
    body = received.body
    action = body.get("action")
    if not body.get("taskId"):
        raise refused(INVALID, "taskId不能为空")
    if action not in ("UPSCALE", "VARIATION", "REROLL"):
        raise refused(INVALID, "action参数错误")
    index = whole(body, "index", 1, 4)
    if index is None and action != "REROLL":
        raise refused(INVALID, "index参数错误")
    description = f"/up {body['taskId']} {'R' if action == 'REROLL' else f'{action[0]}{index}'}"
    if action == "UPSCALE" and tells_existing:
        _tell_existing(received, description)
    parent = _finished(received)
    if parent.order.details["action"] not in CHANGEABLE:
        raise refused(INVALID, "关联任务不允许执行变化")
    shape: Shape = "single" if action == "UPSCALE" else "grid"
    draft = _draft(received, action, shape, parent.order.prompt, description, parent=parent.id)
    return msgspec.structs.replace(draft, seeds=_tile(parent, index)) if action == "UPSCALE" else draft


def simple_change(received: PretendRequest, *, tells_existing: bool) -> Draft:
    """`"ID U2"`: the same in one text."""
    found = _CONTENT.fullmatch(str(received.body.get("content", "")))
    if found is None:
        raise refused(INVALID, "content参数错误")
    action = _LETTERS.get(found[2] or "", "REROLL")
    index = int(found[3]) if found[3] else None
    body = {**received.body, "taskId": found[1], "action": action, "index": index}
    return change(received._replace(value=body), tells_existing=tells_existing)


def _tell_existing(received: PretendRequest, description: str) -> None:
    for job in received.book:
        if job.order.details.get("description") == description:
            status = {"completed": "SUCCESS", "failed": "FAILURE"}.get(job.state, "IN_PROGRESS")
            picture = job.picture(1) if job.done else ""
            raise refused(EXISTED, "任务已存在", result=job.id, status=status, imageUrl=picture)


def press(received: PretendRequest) -> Draft:
    """Any button of a finished task (trueai)."""
    custom_id = received.body.get("customId")
    if not received.body.get("taskId") or not isinstance(custom_id, str) or not custom_id:
        raise refused(INVALID, "参数错误")
    parent = _finished(received, missing=404)
    does = next((pressed for start, pressed in PRESSED.items() if custom_id.startswith(start)), None)
    if does is None or custom_id not in custom_ids(parent):
        raise refused(INVALID, "参数错误")
    number = int(custom_id.split("::")[3]) if does.action == "UPSCALE" else 1
    more = {"parent": parent.id, "custom_id": custom_id}
    draft = _draft(received, does.action, does.shape, parent.order.prompt, f"/up {parent.id}", **more)
    if does.shape == "single":
        draft = msgspec.structs.replace(draft, seeds=_tile(parent, number))
    if does.action == "ACTION" and does.shape == "single":
        draft = msgspec.structs.replace(draft, size=UPSCALED, slowness=2.0)
    return msgspec.structs.replace(draft, waits=does.waits)


def confirmed(received: PretendRequest) -> PretendJob:
    """The task that waits for a modal, with what was typed into it (trueai)."""
    prompt = received.body.get("prompt")
    if not received.body.get("taskId") or not isinstance(prompt, str) or not prompt.strip():
        raise refused(INVALID, "参数错误")
    job = _known(received, missing=404)
    if job.state != "waiting":
        raise refused(INVALID, "关联任务状态错误")
    return msgspec.structs.replace(job, order=msgspec.structs.replace(job.order, prompt=prompt))


ROOT_ORDERS: Final[dict[str, Callable[[PretendRequest], Draft]]] = {
    "imagine": _imagine,
    "blend": _blend,
    "describe": _describe,
}


def _draft(received: PretendRequest, action: str, shape: Shape, prompt: str, description: str, **details: str) -> Draft:
    body = received.body
    hook = body.get("notifyHook")
    return Draft(
        kind=action.lower(),
        amount=PRICE,
        body=body,
        shape=shape,
        prompt=prompt,
        webhook_url=hook if isinstance(hook, str) and hook.startswith(("http://", "https://")) else None,
        details={"action": action, "description": description, "state": str(body.get("state") or ""), **details},
    )


def _known(received: PretendRequest, missing: int = 200) -> PretendJob:
    job = received.book.get(str(received.body.get("taskId")))
    if job is None:
        raise refused(NOT_FOUND, "关联任务不存在或已失效", missing)
    return job


def _finished(received: PretendRequest, missing: int = 200) -> PretendJob:
    job = _known(received, missing)
    if not job.done:
        raise refused(INVALID, "关联任务状态错误")
    return job


def _tile(parent: PretendJob, index: Any) -> tuple[str, ...]:
    return (parent.seeds[min(int(index), len(parent.seeds)) - 1],)
