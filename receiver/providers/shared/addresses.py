"""Vendors' ids in the addresses of their APIs."""

from __future__ import annotations

from receiver.errors import Unsupported
from receiver.lib.addresses.url_paths import quoted_segment
from receiver.model.jobs import KeptJob


def id_segment(kept: KeptJob) -> str:
    """The vendor's id of a job as one quoted segment of an address, the only way in which an id gets into one.

    Raises Unsupported for an id that can be none (missing, empty, `.` or `..`): such a job is never asked for.
    """
    try:
        return quoted_segment(kept.job.provider_job_id or "")
    except ValueError as wrong:
        raise Unsupported(f"the vendor's id of {kept.job.id} leads to no address: {wrong}") from None
