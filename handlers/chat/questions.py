"""What a message says about a question, and its buttons, whatever the platform."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from handlers.chat.words import ChatWords, ForeignText, Link, label_of, prompt_line
from handlers.wording import words
from receiver.model.deliveries import OutgoingEvent, QuestionButton, ShownQuestion
from receiver.model.jobs import Job
from receiver.model.questions import BY_DEFAULT, name_of

#: Above the buttons of an answered question.
FURTHER: Final = "Further tiles, each an order of its own:"


def question_words(shown: ShownQuestion, foreign: ForeignText) -> ChatWords:
    """The question as it is now; once it is answered, who chose what."""
    lines = (
        _deadline(shown, foreign),
        _state(shown, foreign),
        prompt_line(shown.grid, foreign),
        _facts(shown.job, foreign),
    )
    pictures = [url for url in (shown.grid.grid_url, *(one.open_url for one in shown.grid.images)) if url]
    return ChatWords(
        headline=_headline(shown, foreign),
        facts=tuple(line for line in lines if line),
        pictures=tuple(pictures[:1]),
        alt_text="the grid",
        links=(
            *(Link(url=url, label="the grid") for url in pictures[:1]),
            *(Link(url=one.open_url, label="the picture") for one in shown.job.images[:1]),
        ),
    )


def button_rows(shown: ShownQuestion) -> Iterator[tuple[str, tuple[QuestionButton, ...]]]:
    """The rows of buttons that there are, by name: the tiles, and what else can be ordered."""
    for name, buttons in (("tiles", shown.tiles), ("others", shown.others)):
        if buttons:
            yield name, buttons


def rows_below(outgoing: OutgoingEvent) -> list[tuple[QuestionButton, ...]]:
    """The buttons below a message about an event, tiles apart from what else can be ordered; none if it has none."""
    if outgoing.question is not None:
        return [buttons for _, buttons in button_rows(outgoing.question)]
    tiles = tuple(one for one in outgoing.buttons if one.label.startswith("U"))
    others = tuple(one for one in outgoing.buttons if not one.label.startswith("U"))
    return [row for row in (tiles, others) if row]


def in_rows(groups: Iterable[tuple[QuestionButton, ...]], length: int) -> list[tuple[QuestionButton, ...]]:
    """The same in rows of at most `length` buttons."""
    return [group[start : start + length] for group in groups for start in range(0, len(group), length)]


def button_text(button: QuestionButton, limit: int) -> str:
    """What stands on a button, in at most `limit` characters: `U2 (2 credits)`."""
    price = f" ({words(button.cost)})" if button.cost is not None else ""
    return f"{button.label}{price}"[:limit]


def pressed_by(platform: str, user_id: str, name: str) -> str:
    """Who pressed, as `decided_by` tells it: `slack:U123 Ada`. `name` is on one line, or empty."""
    return f"{platform}:{user_id} {name}".strip()


def _headline(shown: ShownQuestion, foreign: ForeignText) -> str:
    job = shown.job
    if shown.is_open:
        return f"👉 Which tile of the grid of {foreign(job.source, 80)}?"
    index = job.params.get("index")
    if index is not None:
        return f"✅ U{index}, chosen by {_who(job.decided_by, foreign)}"
    return f"⛔ No tile was chosen: the question of {foreign(job.source, 80)} is {job.status}"


def _who(decided_by: str | None, foreign: ForeignText) -> str:
    if decided_by == BY_DEFAULT:
        return "default, since nobody answered in time"
    return foreign(name_of(decided_by), 80)


def _deadline(shown: ShownQuestion, foreign: ForeignText) -> str:
    hold = shown.job.hold
    if hold is None or not shown.is_open:
        return ""
    following = f"it is U{hold.default}" if hold.default else "nothing is ordered"
    return f"Until {foreign(hold.until or '?')}; without an answer {following}"


def _state(shown: ShownQuestion, foreign: ForeignText) -> str:
    """What became of the tile that was chosen."""
    job = shown.job
    if shown.is_open or "index" not in job.params:
        return f"Reason: {foreign(words(job.error))}" if job.error else ""
    why = words(job.error) or words(job.hold)
    return f"{label_of(job)} is {job.status}{f': {foreign(why)}' if why else ''}"


def _facts(job: Job, foreign: ForeignText) -> str:
    return " · ".join(f"{name} {foreign(value)}" for name, value in (("rule", job.rule), ("job", job.id)) if value)
