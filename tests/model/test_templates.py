"""What templates see of an event."""

from __future__ import annotations

import pytest

from receiver.errors import TemplateWrong
from receiver.model.events import OperatorData, OperatorEvent
from receiver.model.samples import bare_sample, full_samples
from receiver.model.templates import EventTemplate, names_of

TOLD = OperatorEvent(
    id="evt_9", source="gridhook", type="sink.failing", subject="team", time="2026", data=OperatorData(reason="down")
)


def test_a_template_is_filled_with_event_and_job() -> None:
    text = "{{ event.type }} {{ job.id }} {{ event.data.id }} {{ job.cost.amount + 1 }} {{ job.images[1].url }}"
    assert EventTemplate(text).fill(full_samples()[1]) == (
        "job.completed job_02 job_02 3.5 https://cdn.example.com/2.png"
    )


def test_what_a_job_does_not_tell_is_empty() -> None:
    text = "[{{ job.prompt }}{{ job.tags.a }}{{ job.params.b.c }}{{ job.error.message }}{{ job.images[0].url }}]"
    assert EventTemplate(text).fill(bare_sample()) == "[]"


def test_an_operator_event_has_no_job() -> None:
    assert EventTemplate("{{ event.data.reason }}{{ job.id }}").fill(TOLD) == "down"
    assert names_of(TOLD)["job"] is None


def test_names_are_made_anew_for_each_use() -> None:
    template = EventTemplate("{{ job.update({'prompt': 'x'}) }}{{ job.prompt }}{{ event.data.prompt }}")
    event = full_samples()[0]
    assert template.fill(event) == template.fill(event)
    assert event.data.prompt != "x"


def test_a_template_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(TemplateWrong, match="syntax error"):
        EventTemplate("{{ job.")
