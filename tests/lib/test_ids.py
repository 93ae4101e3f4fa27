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


@given(st.lists(st.integers(-400 * 86_400, 400 * 86_400), min_size=1, max_size=8), st.integers(0, 4 * 3600))
def test_ids_tell_when_they_were_made_however_the_clock_is_set(jumps: list[int], idle: int) -> None:
    moment = 1_800_000_000_000
    maker = ids.Ids(lambda: moment)
    made = [(maker.next(), moment)]
    for jump in jumps:
        moment += jump * 1000
        for step in (0, 1, 40, idle * 1000, 7):
            moment += step
            made.append((maker.next(), moment))
    numbers = [number for number, _ in made]
    assert numbers == sorted(set(numbers))
    for number, at in made:
        # A clock that goes back by less than a second is waited for.
        assert 0 <= ids.made_at(number, maker.leads) - at <= ids.WAITED_FOR
    since, until = sorted((made[len(made) // 3][1], made[-1][1]))
    within = [
        number
        for number, _ in made
        for span in ids.spans_made(since, until, maker.leads)
        if span.low <= number <= span.top
    ]
    assert within == [number for number, _ in made if since <= ids.made_at(number, maker.leads) < until]


def test_a_clock_that_is_set_ahead_by_a_lifetime_leaves_ids_to_give_once_it_is_set_right() -> None:
    moment = 1_800_000_000_000
    maker = ids.Ids(lambda: moment)
    for later in (0, 10**13, 1, -(10**13), 1):
        moment += later
        made = [maker.next() for _ in range(1000)]
        assert made == sorted(set(made))
        assert made[-1] < ids.LARGEST
