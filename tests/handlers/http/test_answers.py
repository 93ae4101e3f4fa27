"""What answers mean, and how they are quoted."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.http.addresses import keys_in
from handlers.http.answers import outcome_of, quote
from receiver.contracts import Answer
from receiver.model.deliveries import (
    Again,
    Dead,
    Delivered,
)

NOW = 1_800_000_000_000


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_2xx_is_delivered(status: int) -> None:
    assert outcome_of(Answer(status=status, body=b"ok"), NOW) == Delivered(status=status)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 422, 499])
def test_other_4xx_are_dead_at_once(status: int) -> None:
    assert outcome_of(Answer(status=status, body=b"no"), NOW) == Dead(note=f"HTTP {status}: no", status=status)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_what_may_pass_is_tried_again_when_the_other_side_says(status: int) -> None:
    answer = Answer(status=status, headers={"retry-after": "7"}, body=b"busy")
    assert outcome_of(answer, NOW) == Again(note=f"HTTP {status}: busy", status=status, after=7)
    assert outcome_of(Answer(status=status), NOW) == Again(note=f"HTTP {status}", status=status)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_dead_and_say_why(status: int) -> None:
    outcome = outcome_of(Answer(status=status, headers={"location": "http://x/"}), NOW)
    assert isinstance(outcome, Dead)
    assert "not followed" in outcome.note


@given(status=st.integers(100, 999), body=st.binary(max_size=2000), wait=st.text(max_size=60))
def test_any_answer_has_an_outcome_with_a_short_plain_note(status: int, body: bytes, wait: str) -> None:
    outcome = outcome_of(Answer(status=status, headers={"retry-after": wait}, body=body), NOW)
    assert outcome.note is None or (outcome.note.isprintable() and len(outcome.note) <= 220)


def test_a_retry_after_with_an_impossible_year_is_no_wait() -> None:
    headers = {"retry-after": f"Mon, 01 Jan {'9' * 30} 00:00:00 GMT"}
    assert outcome_of(Answer(status=503, headers=headers), NOW) == Again(note="HTTP 503", status=503)


def test_a_quote_is_one_line_of_at_most_200_characters() -> None:
    assert quote(b"a\n\t b\x00\x1b[31m\xff") == "a b [31m\ufffd"
    assert len(quote(b"x" * 5000)) == 200


def test_a_quote_shows_no_key_even_if_the_other_side_repeats_it() -> None:
    url = "https://ann:sesame@hooks.example.com/services/T0/B0/abcdefghijklmnopqrst?x=1"
    echo = (
        f"no such page: {url} /services/T0/B0/abcdefghijklmnopqrst \\/services\\/T0\\/B0\\/abcdefghijklmnopqrst "
        f"abcdefghijklmnopqrst sesame {base64.b64encode(b'ann:sesame').decode()}"
    )
    text = quote(echo.encode(), keys_in(url))
    assert "abcdefgh" not in text
    assert "sesame" not in text
    assert "YW5u" not in text
    assert text.startswith("no such page: ***")
