"""The 64-bit keys by which a vendor's job is found: an index of integers is smaller and quicker than one of texts."""

from __future__ import annotations

from hashlib import blake2b


def id_key(provider_job_id: str) -> int:
    """The key of a vendor's id, a signed 64-bit integer that is the same for ever: it is stored.

    Two ids may share a key (one chance in 4 * 10^9 among 100,000): compare the ids of what it finds.
    """
    return key_of(provider_job_id.encode("utf-8", "surrogatepass"))


def key_of(text: bytes) -> int:
    """A hash of a text, a signed 64-bit integer that is the same for ever."""
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big", signed=True)


def job_key(source: str, provider_job_id: str) -> int:
    """The key of a vendor's job at one source; stored as well."""
    return id_key(f"{source}\0{provider_job_id}")
