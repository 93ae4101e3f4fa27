"""What building an order has in common for several vendors."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from receiver.contracts import Order, Parent
from receiver.errors import Unsupported
from receiver.model.actions import Params

#: The flags by which a Midjourney prompt names its model version.
_VERSION_FLAG: Final = re.compile(r"(^|\s)--(v|version|niji)\b")


def refuse_impossible(order: Order, refusal: Callable[[str, Params, Parent | None], str | None]) -> None:
    """The last look before a call is built. Raises Unsupported with the provider's own words."""
    kept = order.parent
    parent = None if kept is None else Parent(action=kept.job.action, provider=kept.job.provider, kept=kept)
    reason = refusal(order.action, order.params, parent)
    if reason is not None:
        raise Unsupported(reason)


def with_version(prompt: str, version: str | None) -> str:
    """The prompt with Midjourney's own version flag, for vendors whose request has no field for it (inferred).

    `"7"` becomes `--v 7`, `"niji 6"` becomes `--niji 6`; a version in the prompt itself stays.
    """
    if not version or _VERSION_FLAG.search(prompt):
        return prompt
    word = version.strip().lower()
    flag = f"--niji {word.removeprefix('niji').strip()}" if word.startswith("niji") else f"--v {word.removeprefix('v')}"
    return f"{prompt} {flag.strip()}"
