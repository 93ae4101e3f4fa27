"""What buttons carry: short, bound to a job and a word, and worth nothing once a character is altered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.lib.button_codes import LONGEST, LONGEST_WORD, button_code, fits_button, read_button_code
from receiver.lib.ids import LARGEST

KEY = b"k" * 32
WORDS = ["pick:1", "pick:4", "vary:3", "reroll", "upscale:v5_2x:4", "zoom:1.5", "remix_subtle", "a" * LONGEST_WORD]


@given(job=st.integers(0, LARGEST), word=st.sampled_from(WORDS))
def test_a_code_says_what_it_was_made_of_and_fits_every_platform(job: int, word: str) -> None:
    code = button_code(KEY, job, word)
    assert fits_button(word)
    assert len(code.encode()) <= LONGEST
    assert read_button_code(KEY, code) == (job, word)


@given(job=st.integers(0, LARGEST), at=st.integers(0, 200), letter=st.characters())
def test_an_altered_code_says_nothing(job: int, at: int, letter: str) -> None:
    code = button_code(KEY, job, "pick:2")
    place = at % len(code)
    altered = code[:place] + letter + code[place + 1 :]
    assert altered == code or read_button_code(KEY, altered) is None


@pytest.mark.parametrize("text", ["", ".", "a" * 65, "pick:2", "\udc80", "0" * 13 + ".pick:2." + "0" * 26])
def test_what_is_no_code_says_nothing(text: str) -> None:
    assert read_button_code(KEY, text) is None


def test_a_code_of_another_database_says_nothing() -> None:
    assert read_button_code(b"x" * 32, button_code(KEY, 7, "pick:2")) is None


@pytest.mark.parametrize(
    "word", ["", "Pick", "pick:", "pick:1:2:3", "a" * (LONGEST_WORD + 1), "pick 2", "2x", "pick:\u0661"]
)
def test_a_word_that_no_code_can_carry_is_told_before(word: str) -> None:
    assert not fits_button(word)
