"""Midjourney model versions: which one a grid was made with, and its HD upscale commands at APIMart."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from receiver.errors import Unsupported
from receiver.model.jobs import KeptJob

#: What Midjourney takes when nobody names a version (inferred).
DEFAULT: Final = "7"
#: `niji` without a number (inferred).
NIJI: Final = "6"
#: Their panel has neither zoom nor inpaint (seen in use, not documented).
NEWEST: Final = frozenset({"8.1", "8.2"})

_FLAG: Final = re.compile(r"(?:--|\u2014)(?:version|v|niji)\s+(\d{1,2}(?:\.\d{1,2})?)(?!\S)")
_NUMBER: Final = re.compile(r"\d{1,2}(?:\.\d{1,2})?")
#: The HD commands by version (documented, seed 000). 5.1 and 5.2 count as v5, niji as its number (inferred).
_FAMILY: Final[dict[str, str]] = {
    **dict.fromkeys(("5", "5.1", "5.2"), "v5"),
    **dict.fromkeys(("6", "6.1"), "v6"),
    **dict.fromkeys(("7", "8.1"), "v7"),
}
#: Our kinds to the commands. `2x` is the nearest thing that changes least (our choice).
COMMANDS: Final[dict[str, dict[str, str]]] = {
    "v5": {
        "2x": "upsample_v5_2x",
        "v5_2x": "upsample_v5_2x",
        "4x": "upsample_v5_4x",
        "v5_4x": "upsample_v5_4x",
    },
    "v6": {
        "2x": "upsample_v6_2x_subtle",
        "subtle": "upsample_v6_2x_subtle",
        "creative": "upsample_v6_2x_creative",
    },
    "v7": {
        "2x": "upsample_v7_2x_subtle",
        "subtle": "upsample_v7_2x_subtle",
        "creative": "upsample_v7_2x_creative",
    },
}


def hd_command(version: str, kind: str) -> str:
    """The HD command for a grid of this version. Raises Unsupported, naming what this version can do."""
    family = _FAMILY.get(version)
    if family is None:
        raise Unsupported(f"APIMart names no HD upscale for version {version}", "a pick, which is cropped at once")
    command = COMMANDS[family].get(kind)
    if command is None:
        kinds = ", ".join(sorted(COMMANDS[family]))
        raise Unsupported(f"APIMart has no upscale of kind {kind} for version {version}", f"kind {kinds}")
    return command


def kinds_of(version: str) -> tuple[str, ...]:
    """The distinct HD kinds of a version, by the name that says most."""
    return {"v5": ("2x", "4x"), "v6": ("subtle", "creative"), "v7": ("subtle", "creative")}.get(
        _FAMILY.get(version, ""), ()
    )


def version_of(lineage: Iterable[KeptJob]) -> str | None:
    """The version that the nearest of these jobs names, in its parameters or its prompt; None if none does."""
    return next((version for kept in lineage if (version := _said(kept)) is not None), None)


def _said(kept: KeptJob) -> str | None:
    params = kept.job.params
    return (
        plain(params.get("version"))
        or _niji(params.get("niji"))
        or version_in(params.get("prompt"))
        or version_in(kept.job.prompt)
    )


def _niji(value: Any) -> str | None:
    return (plain(value) or NIJI) if value and value != "false" else None


def plain(value: Any) -> str | None:
    """`6.1` from 6.1, "v6.1" or "niji 6"; `7` from "7.0"; None if there is no number."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    found = _NUMBER.search(str(value))
    return found.group().removesuffix(".0") if found else None


def version_in(prompt: Any) -> str | None:
    """The version of the last `--v`, `--version` or `--niji` in a prompt."""
    found = _FLAG.findall(prompt) if isinstance(prompt, str) else []
    return plain(found[-1]) if found else None
