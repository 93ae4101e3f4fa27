"""Where a call goes, whatever a vendor's ids hold: one quoted segment of the path differs, or nothing is sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import unquote, urlsplit

import httpx
import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contracts.test_every_provider import ACTIONS, LINES, SECRET, dialects, job, planned, source_of
from receiver.contracts import Call, Source
from receiver.errors import InvalidParams, Unsupported
from receiver.lib.signatures import Secret
from receiver.model.jobs import KeptJob

BASE = "https://own.example/api"
#: An id that stands for itself wherever it is put.
PLAIN = "plain-id-0"
#: What leads elsewhere if it is put into an address as it is.
HOSTILE = st.sampled_from(
    [
        "..",
        ".",
        "",
        "...",
        "a/b",
        "a?b",
        "a#b",
        "a b",
        "a;b",
        "a\\b",
        "a\r\nx: y",
        "%2e%2e",
        "%2E",
        "../../admin",
        ":",
        "*",
    ]
) | st.sampled_from(
    ["//evil.example/x", "https://evil.example", "@evil.example", "\U0001f600", "\u202e", "\0", "x" * 5000]
)
IDS = HOSTILE | st.text(max_size=30) | st.text("./%?#@:\\\\2eEfF", max_size=12)
#: Ids that no quoting makes a segment.
NONE_AT_ALL = (".", "..", "")
every = pytest.mark.parametrize("name", LINES)


def sources(name: str) -> Iterator[Source]:
    """An account at each of the vendor's APIs."""
    for provider in dialects(name):
        source = source_of(name, secrets=(Secret(SECRET),))
        yield msgspec.structs.replace(source, provider=provider, base_url=BASE)


def with_id(name: str, action: str | None, vendors_id: str, **more: object) -> KeptJob:
    """A job that its vendor calls so."""
    made = job(name, action, **more)
    return msgspec.structs.replace(made, job=msgspec.structs.replace(made.job, provider_job_id=vendors_id))


def calls(name: str, source: Source, vendors_id: str) -> dict[str, Call]:
    """Every call that gridhook makes because of a job with this id, by what it is for; only those that are made."""
    provider = source.provider
    made: dict[str, Call] = {}
    for action in [*ACTIONS, None]:
        running = with_id(name, action, vendors_id, status="running", images=())
        if (call := provider.cancel(running, source)) is not None:
            made[f"cancel {action}"] = call
        with suppress(Unsupported):
            made[f"query {action}"] = provider.query([running], source)
        if action in ("imagine", "pick"):
            made.update(follow_ups(name, source, with_id(name, action, vendors_id)))
    odd = with_id(name, "imagine", vendors_id, status="running", facts={"odd_response": True})
    with suppress(Unsupported):
        made["query again"] = provider.query([odd], source)
    return made


def follow_ups(name: str, source: Source, parent: KeptJob) -> Iterator[tuple[str, Call]]:
    """What can be ordered after a parent, and the free calls before it."""
    for action, choices in ACTIONS.items():
        for number, params in enumerate(choices):
            order = planned(name, action, params | {"index": 2} if action == "upscale" else params, parent)
            what = f"{action} {number} after {parent.job.action}"
            try:
                prepared = source.provider.prepare(order, source)
                yield f"{what}, first", prepared or source.provider.order(order, source, None)
                yield what, source.provider.order(order, source, None)
            except (Unsupported, InvalidParams):
                continue


TEMPLATES = {name: [calls(name, source, PLAIN) for source in sources(name)] for name in LINES}


@every
@settings(deadline=None, max_examples=60)
@given(vendors_id=IDS)
@example(vendors_id="..")
def test_an_id_is_one_segment_of_the_path_or_leads_to_no_call(name: str, vendors_id: str) -> None:
    for source, templates in zip(sources(name), TEMPLATES[name], strict=True):
        made = calls(name, source, vendors_id)
        assert set(made) <= set(templates)
        for what, template in templates.items():
            if what not in made:
                assert vendors_id in NONE_AT_ALL, what
                continue
            assert made[what].headers == template.headers
            differs_by_the_id(made[what].url, template.url, vendors_id)
            # What the client makes of it is what goes out.
            sent, usual = httpx.URL(made[what].url), httpx.URL(template.url)
            assert (sent.scheme, sent.netloc) == (usual.scheme, usual.netloc)
            differs_by_the_id(sent.raw_path.decode(), usual.raw_path.decode(), vendors_id)


def differs_by_the_id(address: str, usual: str, vendors_id: str) -> None:
    """Fails unless one address is the other with the id, quoted, in the place of the plain one."""
    there, here = urlsplit(address), urlsplit(usual)
    assert (there.scheme, there.netloc, there.query, there.fragment) == (here.scheme, here.netloc, "", "")
    segments, usual_segments = there.path.split("/"), here.path.split("/")
    assert len(segments) == len(usual_segments)
    for segment, plain in zip(segments, usual_segments, strict=True):
        assert unquote(segment) == (vendors_id if plain == PLAIN else plain)
        assert segment not in (".", "..")


@every
@pytest.mark.parametrize("vendors_id", NONE_AT_ALL)
def test_an_id_that_can_be_no_segment_leads_to_no_address(name: str, vendors_id: str) -> None:
    for source, templates in zip(sources(name), TEMPLATES[name], strict=True):
        in_addresses = {what for what, call in templates.items() if PLAIN in call.url}
        assert not in_addresses & set(calls(name, source, vendors_id))


def test_the_ids_of_nearly_all_vendors_stand_in_addresses() -> None:
    """Or the tests above would look at nothing."""
    found = {
        name: sum(PLAIN in call.url for templates in TEMPLATES[name] for call in templates.values()) for name in LINES
    }
    assert {name for name, count in found.items() if count > 1} == {
        "apiframe",
        "apimart",
        "generic",
        "midjourney-proxy",
        "vtrix",
    }
    assert all(TEMPLATES[name][0] for name in set(LINES) - {"generic"})
    assert any(what.endswith(", first") and PLAIN in call.url for what, call in TEMPLATES["apimart"][0].items())
