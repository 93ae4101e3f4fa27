"""Identifiers."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from receiver.lib import ids


@given(st.integers(0, (1 << 63) - 1))
def test_an_id_reads_back_as_the_number_it_shows(number: int) -> None:
    assert ids.read("job", ids.show("job", number)) == number


@given(st.text(max_size=30))
def test_no_text_breaks_the_reader(text: str) -> None:
    for given_text in (text, f"job_{text}"):
        number = ids.read("job", given_text)
        assert number is None or ids.show("job", number) == given_text


def test_an_id_of_another_kind_is_none_of_this_kind() -> None:
    assert ids.read("job", ids.show("evt", 5)) is None


@given(st.lists(st.integers(0, 5), min_size=2, max_size=200))
def test_ids_strictly_increase_even_when_the_clock_stands_or_goes_back(steps: list[int]) -> None:
    moments = iter([1_800_000_000_000 + (step - 2) for step in steps])
    maker = ids.Ids(lambda: next(moments))
    made = [maker.next() for _ in steps]
    assert all(early < late for early, late in pairwise(made))
    assert sorted(made) == [ids.read("evt", text) for text in sorted(ids.show("evt", one) for one in made)]


def test_an_id_tells_when_it_was_made() -> None:
    assert ids.made_at(ids.Ids(lambda: 1_800_000_000_123).next()) == 1_800_000_000_123


def test_ids_go_on_after_one_that_is_there_already_though_the_clock_was_set_back() -> None:
    maker = ids.Ids(lambda: 1_800_000_000_000)
    later = ids.first_at(1_900_000_000_000)
    maker.start_after(later)
    assert maker.next() > later
