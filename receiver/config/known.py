"""What the readers of rules must know of the rest of the file."""

from __future__ import annotations

import msgspec

from receiver.config.findings import Findings
from receiver.config.sources import SourcesRead
from receiver.contracts import Source
from receiver.model.rules import fits


class RuleContext(msgspec.Struct, frozen=True, kw_only=True):
    """Names and sources that rules may speak of, and where mistakes go."""

    findings: Findings
    sources: SourcesRead
    #: Every sink in the file, also those with mistakes.
    sinks: tuple[str, ...] = ()
    #: Those of them that are known to have no buttons.
    sinks_without_buttons: tuple[str, ...] = ()
    #: Names of rules, as far as they are given.
    rules: tuple[str, ...] = ()
    #: Whether some rule has a name made from its content.
    unnamed_rules: bool = False

    @property
    def all_made(self) -> bool:
        """Whether every source could be made; if not, what they can do is not fully known."""
        return len(self.sources.made) == len(self.sources.names)

    def sources_of(self, when: dict[str, object]) -> tuple[Source, ...]:
        """The sources whose events may match."""
        wanted = {name: value for name, value in when.items() if name in ("source", "provider")}
        return tuple(
            source
            for name, source in self.sources.made.items()
            if fits({"source": name, "provider": source.provider.name}, wanted)
        )
