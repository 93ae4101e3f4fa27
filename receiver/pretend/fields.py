"""Reads single fields of an order's body, in the plain words most vendors use when one is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from receiver.pretend.faults import PretendRefusal


def text(body: dict[str, Any], name: str) -> str:
    """Text that is not blank. Raises Refused (400) otherwise."""
    value = body.get(name)
    if not isinstance(value, str) or not value.strip():
        raise PretendRefusal(400, f"{name} is required")
    return value


def optional(body: dict[str, Any], name: str) -> str | None:
    """Text, or None if it is not there. Raises Refused (400) for anything else."""
    return text(body, name) if body.get(name) is not None else None


def choice(body: dict[str, Any], name: str, allowed: Sequence[str]) -> str:
    """One of the allowed texts. Raises Refused (400) otherwise."""
    value = body.get(name)
    if not isinstance(value, str) or value not in allowed:
        raise PretendRefusal(400, f"{name} must be one of {', '.join(allowed)}")
    return value


def whole(body: dict[str, Any], name: str, least: int, most: int) -> int | None:
    """A whole number (not a truth value) in this range; None if it is anything else."""
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        return None
    return value


def texts(body: dict[str, Any], name: str, least: int, most: int) -> list[str] | None:
    """A list of so many texts; None if it is anything else."""
    value = body.get(name)
    if not isinstance(value, list) or not least <= len(value) <= most:
        return None
    return value if all(isinstance(item, str) for item in value) else None
