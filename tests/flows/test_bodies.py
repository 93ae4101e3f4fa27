"""Bodies: forms, what is echoed, what is struck out before they are kept."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.contracts.bodies import PLAIN_JSON, BodyRules
from receiver.errors import NotJson
from receiver.flows.bodies import LONGEST_CHALLENGE, challenge_of, kept_body, read_body
from receiver.providers.shared.forms import form_value

FORM: Final = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
FORMS: Final = BodyRules(form=True)
ASKS: Final = BodyRules(challenge="challenge")


def test_a_form_is_its_fields_and_a_payload_is_json() -> None:
    assert read_body(b"task_id=f1&url=https%3A%2F%2Fx.example%2F1.png&empty=", FORM, FORMS) == {
        "task_id": "f1",
        "url": "https://x.example/1.png",
        "empty": "",
    }
    assert read_body(b"payload=%7B%22id%22%3A7%7D&token=x", FORM, FORMS) == {"id": 7}
    assert read_body(b'{"id": 7}', {"content-type": "application/json"}, FORMS) == {"id": 7}


def test_json_that_is_called_a_form_is_json() -> None:
    assert read_body(b' {"id": 7}', FORM, FORMS) == {"id": 7}
    assert read_body(b"{=1", FORM, FORMS) == {"{": "1"}


def test_a_form_whose_secret_was_struck_out_can_be_read_again() -> None:
    kept = kept_body(b"task_id=f1&auth[key]=a-secret", FORM, BodyRules(form=True, redact=("auth.key",)))
    assert b"a-secret" not in kept
    assert read_body(kept, FORM, FORMS)["task_id"] == "f1"


@pytest.mark.parametrize("body", [b"payload=no+json", b"a=%ff", b"&".join([b"a=1"] * 1001)])
def test_what_is_no_form_is_unreadable(body: bytes) -> None:
    with pytest.raises(NotJson):
        read_body(body, FORM, FORMS)


def test_a_form_is_no_json_where_none_is_expected() -> None:
    with pytest.raises(NotJson):
        read_body(b"task_id=f1", FORM, PLAIN_JSON)


@pytest.mark.parametrize(
    ("value", "echo"),
    [
        ({"challenge": "abc"}, {"challenge": "abc"}),
        ({"challenge": 5}, {"challenge": 5}),
        ({"challenge": ""}, None),
        ({"challenge": True}, None),
        ({"challenge": ["a"]}, None),
        ({"challenge": "a" * (LONGEST_CHALLENGE + 1)}, None),
        ({"id": "a"}, None),
        ([], None),
    ],
)
def test_a_challenge_is_echoed(value: Any, echo: dict[str, str | int] | None) -> None:
    assert challenge_of(value, ASKS) == echo
    assert challenge_of(value, PLAIN_JSON) is None


def test_a_challenge_may_stand_further_inside() -> None:
    assert challenge_of({"data": {"echo": "x"}}, BodyRules(challenge="data.echo")) == {"echo": "x"}


def test_a_challenges_name_may_have_a_dot() -> None:
    rules = BodyRules(challenge="hub.challenge")
    assert challenge_of({"hub.challenge": "x"}, rules) == {"hub.challenge": "x"}
    assert challenge_of({"hub": {"challenge": "x"}}, rules) == {"challenge": "x"}


def test_what_is_to_be_struck_out_is_not_kept_and_the_rest_is() -> None:
    rules = BodyRules(redact=("a.key", "list[*].secret", "rows[1].x", "whole", "none.there"))
    value = {
        "a": {"key": "k", "id": 12345678901234567890},
        "list": [{"secret": "s1", "n": 1}, {"n": 2}, {"secret": None}],
        "rows": [{"x": "stays"}, {"x": "goes"}],
        "whole": {"deep": "gone"},
        "last": 0.0027,
    }
    kept = json.loads(kept_body(json.dumps(value).encode(), {}, rules))
    assert kept == {
        "a": {"key": "***", "id": 12345678901234567890},
        "list": [{"secret": "***", "n": 1}, {"n": 2}, {"secret": None}],
        "rows": [{"x": "stays"}, {"x": "***"}],
        "whole": "***",
        "last": 0.0027,
    }


@pytest.mark.parametrize("body", [b'{ "b":  1 }', b"no json", b"", b"[]"])
def test_a_body_without_it_is_kept_to_the_byte(body: bytes) -> None:
    assert kept_body(body, {}, BodyRules(redact=("a.key", "list[*]"))) == body


@given(st.binary(max_size=200))
def test_no_body_makes_it_raise_anything_else(body: bytes) -> None:
    rules = BodyRules(form=True, challenge="a.b", redact=("a", "b[*].c", "[0]"))
    kept_body(body, FORM, rules)
    try:
        fields = form_value(body)
    except NotJson:
        return
    challenge_of(fields, rules)
