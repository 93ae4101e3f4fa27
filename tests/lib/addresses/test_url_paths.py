"""Foreign text in the path of a URL."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.lib.addresses.url_paths import leads_elsewhere, quoted_segment


@pytest.mark.parametrize("text", ["", ".", "..", "\ud800"])
def test_what_can_be_no_segment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        quoted_segment(text)


@pytest.mark.parametrize(
    ("text", "segment"),
    [
        ("a/b", "a%2Fb"),
        ("a?b#c", "a%3Fb%23c"),
        ("%2e%2e", "%252e%252e"),
        ("...", "..."),
        ("\U0001f600", "%F0%9F%98%80"),
    ],
)
def test_what_would_lead_elsewhere_is_quoted(text: str, segment: str) -> None:
    assert quoted_segment(text) == segment


@given(st.text(st.characters(codec="utf-8"), min_size=1).filter(lambda text: text not in (".", "..")))
def test_any_other_text_is_one_segment_and_can_be_read_back(text: str) -> None:
    segment = quoted_segment(text)
    parts = urlsplit(f"https://x.example/a/{segment}/b")
    assert (parts.path, parts.query, parts.fragment) == (f"/a/{segment}/b", "", "")
    assert "/" not in segment
    assert segment.isascii()
    assert unquote(segment) == text
    assert not leads_elsewhere(parts.path)


@pytest.mark.parametrize(
    ("path", "elsewhere"),
    [
        ("/a/../b", True),
        ("/.", True),
        ("/a/%2E%2e", True),
        ("/a/%2e/b", True),
        ("/a/...", False),
        ("/a.b/%252e", False),
    ],
)
def test_a_path_with_dots_for_a_segment_is_read_in_two_ways(path: str, elsewhere: bool) -> None:
    assert leads_elsewhere(path) is elsewhere
