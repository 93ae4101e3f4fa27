"""Refused requests as `tail` shows them: one by one while they are few, summed up in a flood."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from receiver.cli.local_times import local
from receiver.cli.screen import clean
from receiver.lib.times import stamp
from receiver.model.requests import RefusedRequest

#: What they are called among events' types.
TYPE: Final = "request.refused"
#: More than so many at once are summed up.
FEW: Final = 5
#: So many addresses are named.
NAMED: Final = 5


class RefusalLine(msgspec.Struct, frozen=True, kw_only=True):
    """One refused request, or several of one source and reason."""

    type: str = TYPE
    #: When the last of them came, RFC 3339.
    time: str
    #: None = they named no source that there is, or `reason` is None.
    source: str | None
    #: None = so many were refused that neither source nor reason of these is known any more.
    reason: str | None
    number: int = 1
    #: Where they came from; the first few addresses.
    senders: tuple[str, ...] = ()

    def text(self) -> str:
        """It in one line for a reader."""
        what = f"{clean(self.source)}  {self.reason}" if self.reason else "and more"
        many = f"{self.number:,} " if self.number > 1 or not self.reason else ""
        whence = f"from {', '.join(self.senders)}" if self.senders else ""
        return clean(f"{local(self.time)}  {TYPE:<13}  {what}  {many}{whence}".rstrip())


def refusal_lines(news: Sequence[tuple[int, RefusedRequest]], before: int, source: str | None) -> list[RefusalLine]:
    """What came after the one with the number `before`, which `news` tells newest first; of one source, or of all."""
    if not news:
        return []
    skipped = news[0][0] - before - len(news)
    fitting = [one for _, one in reversed(news) if source in (None, one.source)]
    if skipped <= 0 and len(fitting) <= FEW:
        return [_line([one]) for one in fitting]
    groups: dict[tuple[str | None, str], list[RefusedRequest]] = {}
    for one in fitting:
        groups.setdefault((one.source, one.reason), []).append(one)
    lines = [_line(group) for group in groups.values()]
    if skipped > 0:
        lines.append(RefusalLine(time=stamp(news[0][1].at), source=None, reason=None, number=skipped))
    return lines


def _line(group: Sequence[RefusedRequest]) -> RefusalLine:
    last = group[-1]
    senders = tuple(dict.fromkeys(one.sender for one in group if one.sender))[:NAMED]
    return RefusalLine(time=stamp(last.at), source=last.source, reason=last.reason, number=len(group), senders=senders)
