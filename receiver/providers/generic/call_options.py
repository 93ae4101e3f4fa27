"""The keys of `[sources.NAME.query]` and `[sources.NAME.orders.ACTION]`: what is asked of a vendor, and how."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import msgspec

from receiver.contracts.http import Method

#: One path or several; of several the first that leads to something usable counts.
Paths = str | tuple[str, ...]
#: In the file an amount in quotes.
Price = Annotated[Decimal, msgspec.Meta(extra={"unit": "amount"})]


class QueryKeys(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[sources.NAME.query]`: the free call that asks for one job. It knows `{id}` and `{key}`."""

    method: Method = "GET"
    url: str
    headers: dict[str, str] = {}
    #: JSON with placeholders; "" = none.
    body: str = ""
    #: Paths of the answer that differ from those of webhooks, by their names.
    paths: dict[str, Paths] = {}


class OrderKeys(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[sources.NAME.orders.ACTION]`: the paid call of one action."""

    method: Method = "POST"
    url: str
    headers: dict[str, str] = {}
    #: JSON with placeholders; "" = none.
    body: str = ""
    #: Where the answer names the job; () = at `paths.id`.
    id: Paths = ()
    #: What tells that nothing was ordered: a status, or where something stands that only a refusal has. The usual
    #: client errors (400, 401, 402, 403, 404, 409, 422) always do.
    refused: int | str | tuple[int | str, ...] = ()
    #: The header in which the vendor honours an idempotency key; "" = in none, so an order is never sent twice.
    idempotency_header: str = ""
    #: In `cost_unit`; None = not known.
    price: Price | None = None
    #: The actions whose jobs it may follow; () = it follows none.
    parents: tuple[str, ...] = ()
