"""What somebody asks for through the API or the command line: an order, a pick, a decision."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

#: The longest Idempotency-Key that is taken, characters.
KEY_LENGTH: Final = 255


class Submission(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A job that somebody wants: the body of `POST /api/v1/jobs`."""

    #: Name of the configured account that shall do it.
    source: str
    #: Canonical action, or a vendor's own by its name.
    action: str
    #: All that the action needs.
    params: dict[str, Any] = {}
    #: Our id of the job that it follows up on.
    parent_id: str | None = None
    tags: dict[str, str] = {}
    #: What follows when it completes: a table like a rule's `then`, or a list of such.
    then: list[Any] | dict[str, Any] | None = None


class Pick(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which tile of the grid: the body of `POST /api/v1/jobs/{id}/pick`."""

    index: Any


#: What a person can decide on a job that waits, or of which nothing certain is known.
Decision = Literal["check", "send", "give-up"]


class Resolve(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What shall become of a job that is unsure or held: the body of `POST /api/v1/jobs/{id}/resolve`."""

    #: `check`: ask the vendor now, or judge a hold anew. `send`: order it whatever holds it; an unsure job may then be
    #: paid twice. `give-up`: failed (a late result still completes it), or canceled if it was not ordered yet.
    decision: Decision
