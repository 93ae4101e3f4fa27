"""What is remembered of the message that shows a job, so that later events edit it."""

from __future__ import annotations

import hashlib

import msgspec

from receiver.model.deliveries import OutgoingEvent


class MessageReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """Which message shows the job, and what it shows."""

    #: Its id at the platform.
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


def read_receipt(outgoing: OutgoingEvent) -> MessageReceipt | None:
    """What was remembered of a job's message; None if there is nothing that can be used."""
    try:
        return msgspec.json.decode(outgoing.receipt, type=MessageReceipt) if outgoing.receipt else None
    except (msgspec.MsgspecError, ValueError):
        return None


def is_superseded(receipt: MessageReceipt, outgoing: OutgoingEvent) -> bool:
    """Whether the message shows what came later already. A question is shown as it is now, whatever is delivered."""
    return outgoing.question is None and outgoing.event.id < receipt.event


def picture_digest(url: str | None) -> str:
    """What tells pictures apart, by their address without its query, which may be a signature that changes."""
    return hashlib.sha256(url.partition("?")[0].encode()).hexdigest()[:16] if url else ""
