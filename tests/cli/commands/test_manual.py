"""`manual`: a list, a page, and what is not there."""

from __future__ import annotations

from cli.parts import bare, done
from receiver.manual.topics import topic, topics


def test_it_lists_the_topics_and_prints_one() -> None:
    listed = done(bare("manual"))
    assert [line.split()[0] for line in listed.splitlines()[1:]] == [each.name for each in topics()]
    assert done(bare("manual", "glossary")).rstrip() == topic("glossary").text.rstrip()


def test_an_unknown_topic_is_a_sentence() -> None:
    ended = bare("manual", "glosary")
    assert ended.exit_code == 1
    assert 'did you mean "glossary"?' in ended.stderr
