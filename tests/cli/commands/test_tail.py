"""Events as `tail` shows them."""

from __future__ import annotations

import msgspec

from receiver.cli.commands.tail import PROMPT, event_line
from receiver.model.events import Event
from receiver.model.jobs import Hold, JobError
from receiver.model.samples import sample_event

EVENT = sample_event("evt_0000000000001", "job_0000000000001", "2026-11-21T10:00:00.000Z")


def changed(**fields: object) -> Event:
    """The sample with other fields in its job."""
    return msgspec.structs.replace(EVENT, data=msgspec.structs.replace(EVENT.data, **fields))


def test_a_line_ends_with_the_prompt_as_text_and_not_with_all_of_it() -> None:
    line = event_line(changed(prompt="a fox \x1b[31m" + "x" * 200))
    assert line.endswith('x…"')
    assert "\x1b" not in line
    assert len(line.partition('"')[2]) <= PROMPT + 2
    assert event_line(changed(prompt=None)).endswith("100 %")


def test_why_a_job_waits_or_failed_is_told() -> None:
    hold = Hold(reason="budget", since="2026-11-21T10:00:00.000Z", note="4 more would exceed 3")
    assert "waits for budget: 4 more would exceed 3" in event_line(changed(hold=hold))
    error = JobError(code="moderated", message="not that word")
    assert "moderated: not that word" in event_line(changed(error=error))
