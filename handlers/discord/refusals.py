"""What Discord's refusals mean, and what a person can do about them. The codes are documented, the advice is ours."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from receiver.contracts import Answer
from receiver.errors import NotJson
from receiver.lib.backoff import LONGEST_S
from receiver.lib.strict_json import read_json
from receiver.model.deliveries import Again, Dead, Outcome

#: Pass by themselves: slow mode, write rates, edits of old messages, features that are off for now, busy resources.
PASSING: Final = frozenset({20016, 20022, 20028, 20029, 30046, 40004, 40006, 40062, 110000, 130000})
#: A message that cannot be edited (any more): a new one is posted.
GONE: Final = frozenset({10008, 50005})
#: About the form of the message, not about who sends it where: plain text may do.
ABOUT_FORM: Final = frozenset({50035, 50046, 50110, 50123, 40005, 50045, 30015, 400001})
#: The webhook is no more: Discord asks not to try again.
UNKNOWN_WEBHOOK: Final = 10015

_INVITE: Final = "let the bot into the channel: View Channel, Send Messages, Embed Links, Attach Files"
_NEW_WEBHOOK: Final = "make a new webhook in the channel's settings and configure its address"
REMEDIES: Final = {
    10003: "check the channel's id",
    UNKNOWN_WEBHOOK: _NEW_WEBHOOK,
    50001: _INVITE,
    50013: _INVITE,
    50027: _NEW_WEBHOOK,
    50024: "configure a text channel",
    200000: "the server's AutoMod blocks it",
}
_NEW_TOKEN: Final = "reset the bot's token and configure the new one"  # noqa: S105  # advice, not a token


class DiscordError(msgspec.Struct, frozen=True, kw_only=True):
    """What the body of an answer says, as far as it can be read."""

    code: int = 0
    #: Seconds to wait.
    retry_after_s: float | None = None
    is_json: bool = False


def read_error(answer: Answer) -> DiscordError:
    """The error in the body of an answer."""
    try:
        value: Any = read_json(answer.body)
    except NotJson:
        return DiscordError()
    if not isinstance(value, dict):
        return DiscordError()
    code, wait = value.get("code"), value.get("retry_after")
    wait = float(wait) if isinstance(wait, int | float) and 0 <= wait <= LONGEST_S else None
    return DiscordError(code=code if type(code) is int else 0, retry_after_s=wait, is_json=True)


def judged_outcome(outcome: Outcome, error: DiscordError) -> Outcome:
    """What an answer that is not 2xx means, once its code is known; with what helps in its note."""
    match outcome:
        case Again(status=429):
            waits = [wait for wait in (outcome.after, error.retry_after_s) if wait is not None]
            # Without JSON it comes from who stands before Discord, and means minutes.
            after = max(waits, default=None if error.is_json else 300.0)
            return msgspec.structs.replace(outcome, after=after)
        case Dead() if error.code in PASSING:
            return Again(note=outcome.note, status=outcome.status, after=error.retry_after_s)
        case Dead():
            remedy = _NEW_TOKEN if outcome.status == 401 else REMEDIES.get(error.code)
            return msgspec.structs.replace(outcome, note=f"{outcome.note}: {remedy}") if remedy else outcome
        case _:
            return outcome
