"""Rules: conditions that can never hold, names, budgets."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from config.rule_parts import loaded, only, problems
from receiver.config import Budget

# --- when ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "when",
    [
        "{}",
        '{ type = "job.*" }',
        '{ type = ["job.completed", "job.failed"], status = ["completed", "failed"] }',
        '{ source = "some*" }',
        '{ provider = ["asked", "other*"] }',
        '{ tags = { project = ["a", "b*"] }, params = { index = [1, 2], nested = { deep = true } } }',
        '{ error = "*" }',
        '{ error = { code = "moderated" } }',
        '{ hold = { reason = ["pick", "budget"] }, type = "job.held" }',
        '{ cost = { unit = "credits", source = "reported" } }',
        "{ progress = 50 }",
        '{ rule = "me" }',
        '{ action = "faceswap" }',
    ],
)
def test_a_condition_that_can_hold_is_taken(tmp_path: Path, when: str) -> None:
    config = loaded(tmp_path, f'name = "me"\nwhen = {when}\nto = "log"')
    assert config.warnings == ()
    assert len(config.rules) == 1


@pytest.mark.parametrize(
    ("when", "where", "word"),
    [
        ('{ typ = "job.completed" }', "typ", "no event or job has this field"),
        ('{ type = "job.done" }', "type", "can never match"),
        ('{ type = "done.*" }', "type", "can never match"),
        ("{ type = 5 }", "type", "can never match"),
        ('{ type = ["job.completed", "job.faild"] }', "type", "'job.faild' can never match"),
        ('{ status = "done" }', "status", "can never match"),
        ('{ status = "planned" }', "status", "no event is told"),
        ('{ type = "job.completed", status = "failed" }', "", "no event of this type"),
        ('{ source = "jorney" }', "source", "can never match"),
        ('{ provider = "vtrix" }', "provider", "can never match"),
        ('{ rule = "you" }', "rule", "can never match"),
        ("{ images = 4 }", "images", "list of records"),
        ("{ tags = 'poster' }", "tags", "compared with a table"),
        ("{ error = { kode = 'x' } }", "error.kode", "error has no such field"),
        ("{ error = { code = 'nsfw' } }", "error.code", "can never match"),
        ("{ hold = { reason = 'lunch' } }", "hold.reason", "can never match"),
        ("{ action = { is = 'pick' } }", "action", "not a table"),
        ("{ action = [] }", "action", "empty list"),
        ("{ tags = { a = [] } }", "tags.a", "empty list"),
        ("{ created_at = 2026-11-21 }", "created_at", "is a date"),
        ("{ progress = true }", "progress", "never true or false"),
    ],
)
def test_a_condition_that_never_holds_is_refused(tmp_path: Path, when: str, where: str, word: str) -> None:
    found = only(tmp_path, f'name = "me"\nwhen = {when}\nto = "log"')
    assert found.where == f"rules[0].when.{where}".removesuffix(".")
    assert word in found.wrong


def test_a_misspelt_word_gets_the_nearest_as_remedy(tmp_path: Path) -> None:
    assert only(tmp_path, 'when = { source = "jorney" }\nto = "log"').remedy == 'did you mean "journey"?'
    assert only(tmp_path, 'when = { type = "job.complete" }\nto = "log"').remedy == 'did you mean "job.completed"?'


# --- the rule itself -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "where", "word"),
    [
        ('name = "x"', "rules[0]", "neither to nor then"),
        ("to = []", "rules[0]", "neither to nor then"),
        ('to = "lob"', "rules[0].to", "no sink 'lob'"),
        ("to = 5", "rules[0].to", "cannot stand here"),
        ('name = ""\nto = "log"', "rules[0].name", "printable characters"),
        ('if = "x"\nto = "log"', "rules[0].if", "column 1: there is no x"),
        ("if = 'job.action =='\nto = 'log'", "rules[0].if", "column 12: syntax error"),
        ("if = 5\nto = 'log'", "rules[0].if", "cannot stand here"),
        ('after = "archive"\nto = "log"', "rules[0].after", "cannot be used yet"),
        ('too = "log"\nto = "log"', "rules[0].too", "unknown key"),
        ('when = "always"\nto = "log"', "rules[0].when", "not a table"),
        ('to = "log"\nbudget = { credits = "x", per = "day" }', "rules[0].budget.credits", "not an amount"),
    ],
)
def test_a_wrong_rule_is_told(tmp_path: Path, rule: str, where: str, word: str) -> None:
    found = only(tmp_path, rule)
    assert found.where == where
    assert word in found.wrong


def test_two_rules_of_one_name_are_refused(tmp_path: Path) -> None:
    found = only(tmp_path, 'name = "x"\nto = "log"\n[[rules]]\nname = "x"\nto = "log"')
    assert "2 rules are called 'x'" in found.wrong
    assert len(problems(tmp_path, 'to = "log"\n[[rules]]\nto = "log"')) == 1


def test_the_name_of_an_unnamed_rule_does_not_depend_on_its_place(tmp_path: Path) -> None:
    one = 'when = { status = "failed", action = "pick" }\nto = "log"\n'
    same = 'to = ["log"]\nwhen = { action = "pick", status = "failed" }\n'
    other = 'when = { status = "failed" }\nto = "log"\n'
    first = [rule.name for rule in loaded(tmp_path, f"{one}[[rules]]\n{other}").rules]
    second = [rule.name for rule in loaded(tmp_path, f"{other}[[rules]]\n{same}").rules]
    assert first == second[::-1]
    assert len(set(first)) == 2
    assert all(len(name) == 13 and name.startswith("rule-") for name in first)


def test_the_name_of_an_unnamed_rule_stays_the_same_from_version_to_version(tmp_path: Path) -> None:
    rules = 'when = { action = "pick", source = "journey" }\nthen = { action = "upscale", kind = "2x" }\n'
    assert loaded(tmp_path, rules).rules[0].name == "rule-a92213b3"


def test_the_budget_of_a_rule_is_found_by_its_name(tmp_path: Path) -> None:
    config = loaded(tmp_path, 'name = "x"\nto = "log"\nbudget = { usd = "1.50", per = "total" }')
    assert config.rule_budgets == {"x": Budget(amount=Decimal("1.50"), unit="USD", per="total")}


# --- if --------------------------------------------------------------------------------------------------------------


def test_an_if_is_kept_and_names_a_rule_without_a_name_with_what_else_it_says(tmp_path: Path) -> None:
    plain = loaded(tmp_path, "to = 'log'").rules[0]
    narrowed = loaded(tmp_path, "to = 'log'\nif = 'job.action != \"imagine\" or job.tags.project == \"poster\"'").rules[
        0
    ]
    assert (plain.condition, narrowed.condition) == (None, 'job.action != "imagine" or job.tags.project == "poster"')
    assert plain.name == "rule-" + plain.name[5:] != narrowed.name
