"""Signed links: each opens one picture of one job to anybody, until it is over; nothing to store, nothing to guess."""

from __future__ import annotations

from typing import Literal

from receiver.lib.signatures import keyed_mac, same_text

#: What a link is worth: it opens its picture, it did once, or it is none of ours.
LinkWorth = Literal["open", "over", "forged"]


def picture_path(job_id: str, index: int) -> str:
    """Where a picture of a job is served; index 0 = the grid."""
    return f"/pictures/{job_id}/{index}"


def picture_link(key: bytes, job_id: str, index: int, until_s: int) -> str:
    """Path and query of a link that opens this picture until `until_s` (Unix seconds)."""
    return f"{picture_path(job_id, index)}?until={until_s}&mac={_mac(key, job_id, str(index), str(until_s))}"


def link_worth(key: bytes, job_id: str, index: str, until_s: str, mac: str, now_s: int) -> LinkWorth:
    """What a link is worth now, its parts as they came. Constant time in the MAC."""
    if not same_text(mac, _mac(key, job_id, index, until_s)):
        return "forged"
    return "open" if int(until_s) > now_s else "over"


def _mac(key: bytes, job_id: str, index: str, until_s: str) -> str:
    return keyed_mac(key, f"picture\0{job_id}\0{index}\0{until_s}")
