"""Mistakes in templates and conditions are found before anything happens, with their place and a remedy."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from receiver.errors import OptionError
from receiver.model.template_mistakes import check_condition, check_json_text, check_text

Check = Callable[[str], None]


def mistakes(check: Check, source: str) -> list[tuple[str, str]]:
    """What is wrong, and what would be right."""
    found: list[tuple[str, str]] = []
    try:
        check(source)
    except OptionError as wrong:
        found.append((wrong.wrong, wrong.remedy))
    except ExceptionGroup as several:
        found += [(one.wrong, one.remedy) for one in several.exceptions if isinstance(one, OptionError)]
    return found


@pytest.mark.parametrize(
    "source",
    [
        "plain",
        "{{ job.prompt | truncate(80) }}: {{ job.status }}",
        "{{ job.tags.a }}{{ job.tags['client-name'] }}{{ job.params.x.y }}",
        "{% for k, v in job.tags.items() %}{{ k }}={{ v }} {% endfor %}",
        "{% for image in job.images %}{{ loop.index }}: {{ image.url }}{% endfor %}",
        "{{ job.created_at[:10] }} {{ job.images[0].url }} {{ job.error.message }} {{ event.data.reason }}",
        "{{ job.prompt | replace('a', 'b') | upper }} {% if job.error is none %}fine{% endif %}",
        "{% set who = job.tags.client or 'nobody' %}{{ who }}",
        "{ prompts } {x}",
    ],
)
def test_what_can_be_filled_in_is_taken(source: str) -> None:
    assert mistakes(check_text, source) == []


@pytest.mark.parametrize(
    ("source", "wrong", "remedy"),
    [
        ("{prompt} of", "column 1: {prompt} is plain text", "write {{ job.prompt }}"),
        ("of { type }", "column 4: { type } is plain text", "write {{ event.type }}"),
        ("{{ prompt }}", "column 4: there is no prompt", "did you mean job.prompt?"),
        ("{{ jub.x }}", "column 4: there is no jub", "there are: event, job"),
        ("a\n {{ job.promt }}", "line 2, column 5: there is no job.promt", 'did you mean "prompt"?'),
        ("{{ job.error.mesage }}", "column 4: there is no job.error.mesage", 'did you mean "message"?'),
        ("{{ event.tpye }}", "column 4: there is no event.tpye", 'did you mean "type"?'),
        ("{{ job.id | zork }}", "column 13: there is no filter zork", "take it out"),
        ("{% if job.error is zork %}{% endif %}", "column 20: there is no test zork", "take it out"),
        ("{% if false %}{{ 1 | zork }}{% endif %}", "column 22: there is no filter zork", "take it out"),
        ("{% for i in job.images %}{{ i.zz }}{% endfor %}", "column 29: undefined value", "write it as in"),
        ("{{ job.images.url }}", "column 4: undefined value", "write it as in"),
        ("a\n{{ b c }}", "line 2, column 6: syntax error", "write it as in"),
        ("{% include 'x' %}", "column 4: template not found", "write it as in"),
        ("{{ 'a' * 10000000 }}", "column 4: engine ran out of fuel", "write it as in"),
        ("{{ job.prompt | length }}", "column 17: invalid operation", 'write (job.prompt or "")'),
        ("{{ job.prompt ~ 'a' }}", "says None where a job does not tell", 'write (job.prompt or "")'),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_would_be_right(source: str, wrong: str, remedy: str) -> None:
    ((told, right),) = mistakes(check_text, source)
    assert told.startswith(wrong)
    assert right.startswith(remedy)


def test_several_mistakes_are_told_at_once() -> None:
    assert len(mistakes(check_text, "{prompt} {{ job.a }} {{ job.b }} {{ 1 | zork }}")) == 4


@pytest.mark.parametrize(
    "source",
    [
        '{"prompt": {{ job.prompt | tojson }}, "urls": {{ job.images | map(attribute="url") | list | tojson }}}',
        '{"event": {{ event | tojson }}, "cost": {{ job.cost.amount | tojson }}, "x": {{ job.tags.x | tojson }}}',
    ],
)
def test_what_is_json_whatever_the_job_says_is_taken(source: str) -> None:
    assert mistakes(check_json_text, source) == []


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ('{"prompt": "{{ job.prompt }}"}', "is no JSON for a job whose texts hold quotes"),
        ('{"progress": {{ job.cost.amount }}}', "is no JSON for a job that tells little"),
        ('{"a": {prompt}}', "column 7: {prompt} is plain text"),
        ('{"a": {{ job.zz | tojson }}}', "column 10: there is no job.zz"),
        ("{", "is no JSON for a job"),
    ],
)
def test_what_is_not_always_json_is_told(source: str, wrong: str) -> None:
    ((told, _),) = mistakes(check_json_text, source)
    assert told.startswith(wrong)


@pytest.mark.parametrize(
    "source",
    [
        'event.type != "job.archived" or job.action != "imagine"',
        'job.action != "imagine" or job.tags.project == "poster"',
        '"cat" in job.prompt',
        "job.params.index > 2 and job.cost.amount > 1.5",
        'event.data.reason == "x"',
        '"}}" in job.prompt',
    ],
)
def test_a_condition_that_can_be_judged_is_taken(source: str) -> None:
    assert mistakes(check_condition, source) == []


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ("job.acton == 1", "column 1: there is no job.acton"),
        ("job.id\n or job.zz", "line 2, column 5: there is no job.zz"),
        ("a b", "column 3: syntax error"),
        ("", "syntax error"),
        ("job.prompt | zork", "column 14: there is no filter zork"),
        ("job.id + 1", "column 1: invalid operation"),
        ("job.images[0].zz", "column 11: undefined value"),
    ],
)
def test_a_mistake_in_a_condition_is_told_with_its_place(source: str, wrong: str) -> None:
    ((told, _),) = mistakes(check_condition, source)
    assert told.startswith(wrong)
