"""Values as a person types them."""

from __future__ import annotations

import pytest

from receiver.model.typed_text import read_typed, typed


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        ("1.5", 1.5),
        ("true", True),
        ("[1, 2]", [1, 2]),
        ('{"a": 1}', {"a": 1}),
        ("16:9", "16:9"),
        ("null", "null"),
        ('"x"', '"x"'),
        ("", ""),
    ],
)
def test_what_is_typed_is_the_value_that_it_looks_like_and_is_typed_again(text: str, value: object) -> None:
    assert read_typed(text) == value
    assert read_typed(typed(value)) == value
