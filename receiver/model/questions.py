"""Questions: picks that wait for a person to say which tile, and what a follow-up says of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from receiver.errors import InvalidParams
from receiver.lib.durations import duration
from receiver.lib.nearest import nearest
from receiver.model.actions import grid_index

#: What stands in the place of a tile's number where a person is to be asked.
ASK: Final = "ask"
#: Who decided where nobody answered in time.
BY_DEFAULT: Final = "default"
#: How long a question waits where nothing else is said, seconds.
WITHIN_S: Final = 86_400.0
#: Words of `then` that belong to a question.
WORDS: Final = ("ask", "within", "default")
#: How long a question may wait, seconds.
SHORTEST_S: Final = 1.0
LONGEST_S: Final = 366.0 * 86_400
HOW_TO_ASK: Final = 'write ask = "SINK" or a list of sinks; without ask it is answered by API and command line'


def name_of(decided_by: str | None) -> str:
    """The name of who decided: what stands behind the platform's word and id; the whole where there is none."""
    known = decided_by or "a rule"
    return known.partition(" ")[2] or known


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a question asks, how long it waits, and what happens if nobody answers."""

    #: Names of the sinks that show it with buttons; empty = it is answered by API, pages and command line only.
    sinks: tuple[str, ...] = ()
    #: Seconds from the moment it is asked.
    within_s: float = WITHIN_S
    #: The tile that is picked if nobody answers; None = none: the job is canceled.
    default: int | None = None

    @property
    def note(self) -> str:
        """What is asked, in a sentence: the note of its hold."""
        whom = f"asks {', '.join(self.sinks)}" if self.sinks else "asks"
        following = "the job is canceled" if self.default is None else f"it is tile {self.default}"
        return f"{whom} which tile to pick; without an answer {following}"


class QuestionMistake(NamedTuple):
    """What is wrong with a word of a question, and what would be right."""

    word: str
    wrong: str
    remedy: str


class QuestionRead(NamedTuple):
    """A question as far as it can be read, and all that is wrong with it."""

    question: Question
    mistakes: tuple[QuestionMistake, ...]


def is_asked(table: Mapping[str, Any]) -> bool:
    """Whether a follow-up asks a person which tile."""
    return bool(table.get("index") == ASK)


def read_question(table: Mapping[str, Any], sinks: Iterable[str], without_buttons: Collection[str]) -> QuestionRead:
    """The question of a follow-up with `index = "ask"`; `sinks` are all that there are."""
    mistakes: list[QuestionMistake] = []
    if table.get("action") != "pick":
        mistakes.append(
            QuestionMistake("index", '"ask" belongs to action = "pick"', "write the index, or order a pick")
        )
    asked = _sinks(table.get("ask"), tuple(sinks), without_buttons, mistakes)
    within_s = _within(table.get("within"), mistakes)
    default = _default(table.get("default"), mistakes)
    return QuestionRead(Question(sinks=asked, within_s=within_s, default=default), tuple(mistakes))


def stray_words(table: Mapping[str, Any]) -> list[QuestionMistake]:
    """The words of a question in a follow-up that asks nothing."""
    remedy = 'write index = "ask" beside it, or take it out'
    return [
        QuestionMistake(word, "belongs to a question, and this asks nobody", remedy) for word in WORDS if word in table
    ]


def _sinks(
    value: Any, known: tuple[str, ...], without_buttons: Collection[str], mistakes: list[QuestionMistake]
) -> tuple[str, ...]:
    if value is None:
        return ()
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        mistakes.append(QuestionMistake("ask", f"{_shown(value)} is no sink's name and no list of such", HOW_TO_ASK))
        return ()
    if not names:
        mistakes.append(QuestionMistake("ask", "is an empty list: nobody would be asked", HOW_TO_ASK))
    for name in names:
        if name not in known:
            mistakes.append(QuestionMistake("ask", f"there is no sink {_shown(name)}", nearest(name, sorted(known))))
        elif name in without_buttons:
            wrong = f"sink {_shown(name)} has no buttons: nobody could answer there"
            remedy = "name a chat sink that has buttons (Slack: app_token or signing_secret), or leave ask out"
            mistakes.append(QuestionMistake("ask", wrong, remedy))
    return tuple(dict.fromkeys(names))


def _within(value: Any, mistakes: list[QuestionMistake]) -> float:
    if value is None:
        return WITHIN_S
    try:
        seconds = duration(value)
    except ValueError as wrong:
        mistakes.append(
            QuestionMistake("within", str(wrong), 'write a duration in quotes, such as "30m", "24h" or "7d"')
        )
        return WITHIN_S
    if not SHORTEST_S <= seconds <= LONGEST_S:
        mistakes.append(QuestionMistake("within", "is less than 1 s or more than 366 d", 'write for example "24h"'))
        return WITHIN_S
    return seconds


def _default(value: Any, mistakes: list[QuestionMistake]) -> int | None:
    if value in (None, "none"):
        return None
    try:
        return grid_index(value)
    except InvalidParams:
        mistakes.append(QuestionMistake("default", f"{_shown(value)} is no tile", 'write 1, 2, 3, 4 or "none"'))
        return None


def _shown(value: object) -> str:
    """A wrong value, cut short."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."
