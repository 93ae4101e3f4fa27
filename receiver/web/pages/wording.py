"""How jobs, amounts and moments are said on pages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from receiver.lib.times import unstamp
from receiver.model.jobs import Cost

#: The longest foreign text in a list, characters.
LONGEST: Final = 400
ACTIONS: Final = {
    "imagine": "Imagine",
    "upscale": "HD",
    "vary": "Vary",
    "reroll": "Reroll",
    "zoom": "Zoom out",
    "pan": "Pan",
    "inpaint": "Inpaint",
    "outpaint": "Outpaint",
    "blend": "Blend",
    "describe": "Describe",
}
#: The ratios that the style sheet has rows for.
RATIOS: Final = {
    "1x1": 1.0,
    "16x9": 16 / 9,
    "9x16": 9 / 16,
    "3x2": 1.5,
    "2x3": 2 / 3,
    "4x3": 4 / 3,
    "3x4": 3 / 4,
    "21x9": 21 / 9,
}


def action_words(action: str | None, params: Mapping[str, Any]) -> str:
    """An action in two or three words: `U2`, `HD 2x`, `Vary 3`."""
    if action is None:
        return "Job"
    if action == "pick":
        return f"U{params['index']}" if params.get("index") else "Pick"
    name = ACTIONS.get(action, action)
    told = [params[key] for key in ("kind", "strength", "index", "factor", "direction") if params.get(key) is not None]
    return " ".join([name, *(str(one)[:40] for one in told if isinstance(one, str | int | float))])


def cost_words(cost: Cost | None) -> str:
    """What something costs: `4 credits`, `$0.08`, `1 credit`; unknown is no number."""
    return "price unknown" if cost is None else money_words(cost.amount, cost.unit)


def money_words(amount: Decimal, unit: str) -> str:
    """An amount with its unit."""
    number = f"{amount:,f}"
    if "." in number:
        number = number.rstrip("0").rstrip(".")
    if unit == "USD":
        whole, _, cents = number.partition(".")
        return f"${whole}.{cents:0<2}"
    return f"{number} credit" if number == "1" and unit == "credits" else f"{number} {unit}"


def ratio_class(told: object) -> str:
    """The style sheet's ratio that is nearest to `16:9`, `16x9` or the like; square where nothing is told."""
    width, _, height = str(told or "").replace("x", ":").partition(":")
    try:
        ratio = float(width) / float(height)
    except (ValueError, ZeroDivisionError):
        return "1x1"
    return min(RATIOS, key=lambda name: abs(RATIOS[name] - ratio) / RATIOS[name])


def local(iso: str, time_zone: str) -> datetime:
    """A moment as the clocks of the configured zone show it."""
    return datetime.fromtimestamp(unstamp(iso) / 1000, ZoneInfo(time_zone))


def absolute(iso: str, time_zone: str) -> str:
    """A moment in full: `29 Nov 2026, 16:42:07`."""
    return local(iso, time_zone).strftime("%-d %b %Y, %H:%M:%S")


def relative(iso: str, now_ms: int) -> str:
    """How long ago, or in how long: `4 min ago`, `in 2 h`, `3 days ago`."""
    away_s = (unstamp(iso) - now_ms) // 1000
    size = abs(away_s)
    if size < 5:
        return "now"
    for limit, per, word in ((60, 1, "s"), (3600, 60, "min"), (86_400, 3600, "h")):
        if size < limit:
            told = f"{size // per} {word}"
            break
    else:
        days = size // 86_400
        told = f"{days} day{'' if days == 1 else 's'}"
    return f"in {told}" if away_s > 0 else f"{told} ago"


def duration_words(ms: int) -> str:
    """A span of time: `12 ms`, `3.4 s`, `2 min 5 s`, `3 h 12 min`."""
    if ms < 1000:
        return f"{ms} ms"
    seconds = ms / 1000
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours // 24} days"


def size_words(count: int) -> str:
    """Bytes: `812 B`, `4.1 kB`, `2.0 MB`."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:.1f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


def short_id(text: str) -> str:
    """An id as far as it tells it from its neighbours: `job_…grvb9a`."""
    kind, _, rest = text.partition("_")
    return f"{kind}_…{rest[-6:]}" if len(rest) > 6 else text


def cut(text: str, longest: int = LONGEST) -> str:
    """Foreign text as far as a list shows it."""
    return text if len(text) <= longest else f"{text[:longest]}…"
