"""What the parts expect of each other: requests and calls, providers, handlers, transport, transactions."""

from __future__ import annotations

from receiver.contracts.handlers import Committed, Handler, OrderSender, Sink
from receiver.contracts.http import Answer, Call, KeptRequest, Proof, Request, RequestState, Seal, Transport
from receiver.contracts.money import Breaker, Budget, CostRow
from receiver.contracts.providers import SILENCE, Order, Parent, Provider, Source
from receiver.contracts.store import Store, Watch
from receiver.contracts.transaction import Counts, Filters, Transaction

__all__ = [
    "SILENCE",
    "Answer",
    "Breaker",
    "Budget",
    "Call",
    "Committed",
    "CostRow",
    "Counts",
    "Filters",
    "Handler",
    "KeptRequest",
    "Order",
    "OrderSender",
    "Parent",
    "Proof",
    "Provider",
    "Request",
    "RequestState",
    "Seal",
    "Sink",
    "Source",
    "Store",
    "Transaction",
    "Transport",
    "Watch",
]
