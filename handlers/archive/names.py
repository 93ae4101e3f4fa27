"""Where in an archive each file is, so that a webhook, a look at the vendor and a redelivery agree on it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from receiver.lib import ids
from receiver.model.jobs import Job

PictureKind = Literal["grid", "image", "tile"]


def picture_name(job: Job, kind: PictureKind, index: int) -> str:
    """`{yyyy}/{mm}/{root}/{job}/{kind}-{index}`, without an ending; year and month are those in which the root began.

    Nothing in it is foreign text: ids are ours.
    """
    began = datetime.fromtimestamp(ids.made_at(ids.read("job", job.root_id) or 0) / 1000, UTC)
    return f"{began:%Y/%m}/{job.root_id}/{job.id}/{kind}-{index}"
