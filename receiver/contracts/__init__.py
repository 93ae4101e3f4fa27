"""What the parts expect of each other: requests and calls, providers, handlers, transport, transactions."""

from __future__ import annotations

from receiver.contracts.backups import Backup, Restored
from receiver.contracts.claims import ClaimedDue, LaneLimits
from receiver.contracts.handlers import (
    Committed,
    DeliveryContext,
    FamilyHandler,
    Handler,
    OrderSender,
    Sink,
    shows_families,
)
from receiver.contracts.http import (
    Answer,
    Call,
    CallNetwork,
    ForeignClient,
    Transport,
)
from receiver.contracts.lists import (
    Counts,
    Filters,
    MissingWebhooks,
    Page,
)
from receiver.contracts.options import (
    JsonSource,
    LocalPath,
    MaybeSecret,
    NoOptions,
    PlainUrl,
    SecretUrl,
    TextSource,
    preset_folder,
)
from receiver.contracts.presses import (
    Acknowledgement,
    Acknowledger,
    ButtonHandler,
    Listening,
    Press,
    PressListener,
    PressReplier,
    has_buttons,
    listens_as,
    press_path,
)
from receiver.contracts.providers import (
    SILENCE,
    Order,
    Parent,
    Provider,
    Source,
)
from receiver.contracts.pruning import (
    FilePages,
    OldRows,
    Pruned,
    Upkeep,
)
from receiver.contracts.public_keys import FetchedKeys, PublicKeys
from receiver.contracts.store import (
    CommitHook,
    Database,
    HookedStore,
    Inspection,
    Result,
    Store,
    Watch,
)
from receiver.contracts.transaction import Transaction
from receiver.model.money import (
    Breaker,
    Budget,
    CostRow,
    CostSum,
    Scope,
)
from receiver.model.requests import KeptRequest, Proof, Request, RequestState, Seal

__all__ = [
    "SILENCE",
    "Acknowledgement",
    "Acknowledger",
    "Answer",
    "Backup",
    "Breaker",
    "Budget",
    "ButtonHandler",
    "Call",
    "CallNetwork",
    "ClaimedDue",
    "CommitHook",
    "Committed",
    "CostRow",
    "CostSum",
    "Counts",
    "Database",
    "DeliveryContext",
    "FamilyHandler",
    "FetchedKeys",
    "FilePages",
    "Filters",
    "ForeignClient",
    "Handler",
    "HookedStore",
    "Inspection",
    "JsonSource",
    "KeptRequest",
    "LaneLimits",
    "Listening",
    "LocalPath",
    "MaybeSecret",
    "MissingWebhooks",
    "NoOptions",
    "OldRows",
    "Order",
    "OrderSender",
    "Page",
    "Parent",
    "PlainUrl",
    "Press",
    "PressListener",
    "PressReplier",
    "Proof",
    "Provider",
    "Pruned",
    "PublicKeys",
    "Request",
    "RequestState",
    "Restored",
    "Result",
    "Scope",
    "Seal",
    "SecretUrl",
    "Sink",
    "Source",
    "Store",
    "TextSource",
    "Transaction",
    "Transport",
    "Upkeep",
    "Watch",
    "has_buttons",
    "listens_as",
    "preset_folder",
    "press_path",
    "shows_families",
]
