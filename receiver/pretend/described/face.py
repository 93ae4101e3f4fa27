"""A vendor that a preset describes, over HTTP."""

from __future__ import annotations

import base64
import re
import secrets
from decimal import Decimal
from typing import Any, Final
from uuid import uuid4

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from receiver.lib.times import Clock, system_clock
from receiver.pretend.book import Draft, PretendJob
from receiver.pretend.described.bodies import BodyWriter, Samples
from receiver.pretend.described.matching import CallMatcher, Matched, which
from receiver.pretend.described.signing import proof_headers
from receiver.pretend.faults import PretendRefusal
from receiver.pretend.fields import json_of
from receiver.pretend.options import EventKind, VendorOptions, WebhookTarget
from receiver.pretend.vendor import PretendRequest, PretendVendor
from receiver.providers.generic import Generic
from receiver.providers.generic.call_options import OrderKeys, QueryKeys
from receiver.providers.generic.options import Verify

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
#: Where the keys of an Ed25519 vendor are published.
KEYS_PATH: Final = "/.well-known/jwks.json"


class PretendDescribed:
    """Any vendor, from its description: `name` is the preset's."""

    base_path = ""
    #: Documented differently, or nowhere, by the vendors; made up.
    retry: tuple[float, ...] = (1.0, 5.0, 15.0)
    four_is_final = False

    def __init__(
        self,
        name: str,
        provider: Generic,
        samples: Samples,
        clock: Clock = system_clock,
        webhook_url: str | None = None,
    ) -> None:
        """`webhook_url` is where webhooks go that no order names; None = nowhere. `clock` returns Unix ms."""
        self.name = name
        self.options = provider.description
        #: What `secrets` of its receiver has, unless an order brings another one.
        self.secret = f"whsec_{secrets.token_hex(16)}"
        self.key_pair = Ed25519PrivateKey.generate()
        self.webhook_url = webhook_url
        self._clock = clock
        self._bodies = BodyWriter(self.options, samples)
        self._calls = [CallMatcher(action, keys) for action, keys in self.options.orders.items()]
        if self.options.query is not None:
            self._calls.append(CallMatcher("", self.options.query))

    @property
    def is_signed(self) -> bool:
        """Whether anything but the address proves its webhooks."""
        return self.options.verify != Verify()

    def proof_keys(self, root: str) -> dict[str, str]:
        """The keys of a source that verify its webhooks; `root` is its own address."""
        if not self.is_signed:
            return {}
        if self.options.verify.scheme == "ed25519":
            return {"verify.keys_url": f"{root}{KEYS_PATH}"}
        return {"secrets": self.secret}

    @property
    def names_webhooks(self) -> bool:
        """Whether its orders say where webhooks go."""
        return any("{webhook_url}" in f"{order.url} {order.body}" for order in self.options.orders.values())

    def routes(self, vendor: PretendVendor) -> list[Route]:
        """Every address: which call it is, the description says."""
        order, ask = vendor.ordering(self._draft), vendor.asking(self._answer)

        async def endpoint(request: Request) -> Response:
            try:
                body = await json_of(request)
            except PretendRefusal as refused:
                return self.refusal(refused, request.url.path)
            found = self._which(request.method, request.url.path, dict(request.query_params), body)
            return await (ask if found is not None and not found.action else order)(request)

        return [
            Route(KEYS_PATH, lambda _: JSONResponse(self._jwks())),
            Route("/{path:path}", endpoint, methods=METHODS),
        ]

    def key(self, headers: Headers) -> str | None:
        """The API key, where the description puts it."""
        calls: list[OrderKeys | QueryKeys] = [*self.options.orders.values()]
        calls += [self.options.query] if self.options.query is not None else []
        places = {(name, text) for call in calls for name, text in call.headers.items() if "{key}" in text}
        for name, text in places:
            before, _, after = text.partition("{key}")
            found = re.fullmatch(f"{re.escape(before)}(.*){re.escape(after)}", headers.get(name, ""))
            if found is not None:
                return found[1]
        return None if places else "any"

    def refusal(self, refused: PretendRefusal, path: str) -> Response:
        """An error where the description looks for one (inferred: how a vendor refuses is seldom documented)."""
        return JSONResponse(self._bodies.refused(refused.message, str(refused.code or refused.status)), refused.status)

    def new_id(self, order: Draft) -> str:
        """The caller's own, where orders bring one; else a fresh one."""
        return order.details.get("uuid") or str(uuid4())

    def accepted(self, jobs: list[PretendJob]) -> Response:
        """The documented answer, with the job's id."""
        return JSONResponse(self._bodies.accepted(jobs[0]))

    def hook(self, job: PretendJob, kind: EventKind, options: VendorOptions, key: str) -> WebhookTarget | None:
        """The documented webhook with the job's values, proven as the description says."""
        url = job.order.webhook_url or self.webhook_url
        if url is None or (kind == "progress" and not self._bodies.tells_progress):
            return None
        value = self._bodies.told(job, kind)
        body = msgspec.json.encode(value)
        if not self.is_signed:
            return WebhookTarget(url=url, body=body)
        secret = job.order.webhook_secret or self.secret
        now_s = self._clock() // 1000
        headers = proof_headers(self.options.verify, secret, self.key_pair, job.id, body, value, now_s)
        return WebhookTarget(url=url, headers=headers, body=body)

    def forgery(self, hook: WebhookTarget) -> WebhookTarget:
        """The same with a wrong proof; with a wrong path where nothing else proves anything."""
        if not hook.headers:
            return msgspec.structs.replace(hook, url=f"{hook.url.rstrip('/')}x")
        return msgspec.structs.replace(hook, headers=dict.fromkeys(hook.headers, "forged"))

    # --- requests

    def _which(self, method: str, path: str, query: dict[str, str], body: Any) -> Matched | None:
        return which(self._calls, method, path, query, body)

    def _found(self, received: PretendRequest) -> Matched:
        found = self._which(received.method, received.url_path, dict(received.query), received.value)
        if found is None:
            raise PretendRefusal(404, f"no call of the preset is {received.method} {received.url_path}")
        return found

    def _draft(self, received: PretendRequest) -> Draft:
        action, values = self._found(received)
        keys = self.options.orders[action]
        parent = received.book.get(str(values.get("parent.provider_job_id", "")))
        index = _index(values)
        grid = action == "imagine" or parent is None or index is None
        return Draft(
            kind=action,
            amount=keys.price or Decimal(0),
            unit=self.options.cost_unit,
            body=received.value if isinstance(received.value, dict) else {"": received.value},
            shape="grid" if grid and self._bodies.pictures > 1 and action != "upscale" else "single",
            prompt=str(values.get("prompt", parent.order.prompt if parent is not None else "")),
            seeds=_seeds(parent, index),
            webhook_url=values.get("webhook_url") or self.webhook_url,
            webhook_secret=values.get("secret"),
            details={"uuid": str(values["uuid"])} if "uuid" in values else {},
        )

    def _answer(self, received: PretendRequest) -> Response:
        asked = str(self._found(received).values.get("id", ""))
        job = received.book.get(asked)
        if job is None:
            raise PretendRefusal(404, f"no job {asked}")
        return JSONResponse(self._bodies.answered(job))

    def _jwks(self) -> dict[str, Any]:
        public = self.key_pair.public_key().public_bytes_raw()
        return {"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "1", "x": _base64url(public)}]}


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _index(values: dict[str, Any]) -> int | None:
    """The tile that an order means, from 1 on."""
    for name, first in (("index", 0), ("index_text", 0), ("params.index", 0), ("index0", 1)):
        text = str(values.get(name, ""))
        if text.isdecimal():
            return int(text) + first
    return None


def _seeds(parent: PretendJob | None, index: int | None) -> tuple[str, ...]:
    """What the picture of a tile shows; nothing: new pictures."""
    if parent is None or index is None or not 1 <= index <= len(parent.seeds):
        return ()
    return (parent.seeds[index - 1],)
