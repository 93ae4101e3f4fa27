"""What a pretend vendor can be told to do, and what it writes down."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

import msgspec

EventKind = Literal["progress", "completed", "failed"]
#: What can be done to a share of all orders, jobs or webhooks.
Switch = Literal["lose", "forge", "reorder", "late", "duplicates", "fail", "webhook_before_answer", "order_fault"]
#: The two programs called midjourney-proxy.
ProxyFlavour = Literal["novicezk", "trueai"]


class VendorOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The switches of a pretend vendor. All times are seconds."""

    #: From order to result; an HD upscale takes twice as long.
    pace: float = 2.0
    #: Progress reports between order and result.
    progress_steps: int = 3
    #: Each webhook is posted so many times, in parallel.
    duplicates: int = 1
    #: The result is posted first, then the progress before it, last step first.
    reorder: bool = False
    #: Wait before each webhook.
    late: float = 0.0
    #: True: no webhook ever comes; or the kinds that do not come. Asking works all the same.
    lose: bool | frozenset[EventKind] = False
    #: Before each webhook comes a forged one that says `failed`, with a wrong secret, signature or path.
    forge: bool = False
    #: The answer to an order comes so much later (it is taken and billed at once).
    order_delay: float = 0.0
    #: What happens to the next orders, one name each; the names stand in `faults.py`.
    order_failures: tuple[str, ...] = ()
    #: What happens to orders beside those: one such name; empty: nothing.
    order_fault: str = ""
    #: How often a switch that is on strikes, as a share of one; left out: always.
    shares: dict[Switch, float] = {}
    #: The job ends at once and its webhook is posted before the order is answered.
    webhook_before_answer: bool = False
    #: Every job fails with this message.
    fail: str | None = None
    #: The only key that is let in; empty: any key that is not empty.
    api_key: str = ""
    #: JourneyAPI: echoed for orders that bring no `webhook_secret` of their own.
    webhook_secret: str = ""
    #: Apiframe: the HMAC key is the API key's SHA-256, raw or as hex text; `bare` = raw, without `sha256=` in front of
    #: the signature; `none` = unsigned.
    signature: Literal["raw", "hex", "bare", "none"] = "raw"
    #: Apiframe: what `result` is in a webhook; the documents show a string in one place, an object in another.
    result: Literal["object", "string", "array"] = "object"
    #: APIMart: whether the webhook's body has the `{"code", "data"}` around it, as the status answer has.
    wrapped: bool = True
    #: midjourney-proxy: which of the two programs of that name it is.
    flavour: ProxyFlavour = "trueai"
    #: Waits between tries of one webhook; None: the vendor's own.
    retry: tuple[float, ...] | None = None
    #: How long a webhook's receiver may take.
    webhook_timeout: float = 10.0

    def loses(self, kind: EventKind) -> bool:
        """Whether webhooks of this kind never come."""
        return self.lose if isinstance(self.lose, bool) else kind in self.lose


class Shares:
    """Decides evenly: of a hundred webhooks, 20 % are every fifth."""

    def __init__(self) -> None:
        self._due: dict[Switch, float] = {}

    def strikes(self, switch: Switch, options: VendorOptions) -> bool:
        """Whether a switch that is on strikes this time."""
        due = self._due.get(switch, 0.0) + options.shares.get(switch, 1.0)
        # 0.1 ten times is a hair less than 1.
        now = due > 1 - 1e-9
        self._due[switch] = due - 1 if now else due
        return now


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """One order that was taken and charged."""

    #: The vendor's id of the job.
    order_id: str
    #: The path's last part that says what was ordered: `imagine`, `upscale-1x`, `upsample`, `midjourney_upscale`...
    endpoint: str
    amount: Decimal
    #: `credits` or `USD`
    unit: str
    #: The order's JSON body.
    body: dict[str, Any]
    idempotency_key: str | None = None
    #: As it stood in the order.
    webhook_url: str | None = None


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """One try at posting a webhook."""

    url: str
    #: The receiver's answer; None if there was none.
    status: int | None
    job_id: str
    kind: EventKind
    forged: bool = False
    #: 1 = first
    attempt: int
    headers: dict[str, str]
    body: bytes


class WebhookTarget(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook ready to be posted."""

    url: str
    headers: dict[str, str] = {}
    body: bytes

    def posted(self, status: int | None, job_id: str, kind: EventKind, attempt: int) -> Post:
        """What is written down about one try."""
        return Post(
            url=self.url,
            status=status,
            job_id=job_id,
            kind=kind,
            attempt=attempt,
            headers=self.headers,
            body=self.body,
        )
