"""Which enlargements Midjourney offers of which version, for the pretend vendors that show its buttons."""

from __future__ import annotations

import re
from typing import Final

#: HD commands by the first figure of the grid's version (documented, seed 000).
HD_COMMANDS: Final = {
    "5": ("upsample_v5_2x", "upsample_v5_4x"),
    "6": ("upsample_v6_2x_subtle", "upsample_v6_2x_creative"),
    "7": ("upsample_v7_2x_subtle", "upsample_v7_2x_creative"),
    "8": ("upsample_v7_2x_subtle", "upsample_v7_2x_creative"),
}
ALL_HD: Final = frozenset(command for commands in HD_COMMANDS.values() for command in commands)

_VERSION: Final = re.compile(r"--v(?:ersion)?\s+([0-9.]+)")


def version_in(prompt: str) -> str:
    """The version that a prompt names; empty if it names none."""
    named = _VERSION.search(prompt)
    return named[1] if named else ""
