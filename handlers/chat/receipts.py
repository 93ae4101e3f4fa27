"""What is remembered of the message that shows a job, so that later events edit it."""

from __future__ import annotations

import hashlib
import re

import msgspec

from receiver.model.deliveries import OutgoingEvent


class MessageReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """Which message shows the job, and what it shows."""

    #: Its id at the platform: digits.
    message: str
    #: The channel that it is in, by id.
    channel: str
    #: The event that it shows.
    event: str
    #: Digest of the address of the picture that it shows; empty = none.
    picture: str = ""
    #: What the platform needs to know to edit it.
    file: str = ""

    def encode(self) -> str:
        """As it is kept."""
        return msgspec.json.encode(self).decode()


def read_receipt(receipt: str | None) -> MessageReceipt | None:
    """What was remembered of a message; None if there is nothing that can be used."""
    try:
        kept = msgspec.json.decode(receipt, type=MessageReceipt) if receipt else None
    except (msgspec.MsgspecError, ValueError):
        return None
    return kept if kept is not None and re.fullmatch(r"[0-9]{1,20}", kept.message) else None


def is_superseded(receipt: MessageReceipt, outgoing: OutgoingEvent) -> bool:
    """Whether the message shows what came later already. A question is shown as it is now, whatever is delivered."""
    return outgoing.question is None and outgoing.event.id < receipt.event


def picture_digest(url: str | None) -> str:
    """What tells pictures apart, by their address without its query, which may be a signature that changes."""
    return hashlib.sha256(url.partition("?")[0].encode()).hexdigest()[:16] if url else ""
