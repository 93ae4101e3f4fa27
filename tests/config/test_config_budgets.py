"""Budgets that could never count what they limit, and how far one job may lead."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.parts import LOG
from receiver.config import (
    Config,
    LimitSettings,
    load,
)
from receiver.config.settings import setup_of
from receiver.errors import ConfigError, Problem
from receiver.providers import PROVIDERS

JOURNEY = '[sources.journey]\nprovider = "journeyapi"\napi_key = "k"\nsecrets = "s"\n'
VTRIX = '[sources.vtrix]\nprovider = "vtrix"\napi_key = "k"\n'
#: Two steps at whatever source the grid is at.
CHAIN = 'then = { action = "pick", index = 1, then = { action = "upscale", kind = "2x" } }\n'
RULE = '[[rules]]\nname = "hd"\n'


def loaded(folder: Path, text: str) -> Config:
    file = folder / "gridhook.toml"
    file.write_text(text)
    return load(file, {}, PROVIDERS, {"log": "handlers.log:Log"})


def problems(folder: Path, text: str) -> list[Problem]:
    with pytest.raises(ConfigError) as caught:
        loaded(folder, text)
    return caught.value.problems


def test_a_budget_in_another_unit_than_the_vendors_is_a_mistake_with_a_remedy(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, JOURNEY + 'budget = { usd = "5.00", per = "day" }\n')
    assert found.where == "sources.journey.budget"
    assert found.wrong == "is in USD, but journeyapi counts in credits: every order would be held"
    assert found.remedy == 'write { credits = ..., per = "day" }'
    (other,) = problems(tmp_path, VTRIX + 'budget = { credits = 5, per = "month" }\n')
    assert other.remedy == 'write { usd = ..., per = "month" }'


def test_a_budget_in_the_vendors_unit_is_right(tmp_path: Path) -> None:
    text = JOURNEY + 'budget = { credits = 5, per = "day" }\n' + VTRIX + 'budget = { usd = "0.5", per = "day" }\n'
    assert {name: budget.unit for name, budget in loaded(tmp_path, text).budgets.items()} == {
        "journey": "credits",
        "vtrix": "USD",
    }


def test_a_rules_budget_must_count_what_its_orders_cost(tmp_path: Path) -> None:
    rule = RULE + 'when = { action = "imagine" }\nbudget = { usd = 5, per = "day" }\n' + CHAIN
    (found,) = problems(tmp_path, JOURNEY + rule)
    assert found.where == "rules[0].budget"
    assert found.wrong == "is in USD, but journey counts in credits: its orders would be held"
    assert found.remedy == 'write { credits = ..., per = "day" }'
    assert loaded(tmp_path, VTRIX + rule).rule_budgets["hd"].unit == "USD"


def test_a_rules_budget_cannot_count_two_units(tmp_path: Path) -> None:
    rule = RULE + 'when = { action = "imagine" }\nbudget = { credits = 5, per = "day" }\n' + CHAIN
    (found,) = problems(tmp_path, JOURNEY + VTRIX + rule)
    assert "vtrix counts in USD" in found.wrong
    assert found.remedy == "make it one rule for each unit: name a source in when.source"
    narrowed = rule.replace('action = "imagine"', 'action = "imagine", source = "journey"')
    assert loaded(tmp_path, JOURNEY + VTRIX + narrowed).rule_budgets["hd"].unit == "credits"


def test_a_later_step_at_a_named_source_counts_too(tmp_path: Path) -> None:
    chain = CHAIN.replace('kind = "2x"', 'kind = "2x", source = "journey"')
    rule = RULE + 'when = { action = "imagine", source = "vtrix" }\nbudget = { usd = 5, per = "day" }\n' + chain
    (found,) = problems(tmp_path, JOURNEY + VTRIX + rule)
    assert "journey counts in credits" in found.wrong


FRAME = '[sources.frame]\nprovider = "apiframe"\napi_key = "k"\n'
PICK = 'then = { action = "pick", index = 1 }\n'


def test_a_rules_budget_cannot_add_up_the_credits_of_two_vendors(tmp_path: Path) -> None:
    rule = RULE + 'when = { action = "imagine" }\nbudget = { credits = 5, per = "day" }\n' + PICK
    (found,) = problems(tmp_path, JOURNEY + FRAME + rule)
    assert found.where == "rules[0].budget"
    assert found.wrong == "counts the credits of several vendors: journey (journeyapi), frame (apiframe)"
    assert found.remedy == "make it one rule for each vendor: name its source in when.source"
    narrowed = rule.replace('action = "imagine"', 'action = "imagine", source = "frame"')
    assert loaded(tmp_path, JOURNEY + FRAME + narrowed).rule_budgets["hd"].sources == frozenset({"frame"})


def test_a_later_step_at_another_vendor_is_of_the_same_budget(tmp_path: Path) -> None:
    chain = CHAIN.replace('kind = "2x"', 'kind = "2x", source = "journey"')
    rule = RULE + 'when = { action = "imagine", source = "frame" }\nbudget = { credits = 5, per = "day" }\n' + chain
    (found,) = problems(tmp_path, JOURNEY + FRAME + rule)
    assert "frame (apiframe), journey (journeyapi)" in found.wrong


def test_two_accounts_at_one_vendor_count_alike(tmp_path: Path) -> None:
    other = JOURNEY.replace("[sources.journey]", "[sources.other]")
    rule = RULE + 'when = { action = "imagine" }\nbudget = { credits = 5, per = "day" }\n' + PICK
    assert loaded(tmp_path, JOURNEY + other + rule).rule_budgets["hd"].sources == frozenset({"journey", "other"})
    dollars = VTRIX + VTRIX.replace("[sources.vtrix]", "[sources.vtwo]") + rule.replace("credits", "usd")
    assert loaded(tmp_path, dollars).rule_budgets["hd"].sources is None


def test_a_rule_that_only_tells_may_have_any_budget(tmp_path: Path) -> None:
    rule = RULE + 'to = "log"\nbudget = { usd = 5, per = "day" }\n'
    assert loaded(tmp_path, JOURNEY + LOG + rule).rule_budgets["hd"].unit == "USD"


def test_how_far_one_job_may_lead_can_be_set(tmp_path: Path) -> None:
    assert loaded(tmp_path, JOURNEY).limits == LimitSettings(depth=5, jobs=50)
    config = loaded(tmp_path, "[limits]\ndepth = 2\njobs = 1000\n" + JOURNEY)
    assert config.limits == LimitSettings(depth=2, jobs=1000)
    limits = setup_of(config).limits
    assert (limits.depth, limits.jobs) == (2, 1000)


@pytest.mark.parametrize("line", ["depth = 0", "jobs = 1001", "depth = true", "jobs = 5.0", 'depth = "5"'])
def test_a_limit_is_a_whole_number_within_bounds(tmp_path: Path, line: str) -> None:
    key = line.partition(" ")[0]
    (found,) = problems(tmp_path, f"[limits]\n{line}\n{JOURNEY}")
    assert found.where == f"limits.{key}"
    assert found.remedy == "write a whole number (at least 1 and at most 1000)"


def test_an_unknown_limit_is_told(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, f"[limits]\ndeepness = 3\n{JOURNEY}")
    assert (found.where, found.wrong) == ("limits.deepness", "unknown key")
