"""Forms: fields, PHP's brackets, multipart bodies."""

from __future__ import annotations

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.errors import NotJson
from receiver.providers.shared.forms import DEEPEST, form_value, is_form

MULTIPART: Final = 'multipart/form-data; charset=utf-8; boundary="XX"'


def part(name: str, text: str, more: str = "") -> str:
    return f'--XX\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n{text}\r\n'


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ("a=1&b=", {"a": "1", "b": ""}),
        ("a=1&a=2&a=3", {"a": ["1", "2", "3"]}),
        ("a=1&a=1", {"a": "1"}),
        ("a[]=1&a[]=2", {"a": ["1", "2"]}),
        ("a%5B1%5D=2&a%5B0%5D=1", {"a": ["1", "2"]}),
        ("a[1]=2&a[2]=1", {"a": {"1": "2", "2": "1"}}),
        ("data[task][id]=7&data[images][]=x&data[images][]=y", {"data": {"task": {"id": "7"}, "images": ["x", "y"]}}),
        ("a[0][url]=x&a[1][url]=y", {"a": [{"url": "x"}, {"url": "y"}]}),
        ("a=1&a[b]=2", {"a": {"b": "2"}}),
        ("a[b]=2&a=1", {"a": "1"}),
        ("a[b]=2&a[b][c]=1", {"a": {"b": {"c": "1"}}}),
        ("a[b=1&]=2&[x]=3", {"a[b": "1", "]": "2", "[x]": "3"}),
        ("", {}),
    ],
)
def test_a_form_is_what_json_would_say(body: str, value: dict[str, Any]) -> None:
    assert form_value(body.encode()) == value


def test_a_name_that_goes_too_deep_is_a_name() -> None:
    name = "a" + "[b]" * DEEPEST
    assert form_value(f"{name}=1".encode()) == {name: "1"}


def test_a_multipart_body_is_its_texts_without_its_files() -> None:
    body = part("task_id", "f1") + part("urls[]", "x") + part("urls[]", "y\r\nz") + part("f", "1", '; filename="a.txt"')
    assert form_value(f"{body}--XX--\r\n".encode(), MULTIPART) == {"task_id": "f1", "urls": ["x", "y\r\nz"]}


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"a=%ff", ""), (b"--XX--", "multipart/form-data"), (b"a=1", MULTIPART), (part("a", "b").encode(), MULTIPART)],
)
def test_what_is_no_form_is_told(body: bytes, kind: str) -> None:
    with pytest.raises(NotJson):
        form_value(body, kind)


def test_forms_are_told_by_their_content_type() -> None:
    assert is_form("application/x-www-form-urlencoded; charset=UTF-8")
    assert is_form("Multipart/Form-Data; boundary=x")
    assert not is_form("application/json")


@given(st.text(alphabet="ab[]=&0.%5", max_size=60), st.sampled_from(["", MULTIPART]))
def test_no_body_makes_it_raise_anything_else(body: str, kind: str) -> None:
    try:
        form_value(body.encode(), kind)
    except NotJson:
        return
