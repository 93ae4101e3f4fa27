"""The books after the story: what was billed, posted, kept and told, and whether it is as promised."""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from PIL import Image

from receiver.model.events import Event
from receiver.model.jobs import ArchivedCopy, Job
from receiver.pretend.options import Bill, Post
from receiver.pretend.receivers.event_sink import ReceivedEvent

#: What the story orders, in the vendor's words: each exactly once.
ORDERED: Final = ("imagine", "upscale-1x", "upscale-2x-4x")
#: Events that come from webhooks.
FROM_WEBHOOKS: Final = frozenset({"job.progress", "job.completed", "job.failed", "job.canceled"})


class Finding(NamedTuple):
    """One thing that was looked into."""

    #: Whether it is as it should be.
    holds: bool
    text: str


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """What the books of all sides say after the story."""

    #: How often the vendor posts each webhook.
    copies: int
    bills: tuple[Bill, ...]
    posts: tuple[Post, ...]
    #: How many webhooks gridhook kept.
    kept: int
    events: Sequence[Event]
    jobs: Sequence[Job]
    received: Sequence[ReceivedEvent]
    #: Where our copies are, and for each picture whether its copy is there with the right checksum.
    folder: Path
    copied: Sequence[bool]
    #: What Slack would not have taken.
    mistakes: Sequence[str]


def findings(ledger: Ledger) -> list[Finding]:
    """What there is to say about money, webhooks, forgeries and the sink."""
    return [
        _orders(ledger),
        _costs(ledger),
        _repeats(ledger),
        _forgeries(ledger),
        _told(ledger),
        _kept(ledger),
        _channel(ledger),
    ]


def _orders(ledger: Ledger) -> Finding:
    ordered = Counter(bill.endpoint for bill in ledger.bills)
    listed = ", ".join(f"{name} x {count}" for name, count in ordered.items())
    return Finding(ordered == Counter(ORDERED), f"each step was ordered and billed once: {listed}")


def _costs(ledger: Ledger) -> Finding:
    billed = sum((bill.amount for bill in ledger.bills), Decimal(0))
    booked = sum((job.cost.amount for job in ledger.jobs if job.cost), Decimal(0))
    return Finding(billed == booked, f"the vendor billed {billed} credits, gridhook's own books say {booked}")


def _repeats(ledger: Ledger) -> Finding:
    genuine = [post for post in ledger.posts if not post.forged]
    told = [event for event in ledger.events if event.type in FROM_WEBHOOKS]
    unique = {(event.subject, event.type, event.data.progress) for event in told}
    hd = sum(bill.endpoint == ORDERED[-1] for bill in ledger.bills)
    holds = (
        all(post.status == 200 for post in genuine)
        and len(genuine) % ledger.copies == 0
        and len(unique) == len(told)
        and hd == 1
    )
    received = f"{len(genuine)} received, {len(told)} events, {hd} HD order{'' if hd == 1 else 's'}"
    return Finding(holds, f"each webhook was posted {ledger.copies} times at once: {received}")


def _forgeries(ledger: Ledger) -> Finding:
    answers = [post.status for post in ledger.posts if post.forged]
    refused = answers.count(401)
    genuine = len(ledger.posts) - len(answers)
    text = (
        f"{refused} of {len(answers)} forged webhooks got 401; {ledger.kept} requests are kept, the genuine {genuine}"
    )
    return Finding(bool(answers) and refused == len(answers) and ledger.kept == genuine, text)


def _told(ledger: Ledger) -> Finding:
    wanted = Counter((job.id, "job.completed") for job in ledger.jobs)
    events = [one.event for one in ledger.received if one.event is not None]
    got = Counter((event.subject, event.type) for event in events if event.type == "job.completed")
    genuine = sum(one.genuine for one in ledger.received)
    text = f"the sink got {len(ledger.received)} events, each result once; {genuine} signatures verified"
    return Finding(got == wanted and genuine == len(ledger.received), text)


def _kept(ledger: Ledger) -> Finding:
    right = sum(ledger.copied)
    text = f"{right} of {len(ledger.copied)} pictures are in the archive, with the right checksums: {ledger.folder}"
    return Finding(right > 0 and all(ledger.copied), text)


def _channel(ledger: Ledger) -> Finding:
    refused = f": {ledger.mistakes[0]}" if ledger.mistakes else ""
    return Finding(not ledger.mistakes, f"Slack would have taken every call; {len(ledger.mistakes)} refused{refused}")


def is_kept(folder: Path, copy: ArchivedCopy | None) -> bool:
    """Whether a picture's copy is in the archive's folder, byte for byte as its checksum says."""
    try:
        return copy is not None and hashlib.sha256((folder / copy.key).read_bytes()).hexdigest() == copy.sha256
    except OSError:
        return False


def measure(picture: bytes) -> tuple[int, int]:
    """Width and height of a picture, pixels. Raises ValueError if it is none."""
    try:
        with Image.open(io.BytesIO(picture)) as image:
            return image.size
    except OSError:
        raise ValueError("these bytes are no picture") from None
