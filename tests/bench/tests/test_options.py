"""The options that hold more than one value."""

from __future__ import annotations

import pytest
import typer

from bench.__main__ import milliseconds


@pytest.mark.parametrize(("text", "wanted"), [("", ()), ("2,10", (2.0, 10.0)), (" 0.5 , ", (0.5,))])
def test_delays_are_numbers_with_commas(text: str, wanted: tuple[float, ...]) -> None:
    assert milliseconds(text) == wanted


@pytest.mark.parametrize("text", ["two", "0", "-1", "2;10", "nan", "5000"])
def test_other_delays_are_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="milliseconds"):
        milliseconds(text)
