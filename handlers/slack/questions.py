"""A question as a Slack message: the grid, and buttons to choose by; once it is answered, who chose what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from handlers.slack.blocks import Block, context, image, link, linkable, section, showable
from handlers.slack.message import Message, label_of, prompt_line
from handlers.slack.wording import foreign
from handlers.wording import words
from receiver.model.deliveries import QuestionButton, ShownQuestion
from receiver.model.jobs import Job
from receiver.model.questions import BY_DEFAULT

#: Characters of a button's text (documented), of which some thirty are shown.
MAX_LABEL: Final = 75


def question_message(shown: ShownQuestion) -> Message:
    """The question as it is now."""
    headline = _headline(shown)
    lines = [line for line in (_deadline(shown), _state(shown), prompt_line(shown.grid), _facts(shown.job)) if line]
    pictures = [url for url in (shown.grid.grid_url, *(one.open_url for one in shown.grid.images)) if url]
    blocks = [section(headline), *(image(url, "the grid") for url in pictures[:1] if showable(url))]
    blocks += [context(line) for line in lines]
    blocks += [context(link(one.open_url, "the picture")) for one in shown.job.images[:1] if linkable(one.open_url)]
    if shown.tiles and not shown.is_open:
        blocks.append(context("Further tiles, each an order of its own:"))
    blocks += [row for row in (_row("tiles", shown.tiles), _row("others", shown.others)) if row]
    return Message(text=headline, blocks=blocks, plain="\n".join([headline, *lines]))


def _headline(shown: ShownQuestion) -> str:
    job = shown.job
    if shown.is_open:
        return f":point_right: Which tile of the grid of {foreign(job.source, 80)}?"
    index = job.params.get("index")
    if index is not None:
        return f":white_check_mark: U{index}, chosen by {_who(job.decided_by)}"
    return f":no_entry_sign: No tile was chosen: the question of {foreign(job.source, 80)} is {job.status}"


def _who(decided_by: str | None) -> str:
    """The name of who decided: what stands behind the platform's word and id."""
    if decided_by == BY_DEFAULT:
        return "default, since nobody answered in time"
    known = decided_by or "a rule"
    return foreign(known.partition(" ")[2] or known, 80)


def _deadline(shown: ShownQuestion) -> str:
    hold = shown.job.hold
    if hold is None or not shown.is_open:
        return ""
    following = f"it is U{hold.default}" if hold.default else "nothing is ordered"
    return f"Until {foreign(hold.until or '?')}; without an answer {following}"


def _state(shown: ShownQuestion) -> str:
    """What became of the tile that was chosen."""
    job = shown.job
    if shown.is_open or "index" not in job.params:
        return f"Reason: {foreign(words(job.error))}" if job.error else ""
    why = words(job.error) or words(job.hold)
    return f"{label_of(job)} is {job.status}{f': {foreign(why)}' if why else ''}"


def _facts(job: Job) -> str:
    return " · ".join(f"{name} {foreign(value)}" for name, value in (("rule", job.rule), ("job", job.id)) if value)


def _row(name: str, buttons: Sequence[QuestionButton]) -> Block | None:
    """A row of buttons; None if there are none."""
    if not buttons:
        return None
    return {"type": "actions", "block_id": name, "elements": [_button(button) for button in buttons]}


def _button(button: QuestionButton) -> Block:
    price = f" ({words(button.cost)})" if button.cost is not None else ""
    text = {"type": "plain_text", "text": f"{button.label}{price}"[:MAX_LABEL]}
    return {"type": "button", "action_id": button.label, "text": text, "value": button.code}
