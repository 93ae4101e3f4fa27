"""Follow-ups: what cannot be done is refused, and what would never end."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from config.rule_parts import Asked, loaded, only, problems
from receiver.contracts import Parent
from receiver.model.jobs import Then
from receiver.model.questions import Question

# --- then ------------------------------------------------------------------------------------------------------------

PICKED: Final = 'when = { action = "pick", source = "journey" }\n'


def test_a_rule_with_a_follow_up_is_about_results(tmp_path: Path) -> None:
    rule = loaded(tmp_path, PICKED + 'then = { action = "upscale" }').rules[0]
    assert rule.when == {"type": "job.completed", "action": "pick", "source": "journey"}
    assert rule.then == (Then(action="upscale", params={"kind": "2x"}),)
    assert loaded(
        tmp_path, 'when = { type = ["job.completed"], source = "asked", action = "vary" }\nthen = { action = "zoom" }'
    ).rules


@pytest.mark.parametrize("kind", ['"job.failed"', '"job.*"', '["job.completed", "job.failed"]', '"*"', "{ a = 1 }"])
def test_nothing_follows_from_an_event_without_a_result(tmp_path: Path, kind: str) -> None:
    text = f'when = {{ type = {kind}, source = "journey", action = "pick" }}\nthen = {{ action = "upscale" }}'
    found = only(tmp_path, text)
    assert found.where == "rules[0].when.type"
    assert found.remedy == 'a rule with then needs type = "job.completed" (or "job.archived")'


@pytest.mark.parametrize("kind", ['"job.archived"', '["job.completed", "job.archived"]'])
def test_something_may_follow_once_the_pictures_are_kept(tmp_path: Path, kind: str) -> None:
    text = f'when = {{ type = {kind}, source = "journey", action = "pick" }}\nthen = {{ action = "upscale" }}'
    assert loaded(tmp_path, text).rules[0].then


def test_a_list_fans_out_and_a_chain_nests(tmp_path: Path) -> None:
    text = """
        when = { action = "imagine", source = "journey" }
        then = [
            { action = "pick", index = "1", then = { action = "upscale", kind = "subtle" } },
            { action = "pick", index = 2, then = [{ action = "upscale" }, { action = "vary", strength = "strong" }] },
        ]
    """
    first, second = loaded(tmp_path, text).rules[0].then
    assert first == Then(action="pick", params={"index": 1}, then=(Then(action="upscale", params={"kind": "subtle"}),))
    assert [then.action for then in second.then] == ["upscale", "vary"]


@pytest.mark.parametrize(
    ("then", "where", "word"),
    [
        ("{ action = 'upscale', kind = 'huge' }", ".kind", "kind must be one of"),
        ("{ action = 'upscale', kind = 'v5_2x' }", "", "JourneyAPI"),
        ("{ action = 'teleport' }", "", "JourneyAPI"),
        ("{ action = 'pick' }", ".index", "pick needs index"),
        ("{ action = 'pick', index = 5 }", ".index", "index must be 1, 2, 3 or 4"),
        ("{ action = 'reroll' }", "", "cannot be done at journey: "),
        ("{ kind = '2x' }", ".action", "is missing"),
        ("{ action = 5 }", ".action", "is missing or not text"),
        ("'upscale'", "", "is not a table"),
        ("[{ action = 'upscale' }, 'upscale']", "[1]", "is not a table"),
        ("[]", "", "empty list"),
        ("{ action = 'upscale', source = 'jorney' }", ".source", "no source 'jorney'"),
        ("{ action = 'upscale', source = ['journey'] }", ".source", "no source"),
        ("{ action = 'upscale', to = 'log' }", ".to", "belongs to the rule"),
        ("{ action = 'upscale', within = '1h' }", ".within", "asks nobody"),
        ("{ action = 'upscale', day = 2026-01-01 }", ".day", "no JSON value"),
        ("{ action = 'upscale', share = [nan] }", ".share", "no JSON value"),
        ("{ action = 'upscale', then = { action = 'pick', index = 1 } }", ".then", "cannot be done at journey"),
    ],
)
def test_a_wrong_follow_up_is_told(tmp_path: Path, then: str, where: str, word: str) -> None:
    found = only(tmp_path, PICKED + f"then = {then}")
    assert found.where == f"rules[0].then{where}"
    assert word in found.wrong


def test_an_unknown_parameter_is_told_with_the_nearest_that_is_known_and_the_way_around(tmp_path: Path) -> None:
    found = only(tmp_path, PICKED + 'then = { action = "upscale", knd = "2x" }')
    assert (found.where, found.wrong) == ("rules[0].then.knd", "is no parameter of upscale at journey")
    assert found.remedy == 'did you mean "kind"? (what only the vendor knows goes into extra = { knd = ... })'


@pytest.mark.parametrize(
    ("written", "meant"), [("sorce", "source"), ("extras", "extra"), ("than", "then"), ("indx", "index")]
)
def test_a_word_of_then_is_meant_as_often_as_a_parameter(tmp_path: Path, written: str, meant: str) -> None:
    found = only(tmp_path, PICKED + f'then = {{ action = "upscale", {written} = "x" }}')
    assert found.where == f"rules[0].then.{written}"
    assert found.remedy.startswith(f'did you mean "{meant}"?')


def test_every_source_that_may_have_to_order_must_know_a_parameter(tmp_path: Path) -> None:
    when = 'when = { source = ["journey", "asked"], action = "pick" }\n'
    found = only(tmp_path, when + 'then = { action = "upscale", image_url = "https://x.example/1.png" }')
    assert found.wrong == "is no parameter of upscale at asked"


def test_unknown_parameters_hide_neither_each_other_nor_what_is_wrong_beside_them(tmp_path: Path) -> None:
    text = (
        PICKED + 'then = { action = "upscale", knd = "2x", kind = "9x", indx = 1, then = { action = "vary", y = 1 } }'
    )
    assert [one.where for one in problems(tmp_path, text)] == [
        "rules[0].then.knd",
        "rules[0].then.indx",
        "rules[0].then.kind",
        "rules[0].then.then.y",
        "rules[0].then.then",
    ]


def test_what_only_the_vendor_knows_stands_in_extra(tmp_path: Path) -> None:
    text = PICKED + 'then = { action = "upscale", extra = { knd = "2x", seeds = [1, 2] } }'
    (then,) = loaded(tmp_path, text).rules[0].then
    assert (then.params, then.extra) == ({"kind": "2x"}, {"knd": "2x", "seeds": [1, 2]})


@pytest.mark.parametrize(
    ("extra", "where", "word"),
    [("5", ".extra", "is not a table"), ("{ a = 2026-01-01 }", ".extra.a", "no JSON value")],
)
def test_extra_is_a_table_of_json_values(tmp_path: Path, extra: str, where: str, word: str) -> None:
    found = only(tmp_path, PICKED + f'then = {{ action = "upscale", extra = {extra} }}')
    assert (found.where, word in found.wrong) == (f"rules[0].then{where}", True)


def test_the_name_of_a_rule_without_one_is_what_it_was_before_there_was_extra(tmp_path: Path) -> None:
    plain = loaded(tmp_path, PICKED + 'then = { action = "upscale", kind = "2x" }').rules[0].name
    more = loaded(tmp_path, PICKED + 'then = { action = "upscale", kind = "2x", extra = { a = 1 } }').rules[0].name
    assert plain != more
    assert plain == "rule-a92213b3"


def test_a_chain_without_end_in_the_file_is_refused(tmp_path: Path) -> None:
    text = "{ action = 'zoom' }"
    for _ in range(10):
        text = f"{{ action = 'zoom', then = {text} }}"
    found = only(tmp_path, f"when = {{ source = 'asked', action = 'pick' }}\nthen = {text}")
    assert "more than 10 steps" in found.wrong


def test_a_source_without_a_key_gets_no_orders(tmp_path: Path) -> None:
    found = only(tmp_path, 'name = "hd"\nwhen = { source = "watched", action = "pick" }\nthen = { action = "upscale" }')
    assert (found.where, found.wrong) == ("sources.watched.api_key", "is missing: rule hd orders there")


def test_what_a_source_without_a_key_tells_may_be_followed_elsewhere(tmp_path: Path) -> None:
    text = 'when = { source = "watched", action = "pick" }\nthen = { action = "upscale", source = "journey" }'
    assert loaded(tmp_path, text).rules[0].then[0].source == "journey"


def test_every_source_that_may_match_must_be_able_to_do_it(tmp_path: Path) -> None:
    found = only(
        tmp_path,
        'when = { source = ["journey", "asked"], action = "pick" }\nthen = { action = "pan", direction = "up" }',
    )
    assert found.wrong == "cannot be done at asked: asked has no pan; nearest: zoom"


def test_a_provider_is_asked_with_what_is_known_of_the_parent(tmp_path: Path) -> None:
    loaded(tmp_path, 'when = { source = "asked", action = "pick" }\nthen = { action = "zoom" }')
    assert Parent(action="pick", provider="asked") in Asked.parents
    loaded(tmp_path, 'when = { provider = "journeyapi", source = "j*" }\nthen = { action = "zoom", source = "asked" }')
    assert Asked.parents[0] == Parent(action=None, provider="journeyapi")
    loaded(tmp_path, 'when = { action = "pi*" }\nthen = { action = "zoom", source = "asked" }')
    assert Asked.parents[0] == Parent(action=None, provider=None)


def test_a_nested_follow_up_is_asked_about_with_its_parent(tmp_path: Path) -> None:
    text = """
        when = { source = "journey", action = "imagine" }
        then = { action = "pick", index = 1, then = { action = "zoom", source = "asked", then = { action = "vary" } } }
    """
    loaded(tmp_path, text)
    assert Asked.parents[:2] == [Parent(action="pick", provider="journeyapi"), Parent(action="zoom", provider="asked")]


def test_each_of_several_actions_must_allow_the_follow_up(tmp_path: Path) -> None:
    then = 'then = { action = "upscale", kind = "subtle" }'
    found = only(tmp_path, f'when = {{ source = "journey", action = ["pick", "imagine"] }}\n{then}')
    assert "after imagine" in found.wrong


# --- endless orders --------------------------------------------------------------------------------------------------


def test_a_rule_that_its_own_result_sets_off_is_refused(tmp_path: Path) -> None:
    found = only(tmp_path, 'name = "again"\nwhen = { source = "journey" }\nthen = { action = "upscale" }')
    assert (found.where, "orders without end" in found.wrong) == ("rules[0].then", True)


def test_two_rules_that_set_each_other_off_are_refused(tmp_path: Path) -> None:
    text = """
        when = { source = "asked", action = "zoom" }
        then = { action = "vary" }
        [[rules]]
        when = { source = "asked", action = "vary" }
        then = { action = "imagine", prompt = "x", then = { action = "zoom" } }
    """
    assert [one.where for one in problems(tmp_path, text)] == ["rules[0].then", "rules[1].then"]


@pytest.mark.parametrize(
    "rule",
    [
        'when = { source = "journey" }\nthen = { action = "reroll", source = "asked" }',
        'when = { source = "asked", action = "zoom", rule = "other" }\nthen = { action = "zoom" }',
        'when = { source = "asked", action = "zoom", params = { factor = 3 } }\nthen = { action = "zoom", factor = 2 }',
        'when = { source = "journey", action = "pick" }\nthen = { action = "upscale" }',
    ],
)
def test_a_rule_whose_result_does_not_set_it_off_is_taken(tmp_path: Path, rule: str) -> None:
    assert loaded(tmp_path, f'{rule}\n[[rules]]\nname = "other"\nto = "log"').rules


GRID_DONE: Final = 'when = { type = "job.completed", action = "imagine", source = "journey" }\n'


@pytest.mark.parametrize(
    ("then", "where", "word"),
    [
        ("{ action = 'pick', index = 'ask', ask = [] }", ".ask", "empty list"),
        ("{ action = 'pick', index = 'ask', ask = 'nobody' }", ".ask", "there is no sink 'nobody'"),
        ("{ action = 'pick', index = 'ask', ask = 'log' }", ".ask", "has no buttons"),
        ("{ action = 'pick', index = 'ask', ask = [7] }", ".ask", "no sink's name"),
        ("{ action = 'pick', index = 'ask', within = 'soon' }", ".within", "not a duration"),
        ("{ action = 'pick', index = 'ask', within = '0s' }", ".within", "less than 1 s"),
        ("{ action = 'pick', index = 'ask', within = '400d' }", ".within", "more than 366 d"),
        ("{ action = 'pick', index = 'ask', default = 0 }", ".default", "no tile"),
        ("{ action = 'pick', index = 'ask', default = 'first' }", ".default", "no tile"),
        ("{ action = 'vary', index = 'ask' }", ".index", "belongs to action"),
        ("{ action = 'pick', index = 2, default = 1 }", ".default", "asks nobody"),
        ("[{ action = 'pick', index = 'ask' }, { action = 'pick', index = 'ask' }]", "", "more than once"),
    ],
)
def test_a_wrong_question_is_told(tmp_path: Path, then: str, where: str, word: str) -> None:
    found = only(tmp_path, GRID_DONE + f"then = {then}")
    assert found.where == f"rules[0].then{where}"
    assert word in found.wrong
    assert found.remedy


def test_a_question_is_read_with_what_it_says_and_without(tmp_path: Path) -> None:
    then = '{ action = "pick", index = "ask", within = "90m", default = 2, then = { action = "upscale", kind = "2x" } }'
    (asked,) = loaded(tmp_path, GRID_DONE + f"then = {then}").rules[0].then
    assert (asked.ask, asked.params) == (Question(within_s=5400, default=2), {})
    assert asked.then == (Then(action="upscale", params={"kind": "2x"}),)
    (plain,) = loaded(tmp_path, GRID_DONE + 'then = { action = "pick", index = "ask", default = "none" }').rules[0].then
    assert plain.ask == Question(within_s=86_400, default=None)


def test_a_question_may_follow_only_what_can_be_picked_from(tmp_path: Path) -> None:
    found = only(tmp_path, PICKED + 'then = { action = "pick", index = "ask" }')
    assert "cannot pick after pick" in found.wrong


@pytest.mark.parametrize(("default", "problems_found"), [('"none"', 0), ("1", 1)])
def test_a_circle_that_a_person_must_keep_turning_is_none(tmp_path: Path, default: str, problems_found: int) -> None:
    then = (
        f'{{ action = "pick", index = "ask", default = {default}, then = {{ action = "vary", strength = "subtle" }} }}'
    )
    rules = f'when = {{ action = ["imagine", "vary"], source = "journey" }}\nthen = {then}'
    if problems_found:
        assert "orders without end" in only(tmp_path, rules).wrong
    else:
        assert loaded(tmp_path, rules).rules
