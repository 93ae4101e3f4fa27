"""Every error gridhook raises on purpose.

GridhookError
├── ConfigError          the configuration cannot be used; carries every problem found
├── OptionError          one key of a plug-in's options cannot be used; the configuration makes a problem of it
├── TemplateWrong        a template or an expression cannot be read, or cannot be filled in
├── NotJson              a body is not RFC 8259 JSON
├── Unverified           a webhook does not prove to be genuine (401); nothing of it is kept
├── Unmapped             JSON, but not a shape (or a status) that the provider code knows
│   └── ProviderBroke    the provider code raised, or returned, what its contract does not allow
├── Unsupported          a provider cannot do this action, or not on this parent
├── InvalidParams        an action's parameters are wrong
│   └── OutOfBounds      what somebody asks for is too long, too many or no plain text
├── NotPossible          a request of a person or a rule does not fit the state of things (409)
├── NotFound             no such thing (404)
├── NotAllowed           who asks is none of those who may (403)
├── ListeningRefused     a platform does not let us listen to it, until a person changes something there
├── StoreError
│   ├── StoreUnavailable it cannot be kept now (disk full, read-only, locked): ask again
│   └── StoreRefused     this database is not for this program (newer version, another dispatcher)
├── ForeignRefused       what a foreign address leads to is not fetched, or is not what it should be
└── TransportError       an HTTP call did not end in an answer
    ├── NotSent          nothing of it can have reached the other side
    └── NoAnswer         it may have arrived; what became of it is not known
        └── AnswerTooLong   there was an answer, longer than it may be
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class GridhookError(Exception):
    """Root of the tree. `code` is stable and goes into problem documents."""

    code = "internal"


class Problem(NamedTuple):
    """One mistake in a configuration: where it stands, what is wrong, what would be right."""

    where: str
    wrong: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.wrong}\n    -> {self.remedy}"


class ConfigError(GridhookError):
    """The configuration cannot be used. `problems` holds every mistake found, not only the first."""

    code = "configuration"

    def __init__(self, file: str, problems: list[Problem]) -> None:
        self.file = file
        self.problems = problems
        super().__init__("\n".join([f"{file}: {len(problems)} problem(s)", *(f"  {p}" for p in problems)]))


class OptionError(GridhookError):
    """A key of a plug-in's options cannot be used as it is written.

    `key` is its name, dotted where it stands in a table of its own; "" means the options as a whole. `wrong` says what
    is wrong and `remedy` what would be right, neither with a character of a secret.
    """

    code = "configuration"

    def __init__(self, key: str, wrong: str, remedy: str) -> None:
        self.key = key
        self.wrong = wrong
        self.remedy = remedy
        super().__init__(f"{key} {wrong}: {remedy}".strip())


def raise_option_errors(found: Sequence[OptionError]) -> None:
    """Raises what was found: nothing, the one OptionError, or an ExceptionGroup of several."""
    if len(found) == 1:
        raise found[0]
    if found:
        raise ExceptionGroup("several options cannot be used", found)


class TemplateWrong(GridhookError):
    """A template or an expression cannot be read, or cannot be filled in. The message quotes no value."""

    code = "template"

    def __init__(self, wrong: str, *, kind: str, at: int | None = None, piece: str = "") -> None:
        super().__init__(wrong)
        #: The engine's name for it.
        self.kind = kind
        #: The character of the source that it begins at; None = it is about the whole.
        self.at = at
        #: What stands there.
        self.piece = piece


class NotJson(GridhookError):
    """The bytes are not RFC 8259 JSON; the message says where they stop being so."""

    code = "not_json"


class Unverified(GridhookError):
    """A webhook does not prove to be genuine: it is refused and not kept. `reason` is for the operator."""

    code = "not_verified"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Unmapped(GridhookError):
    """The JSON is of no shape that the provider code knows, or names a status it does not know."""

    code = "unmapped"


class ProviderBroke(Unmapped):
    """The provider code broke its contract. It is handled like what that code does not understand: nothing is lost."""


class Unsupported(GridhookError):
    """The provider cannot do this. `nearest` names what it can do instead, as a short phrase."""

    code = "unsupported"

    def __init__(self, message: str, nearest: str = "") -> None:
        self.nearest = nearest
        super().__init__(f"{message}; nearest: {nearest}" if nearest else message)


class InvalidParams(GridhookError):
    """An action's parameters are missing, of the wrong kind or out of range."""

    code = "invalid_params"


class OutOfBounds(InvalidParams):
    """What somebody asks for is too long, too many or no plain text; the message says the bound."""

    code = "out_of_bounds"


class NotPossible(GridhookError):
    """The wish does not fit the state of the job or its parent. `code` says which."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class NotFound(GridhookError):
    """There is no such source, job, event, request or delivery."""

    code = "not_found"


class NotAllowed(GridhookError):
    """Who asks is none of those who may."""

    code = "not_a_decider"


class ListeningRefused(GridhookError):
    """A platform does not let us listen to it: trying again helps only after a person has changed something there."""

    code = "listening_refused"


class StoreError(GridhookError):
    """Something about the database."""

    code = "store"


class StoreUnavailable(StoreError):
    """It cannot be kept now: disk full, read-only, locked. Nothing is half-written; ask again."""

    code = "unavailable"


class StoreRefused(StoreError):
    """This database is not for this program: a newer version, or another process dispatches from it."""

    code = "refused"


class ForeignRefused(GridhookError):
    """What a foreign address leads to is refused: trying again would give the same answer.

    `code` says why, in one of these words: `scheme` `credentials` `address` `redirects` `status` `encoded` `too_long`
    (of the call), `not_a_picture` `too_many_pixels` `broken` (of what came). The message shows no path and no query.
    """

    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        self.code = code
        #: The HTTP status that came back, if one did.
        self.status = status
        super().__init__(message)


class TransportError(GridhookError):
    """An HTTP call did not end in an answer."""

    code = "transport"


class NotSent(TransportError):
    """No byte of the call can have reached the other side: it is safe to send it again."""

    code = "not_sent"


class NoAnswer(TransportError):
    """The call may have arrived. Whether it was carried out is not known."""

    code = "no_answer"


class AnswerTooLong(NoAnswer):
    """There was an answer; it is longer than it may be, and was not read to its end."""

    code = "too_long"
