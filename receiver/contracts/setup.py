"""What flows need to know of the configuration."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from receiver.contracts.providers import Source
from receiver.lib.redaction import Redaction
from receiver.lib.signatures import Secret
from receiver.model.money import Budget
from receiver.model.rules import Rule


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What may be spent, and how far a chain may go."""

    #: By source.
    budgets: dict[str, Budget] = {}
    #: By rule.
    rule_budgets: dict[str, Budget] = {}
    #: Where days begin.
    time_zone: str = "UTC"
    #: How many follow-ups deep a chain may go.
    depth: int = 5
    #: How many jobs a root may lead to, itself included.
    jobs: int = 50


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What the configuration says, as far as flows need it."""

    sources: Mapping[str, Source]
    rules: tuple[Rule, ...] = ()
    limits: Limits = Limits()
    #: Names of the sinks there are.
    sinks: frozenset[str] = frozenset()
    #: Those of them that can ask a person: their messages have buttons.
    button_sinks: frozenset[str] = frozenset()
    #: Names of those that keep copies of pictures, in the configuration's order.
    archives: tuple[str, ...] = ()
    #: Those of them whose copies are shown to anybody who has a link: how long a link lasts, seconds.
    links: Mapping[str, float] = {}
    #: What links of ours begin with, without a slash at the end.
    public_url: str = ""
    #: Secrets beside those of the sources.
    secrets: tuple[Secret, ...] = ()
    #: Takes every secret out of what is kept; made of the secrets.
    redaction: Redaction = Redaction()

    def __post_init__(self) -> None:
        """Makes the redaction."""
        known = (secret for source in self.sources.values() for secret in source.all_secrets)
        msgspec.structs.force_setattr(self, "redaction", Redaction((*known, *self.secrets)))
