"""Orders at a vendor, by `[sources.NAME.orders.ACTION]`: what can be ordered, after what, how, and what came of it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Final
from uuid import UUID

import msgspec

from receiver.contracts import Answer, Call, Order, Parent, Source
from receiver.errors import OptionError, Unmapped, Unsupported
from receiver.lib.nearest import nearest
from receiver.model.actions import CANONICAL, PARAMETERS, Params
from receiver.model.deliveries import NotAccepted, OrderOutcome, Refused, Unclear
from receiver.model.jobs import Cost, JobError, KeptJob, Report
from receiver.providers.generic.call_options import OrderKeys
from receiver.providers.generic.calls import HEADER_NAME, NOT_OURS, CallTemplate
from receiver.providers.generic.options import Options
from receiver.providers.generic.placeholders import PARAMS
from receiver.providers.generic.reports import ReportReader, first_id, read_paths, reason_of
from receiver.providers.shared.answers import read_order_answer
from receiver.providers.shared.reading import answer_json

PARENT_ID: Final = "parent.provider_job_id"
PARENT_IMAGE: Final = "parent.image"
KNOWN: Final = frozenset(
    {PARAMS, "prompt", "key", "webhook_url", "secret", PARENT_ID, PARENT_IMAGE, "index", "index0", "index_text", "uuid"}
)
#: The parameter behind a placeholder that is not written as one.
BEHIND: Final = {"prompt": "prompt", "index": "index", "index0": "index", "index_text": "index"}
#: The placeholders that say which tile is meant.
OF_A_TILE: Final = frozenset({"index", "index0", "index_text", "params.index"})
ACTION_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,40}")
#: Refusals that pass: the same order is sent again later.
PASSING: Final = frozenset({"rate_limited", "queue_full"})
SERVER_ERROR: Final = 500


class OrderTemplate:
    """One action: its call, what it may follow, and how the answer is read."""

    def __init__(self, action: str, options: Options, reader: ReportReader, found: list[OptionError]) -> None:
        """`action` is one of `options.orders`; `reader` reads what a vendor says of jobs. Mistakes go to `found`."""
        keys = options.orders[action]
        where = f"orders.{action}"
        self.action = action
        self.parents = keys.parents
        self._reader = reader
        self._template = CallTemplate(where, keys.method, keys.url, keys.headers, keys.body, KNOWN, found)
        self._id = read_paths(f"{where}.id", keys.id or options.paths.id, found if keys.id else [])
        refused = (keys.refused,) if isinstance(keys.refused, int | str) else keys.refused
        self._refused_statuses = frozenset(int(one) for one in refused if str(one).isdecimal())
        self._refused = read_paths(
            f"{where}.refused", tuple(str(one) for one in refused if not str(one).isdecimal()), found
        )
        self.idempotency_header = keys.idempotency_header.lower()
        self.price = None if keys.price is None else Cost(amount=keys.price, unit=options.cost_unit, source="table")
        found += _mistakes(where, action, keys, self._template, options)

    @property
    def parameters(self) -> frozenset[str]:
        """The canonical parameters and those that its templates name."""
        own = {name.removeprefix(PARAMS) for name in self._template.names if name.startswith(PARAMS)}
        behind = {BEHIND[name] for name in self._template.names if name in BEHIND}
        return PARAMETERS.get(self.action, frozenset()) | own | behind

    @property
    def names(self) -> frozenset[str]:
        """The names of its placeholders."""
        return self._template.names

    def refusal(self, params: Params, parent: Parent | None) -> str | None:
        """Why it cannot be ordered with these parameters, after this parent; None if it can."""
        for name in sorted(self._template.needed):
            needed = BEHIND.get(name, name.removeprefix(PARAMS) if name.startswith(PARAMS) else None)
            if needed is not None and params.get(needed) in (None, ""):
                return f"{self.action} needs {needed}: it is part of the address"
        if not self.parents:
            return None
        if parent is None:
            return f"{self.action} needs a parent job: {' or '.join(self.parents)}"
        if parent.action is not None and parent.action not in self.parents:
            return f"{self.action} cannot follow {parent.action}; nearest: after {' or '.join(self.parents)}"
        return None if parent.kept is None else self._refusal_of(parent.kept, params)

    def _refusal_of(self, parent: KeptJob, params: Params) -> str | None:
        if PARENT_ID in self.names and parent.job.provider_job_id is None:
            return "the parent has no id at its vendor"
        if PARENT_IMAGE not in self.names or picture_of(parent, params, self.names) is not None:
            return None
        count = len(parent.job.images)
        index = params.get("index")
        if count > 1 and index is None:
            return f"the parent has {count} pictures; nearest: {self.action} with index 1-{count}"
        return "the parent has no picture" if index is None else f"the parent has no picture {index}"

    def call(self, order: Order, source: Source) -> Call:
        """The paid call; the same for the same order. Raises Unsupported or InvalidParams."""
        parent = order.parent
        if PARENT_ID in self.names and parent is not None and parent.job.source != source.name:
            raise Unsupported(f"{source.name} does not know the jobs of {parent.job.source}", "a parent of its own")
        call = self._template.call(values_of(order, source, self.names), source.base_url)
        if not self.idempotency_header:
            return call
        return msgspec.structs.replace(call, headers=call.headers | {self.idempotency_header: order.kept.job.id})

    def answered(self, answer: Answer, now: int) -> OrderOutcome:
        """What the answer means: refused where it says so, accepted where it names the job, else it is not known."""
        refused = self._refusal_in(answer)
        if refused is not None:
            if refused.code in PASSING:
                return NotAccepted(note=refused.message, status=answer.status)
            return Refused(error=refused, status=answer.status)
        if answer.status == 409 and self.idempotency_header and b"idempoten" in answer.body.lower():
            return Unclear(note="an earlier order has this idempotency key (409)", status=answer.status)
        return read_order_answer(
            answer, now, self._accepted, lambda value, status: self._reader.refusal(value, status, None)
        )

    def _refusal_in(self, answer: Answer) -> JobError | None:
        """The refusal that `refused` names; None if it is not there. What a broken server says is none."""
        try:
            value = answer_json(answer)
        except Unmapped:
            value = None
        if answer.status in self._refused_statuses:
            return self._reader.refusal(value, answer.status, None)
        if answer.status >= SERVER_ERROR:
            return None
        told = next((there for path in self._refused for there in path.found(value) if says_something(there)), None)
        if told is None:
            return None
        status = answer.status if answer.status >= 400 else None
        return self._reader.refusal(value, status, reason_of(told))

    def _accepted(self, value: Any) -> Report:
        job_id = first_id(self._id, value)
        if job_id is None:
            raise Unmapped("no id where the answer should have it")
        try:
            told = next(
                (one for one in self._reader.answer_about(value, job_id) if one.provider_job_id == job_id), None
            )
        except Unmapped:
            told = None
        # An envelope's "success" is about the order.
        if told is None or (told.status == "completed" and not (told.images or told.grid_url)):
            return Report(provider_job_id=job_id, status="queued")
        return told


def says_something(value: Any) -> bool:
    """Whether a refusal stands here: some vendors send the place for one along, with nothing in it (PiAPI).

    Nothing are 0, "", "0", "success" and its like, and what holds only these.
    """
    if isinstance(value, dict | list):
        return any(says_something(inner) for inner in (value.values() if isinstance(value, dict) else value))
    return reason_of(value) is not None if isinstance(value, str) else bool(value)


def values_of(order: Order, source: Source, names: frozenset[str]) -> dict[str, Any]:
    """What the placeholders of an order stand for; what is not given is not there. `names` are all of its own."""
    params = order.params
    values: dict[str, Any] = {f"{PARAMS}{name}": value for name, value in params.items()}
    index = params.get("index")
    parent = order.parent
    values |= {
        "prompt": params.get("prompt"),
        "index": index,
        "index0": index - 1 if isinstance(index, int) else None,
        # Some vendors take the tile as text only (PiAPI, Apiframe v1).
        "index_text": None if index is None else str(index),
        "key": source.api_key.reveal() if source.api_key is not None else None,
        "webhook_url": order.webhook_url,
        "secret": source.secrets[0].reveal() if source.secrets and order.webhook_url is not None else None,
        PARENT_ID: parent.job.provider_job_id if parent is not None else None,
        PARENT_IMAGE: picture_of(parent, params, names) if parent is not None else None,
        "uuid": uuid_of(order.kept.job.id),
    }
    return {name: value for name, value in values.items() if value is not None}


def picture_of(parent: KeptJob, params: Params, names: frozenset[str]) -> str | None:
    """The picture that an order works on: the parent's only one, that of the tile, or a grid that came alone.

    A grid is not taken for its tile, unless the order's placeholders (`names`) tell the vendor which tile is meant.
    """
    images, index = parent.job.images, params.get("index")
    if len(images) == 1:
        return images[0].url
    if not images:
        return parent.job.grid_url if index is None or names & OF_A_TILE else None
    return next((image.url for image in images if image.index == index), None)


def uuid_of(job_id: str) -> str:
    """A UUID (version 4 in form) that is always the same for a job: for vendors whose orders bring their own id."""
    return str(UUID(bytes=hashlib.sha256(job_id.encode()).digest()[:16], version=4))


def orders_of(options: Options, reader: ReportReader, found: list[OptionError]) -> Mapping[str, OrderTemplate]:
    """Every action that can be ordered; what cannot be meant goes to `found`."""
    known = sorted(CANONICAL | options.orders.keys())
    found += [
        OptionError("paces", f"{action!r} is no action here", nearest(action, known))
        for action in options.paces
        if action not in known
    ]
    return {action: OrderTemplate(action, options, reader, found) for action in options.orders}


def _mistakes(where: str, action: str, keys: OrderKeys, template: CallTemplate, options: Options) -> list[OptionError]:
    """What cannot be meant of an order beside its call and its paths."""
    found: list[OptionError] = []
    meant = [] if action in CANONICAL else get_close_matches(action, sorted(CANONICAL), 1, 0.9)
    if meant or not ACTION_NAME.fullmatch(action):
        remedy = f'did you mean "{meant[0]}"?' if meant else "write a-z, 0-9 and _, beginning with a letter"
        found.append(OptionError("orders", f"{action!r} is no action", remedy))
    if not keys.parents and (action == "pick" or {PARENT_ID, PARENT_IMAGE} & template.names):
        remedy = 'say what it may follow: parents = ["imagine"]'
        found.append(OptionError(f"{where}.parents", "is missing: it works on another job", remedy))
    known = sorted(CANONICAL | options.orders.keys())
    found += [
        OptionError(f"{where}.parents", f"{parent!r} is no action", nearest(parent, known))
        for parent in keys.parents
        if parent not in known
    ]
    if keys.idempotency_header and not HEADER_NAME.fullmatch(keys.idempotency_header):
        wrong = f"{keys.idempotency_header!r} is no header's name"
        found.append(OptionError(f"{where}.idempotency_header", wrong, 'write one like "idempotency-key"'))
    if keys.idempotency_header.lower() in NOT_OURS | {name.lower() for name in keys.headers} | {"content-type"}:
        wrong = f"{keys.idempotency_header} is written already"
        remedy = 'name the header that the vendor documents, like "idempotency-key", and leave it out of headers'
        found.append(OptionError(f"{where}.idempotency_header", wrong, remedy))
    for status in (keys.refused,) if isinstance(keys.refused, int | str) else keys.refused:
        if str(status).isdecimal() and not 400 <= int(status) < 600:
            wrong = f"{status} is no status of a refusal"
            found.append(OptionError(f"{where}.refused", wrong, "write one from 400 to 599, or a path"))
    return found
