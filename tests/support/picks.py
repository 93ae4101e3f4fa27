"""Finished picks, as JourneyAPI documents them, and a pretend vendor that knows them."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from receiver.pretend.book import (
    Draft,
    Shape,
    new_job,
)
from receiver.pretend.options import VendorOptions
from receiver.pretend.vendor import PretendVendor
from receiver.pretend.vendors import build

FIXTURES = Path(__file__).parents[1] / "fixtures"
#: The documented answer about a finished pick.
PICK: dict[str, Any] = json.loads((FIXTURES / "journeyapi" / "fetch_many_upscale.json").read_text())


def task_id(number: int) -> str:
    """A vendor's id of a task."""
    return str(UUID(int=number + 1))


def pick(task: str) -> bytes:
    """The documented payload about a finished pick, of this task."""
    return json.dumps({**PICK, "task_id": task}).encode()


def vendor_knowing(*tasks: str, **switches: Any) -> PretendVendor:
    """A pretend JourneyAPI where these picks were finished by another tool, and billed to that."""
    vendor = build(
        "journeyapi", VendorOptions(**{"pace": 0.02, "progress_steps": 0, "retry": (0.2,) * 100, **switches})
    )
    for task in tasks:
        remember(vendor, task, "upscale-1x", "single")
    return vendor


def remember(vendor: PretendVendor, task: str, kind: str, shape: Shape, **details: str) -> None:
    """Puts a finished job into the vendor's book."""
    order = Draft(kind=kind, amount=Decimal(0), body={}, shape=shape, prompt="a lighthouse", details=details)
    job = new_job(task, order, "http://127.0.0.1:9", 0)
    vendor.work.book.put(task, msgspec.structs.replace(job, state="completed", progress=100, finished=0))


def parents(vendor: PretendVendor) -> list[str]:
    """What the billed orders follow up on, oldest first."""
    return [str(bill.body["parent_task_id"]) for bill in vendor.bills]
