"""The manual: every page is found, and what it links to is there."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from receiver.errors import NotFound
from receiver.manual.topics import ORDER, Topic, topic, topics

EVERY = topics()


def test_every_file_is_a_topic_and_each_is_found_by_its_name() -> None:
    there = {file.name.removesuffix(".md") for file in files("receiver.manual").iterdir() if file.name.endswith(".md")}
    assert {each.name for each in EVERY} == there
    assert [each.name for each in EVERY] == [name for name in ORDER if name in there]
    assert [topic(each.name) for each in EVERY] == EVERY


@pytest.mark.parametrize("page", EVERY, ids=[each.name for each in EVERY])
def test_a_page_has_one_title_and_links_to_what_is_there(page: Topic) -> None:
    assert page.text.startswith(f"# {page.title}\n")
    prose = re.sub(r"```.*?```", "", page.text, flags=re.DOTALL)
    assert len(re.findall(r"^# ", prose, re.MULTILINE)) == 1
    anchors = {each.name: _anchors(each.text) for each in EVERY}
    for name, anchor in re.findall(r"\]\(([a-z-]*?)(?:\.md)?(?:#([a-z0-9-]+))?\)", prose):
        assert (name or page.name) in anchors
        assert not anchor or anchor in anchors[name or page.name]


@pytest.mark.parametrize("name", ["first-jop", "../../pyproject", "", "x" * 5000])
def test_an_unknown_topic_is_told_with_what_there_is(name: str) -> None:
    with pytest.raises(NotFound, match=r"did you mean|there are") as told:
        topic(name)
    assert len(str(told.value)) < 1000


def _anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-") for heading in headings}
