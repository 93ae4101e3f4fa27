"""Samples: what templates are tried with has everything that a template may ask for."""

from __future__ import annotations

from typing import get_args

import msgspec

from receiver.model.events import EventType
from receiver.model.jobs import Image, Job
from receiver.model.samples import TEST_TAGS, bare_sample, full_samples, sample_event, with_names


def test_there_is_a_full_sample_of_every_type_and_no_field_of_it_is_empty() -> None:
    samples = full_samples()
    assert {event.type for event in samples} == set(get_args(EventType))
    for event in samples:
        records: list[msgspec.Struct] = [event, event.data, event.data.images[0]]
        empty = [name for one in records for name in one.__struct_fields__ if getattr(one, name) in (None, "", (), {})]
        assert empty == []
    assert (Job, Image) == (type(samples[0].data), type(samples[0].data.images[0]))


def test_a_bare_sample_tells_nothing_that_it_need_not() -> None:
    assert (bare_sample().data.prompt, bare_sample().data.images, bare_sample().data.tags) == (None, (), {})


def test_free_names_are_added_beside_those_there_are() -> None:
    job = with_names(full_samples()[0], frozenset({"client", "index"})).data
    assert (job.tags["client"], job.params["client"], job.params["index"]) == ("sample", "sample", 2)


def test_the_event_of_a_test_says_that_it_is_one() -> None:
    event = sample_event("evt_1", "job_1", "2026-11-21T10:00:00.000Z", "https://x.example/p.png")
    assert (event.id, event.subject, event.data.id, event.time) == ("evt_1", "job_1", "job_1", event.data.created_at)
    assert event.data.tags == TEST_TAGS
    assert "test" in (event.data.prompt or "")
    assert event.data.images[0].url == "https://x.example/p.png"
