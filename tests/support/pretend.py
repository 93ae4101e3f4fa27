"""A vendor as the state machine needs one: JourneyAPI's face on plain dictionaries, and a book of what it billed."""

from __future__ import annotations

import itertools
import json
from typing import Any, Final, Literal

import msgspec

from receiver.contracts import Answer, Call
from receiver.errors import (
    NoAnswer,
    NotSent,
    TransportError,
)

Fate = Literal[
    "taken",
    "taken, no answer",
    "taken, 500",
    "taken, garbage",
    "no answer",
    "never sent",
    "400",
    "402",
    "429",
    "500",
]
FATES: Final[tuple[Fate, ...]] = Fate.__args__  # type: ignore[attr-defined]  # the words of the Literal
STATES: Final = ("queued", "running", "completed", "failed")
#: How long an idempotency key is remembered, ms.
KEY_LIFE: Final = 24 * 3600 * 1000
TYPES: Final = {"/imagine": "imagine", "/upscale-1x": "upscale-1x", "/upscale-2x-4x": "upscale-2x"}
WORDS: Final = {"queued": "pending", "running": "processing", "completed": "finished", "failed": "failed"}


class Task(msgspec.Struct, kw_only=True):
    """A job at the vendor."""

    id: str
    type: str
    #: What was ordered, without where to tell of it: the same wish twice is the same thing paid twice.
    wish: str = ""
    #: The last part of its webhook URL; None for what another tool ordered.
    ref: str | None = None
    state: Literal["queued", "running", "completed", "failed"] = "queued"
    percent: int = 0


class Vendor:
    """Takes orders, bills each that it takes, works, and writes webhooks; when they arrive is up to the test."""

    def __init__(self) -> None:
        self.tasks: dict[str, Task] = {}
        #: The tasks that were billed.
        self.bills: list[Task] = []
        #: Orders that no honest client sends.
        self.malformed: list[str] = []
        #: Webhooks that are not delivered for good yet: the task and the body.
        self.posts: list[tuple[Task, bytes]] = []
        self._keys: dict[str, tuple[Task, int]] = {}
        self._numbers = itertools.count(1)

    def hear(self, call: Call, fate: Fate, now: int) -> Answer | TransportError:
        """What comes of a paid call."""
        if fate == "never sent":
            return NotSent("refused")
        if fate == "no answer":
            return NoAnswer("cut off")
        if fate in ("400", "402", "429", "500"):
            return Answer(status=int(fate), body=b'{"errors":[{"msg":"no"}]}')
        task = self._take(call, now)
        if task is None:
            return Answer(status=400, body=b'{"errors":[{"msg":"parent task is not finished"}]}')
        if fate == "taken, no answer":
            return NoAnswer("cut off")
        if fate == "taken, 500":
            return Answer(status=500, body=b"{}")
        body = b"<html>" if fate == "taken, garbage" else json.dumps({"task_id": task.id}).encode()
        return Answer(status=200, body=body)

    def _take(self, call: Call, now: int) -> Task | None:
        key = call.headers.get("idempotency-key")
        known = self._keys.get(key) if key else None
        if known is not None and now - known[1] < KEY_LIFE:
            return known[0]
        path = "/" + call.url.rsplit("/", 1)[1]
        body: dict[str, Any] = json.loads(call.body or b"{}")
        url = body.pop("webhook_url")
        body.pop("webhook_secret")
        parent = self.tasks.get(body.get("parent_task_id", ""))
        if path != "/imagine" and (parent is None or parent.state != "completed"):
            self.malformed.append(f"{path} {body}")
            return None
        task = Task(
            id=f"ours-{next(self._numbers)}",
            type=TYPES[path],
            wish=f"{path} {json.dumps(body, sort_keys=True)}",
            ref=url.rsplit("/", 1)[1],
        )
        self.tasks[task.id] = task
        self.bills.append(task)
        if key:
            self._keys[key] = (task, now)
        return task

    def finished_elsewhere(self, task_id: str, kind: str) -> None:
        """A task that another tool ordered is done."""
        task = self.tasks.setdefault(task_id, Task(id=task_id, type=kind, state="completed"))
        self.posts.append((task, told(task)))

    def work(self, task: Task, state: Literal["running", "completed", "failed"], percent: int) -> None:
        """A task goes on, and its webhook is written."""
        if task.state in ("completed", "failed"):
            return
        task.state, task.percent = state, max(task.percent, percent)
        self.posts.append((task, told(task)))

    def asked(self, call: Call) -> Answer:
        """The answer to a status query."""
        body = json.loads(call.body or b"{}")
        if call.url.endswith("/fetch"):
            task = self.tasks.get(body["task_id"])
            return Answer(status=200, body=told(task)) if task else Answer(status=404, body=b"{}")
        known = [self.tasks[name] for name in body["task_ids"] if name in self.tasks]
        return Answer(status=200, body=b'{"tasks":[%s]}' % b",".join(told(task) for task in known))


def told(task: Task) -> bytes:
    """The /fetch object."""
    body: dict[str, object] = {"task_id": task.id, "task_type": task.type, "status": WORDS[task.state]}
    if task.state == "failed":
        body["error"] = "it did not work"
    elif task.state != "completed":
        body["percentage"] = str(task.percent)
    elif task.type == "imagine":
        body["original_image_url"] = f"https://c/{task.id}.png"
        body["image_urls"] = [f"https://c/{task.id}_{tile}.png" for tile in range(4)]
    else:
        body["image_url"] = f"https://c/{task.id}.png"
    return json.dumps(body).encode()
