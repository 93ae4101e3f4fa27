"""The tolerant readers: bounded, never raising, and exact about which tile is which."""

from __future__ import annotations

from base64 import b64encode
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.errors import Unmapped
from receiver.model.jobs import Report
from receiver.providers.shared import reading
from support.hostile_pictures import png

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [(45, 45), ("45", 45), ("45%", 45), ("45.7 %", 45), (45.7, 45), (250, 100), (-3, 0), ("", None), (True, None)],
)
def test_a_percentage_is_read_however_it_is_written(value: Any, wanted: int | None) -> None:
    assert reading.percent(value) == wanted


@pytest.mark.parametrize(("value", "wanted"), [(0.45, 45), (1.0, 100), ("0.5", 50), (46, 46), (None, None)])
def test_a_share_of_one_becomes_per_cent(value: Any, wanted: int | None) -> None:
    assert reading.fraction(value) == wanted


@pytest.mark.parametrize("value", ["1e9999999", "-1e9999999", "9" * 70, "NaN", "sNaN", "Infinity", "1e-9999999", "x"])
def test_a_number_out_of_all_bounds_is_none_and_breaks_nothing(value: str) -> None:
    assert reading.number(value) is None


def test_a_number_keeps_its_digits() -> None:
    assert reading.number("0.15") == Decimal("0.15")
    assert reading.number(0.15) == Decimal("0.15")
    assert reading.number(0) == 0


@given(JSON)
def test_no_json_value_makes_a_reader_raise(value: Any) -> None:
    for read in (reading.percent, reading.fraction, reading.number, reading.url, reading.job_id, reading.text):
        read(value)
    assert len(reading.urls(value)) <= reading.MAX_IMAGES
    reading.tiles(value)


@given(st.text(min_size=1) | st.integers())
def test_an_id_is_short_printable_and_never_blank(value: str | int) -> None:
    known = reading.job_id(value)
    assert known is None or (
        known == str(value).strip() and known.isprintable() and 0 < len(known) <= reading.ID_LENGTH
    )


@pytest.mark.parametrize("value", ["", "  ", None, True, 1.5, [], {}, "x" * 201, "a\0b", "a\nb"])
def test_what_is_no_id_is_refused(value: Any) -> None:
    with pytest.raises(Unmapped, match="task_id"):
        reading.required_id(value, "task_id")


def test_nul_is_left_out_of_texts() -> None:
    assert reading.text(" a\0b ") == "ab"
    assert reading.text("\0") is None


@pytest.mark.parametrize(
    "value",
    [
        "javascript:alert(1)",
        "ftp://x/y",
        "https://",
        "https:///x",
        "https://a b",
        "http://a\tb",
        "http://a\x7fb",
        "//x",
        7,
        None,
    ],
)
def test_only_a_web_address_is_an_address(value: Any) -> None:
    assert reading.url(value) is None


@given(
    st.sampled_from(["", " ", "\n", "x"]),
    st.sampled_from(["https://", "http://", "HTTPS://", "http\u017f://", "https:/", "http:///", "ftp://", ""]),
    st.text(st.sampled_from("ab/.:-~! \t\n\0\x7f\x80é\u2028") | st.characters(), max_size=8),
    st.sampled_from(["", " ", "\n"]),
)
def test_an_address_is_a_scheme_then_a_host_all_of_it_visible(before: str, scheme: str, rest: str, after: str) -> None:
    known = (before + scheme + rest + after).strip()
    said, _, place = known.partition("://")
    web = said.lower() in ("http", "https") and place[:1] not in ("", "/")
    visible = known.isprintable() and " " not in known
    assert reading.url(before + scheme + rest + after) == (known if web and visible else None)


@pytest.mark.parametrize("start", ["https://x.example/", "https://é.example/"])
def test_an_address_has_a_longest_length(start: str) -> None:
    longest = start + "x" * (reading.URL_LENGTH - len(start))
    assert reading.url(longest) == longest
    assert reading.url(longest + "x") is None


def test_an_address_is_stripped() -> None:
    assert reading.url(" https://x.example/1.png\n") == "https://x.example/1.png"


def test_a_gap_or_a_repeat_moves_no_other_tile() -> None:
    one, two = "https://x.example/1.png", "https://x.example/2.png"
    assert [(tile.index, tile.url) for tile in reading.tiles([one, None, one, {"url": [two]}])] == [
        (1, one),
        (3, one),
        (4, two),
    ]
    assert [tile.index for tile in reading.tiles(two)] == [1]
    assert reading.tiles([]) == ()


def test_pictures_are_counted_with_the_gaps_between_them() -> None:
    assert reading.count(reading.tiles([None, "https://x.example/2.png", None])) == 2
    assert reading.count(()) == 0


def test_one_bad_job_hides_no_other_of_its_batch() -> None:
    def read(job: Any) -> Report:
        return Report(provider_job_id=reading.required_id(job.get("id"), "id"), status="running")

    assert [report.provider_job_id for report in reading.each([{}, {"id": "a"}, 7], read)] == ["a"]
    assert reading.each([], read) == []
    with pytest.raises(Unmapped):
        reading.each([{}, 7], read)


def test_a_body_leaves_out_what_is_none() -> None:
    assert reading.json_body({"a": None, "b": 0, "c": [None]}) == b'{"b":0,"c":[null]}'


PNG_TEXT = b64encode(png(8, 8)).decode()


@pytest.mark.parametrize(
    "said",
    [
        PNG_TEXT,
        f"data:image/png;base64,{PNG_TEXT}",
        f"data:text/html;base64,{PNG_TEXT}",
        "\n".join(PNG_TEXT[start : start + 76] for start in range(0, len(PNG_TEXT), 76)),
    ],
)
def test_a_picture_in_base64_is_told_by_its_first_bytes(said: str) -> None:
    for value in (said, [said], [{"b64_json": said}], [{"url": said}]):
        assert [image.url for image in reading.tiles(value)] == [f"data:image/png;base64,{PNG_TEXT}"]


@pytest.mark.parametrize(
    "said", ["iVBOR", "x" * 100, "data:image/png," + PNG_TEXT, "data:image/svg+xml;base64," + "PHN2" * 40, "é" * 100]
)
def test_other_text_is_no_picture(said: str) -> None:
    assert reading.tiles([said, {"b64_json": said}]) == ()
