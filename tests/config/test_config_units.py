"""Sizes, rates, amounts and addresses."""

from __future__ import annotations

from decimal import Decimal

import pytest

from receiver.config.units import (
    address,
    amount,
    network,
    rate,
    size,
)


@pytest.mark.parametrize(
    ("text", "count"),
    [("1 MiB", 1_048_576), ("512 KiB", 524_288), ("100 kB", 100_000), ("2 MB", 2_000_000), (77, 77), ("1.5KiB", 1536)],
)
def test_a_size_becomes_bytes(text: object, count: int) -> None:
    assert size(text) == count


@pytest.mark.parametrize("value", ["1 XB", "big", True, 1.5, "-1 MB", None])
def test_what_is_no_size_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="not a size"):
        size(value)


@pytest.mark.parametrize(("text", "per_second"), [("1/s", 1), ("30/m", 0.5), ("100/h", 100 / 3600), ("2.5 / s", 2.5)])
def test_a_rate_becomes_times_a_second(text: str, per_second: float) -> None:
    assert rate(text) == pytest.approx(per_second)


@pytest.mark.parametrize("value", ["1", 1, "1/d", "/s", "-1/s", "1/ms"])
def test_what_is_no_rate_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="not a rate"):
        rate(value)


def test_an_amount_is_exact() -> None:
    assert amount("0.1") == Decimal("0.1")
    assert amount(2) == Decimal(2)
    assert amount(0) == Decimal(0)


def test_a_float_is_no_amount_and_the_remedy_is_text() -> None:
    with pytest.raises(ValueError, match="written as text"):
        amount(0.1)


@pytest.mark.parametrize("value", ["", "two", "NaN", "Infinity", "-1", -1, True, "1e999", None])
def test_what_is_no_amount_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        amount(value)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("https://hooks.example.com", "https://hooks.example.com"),
        ("https://hooks.example.com/", "https://hooks.example.com"),
        ("http://127.0.0.1:8000/base//", "http://127.0.0.1:8000/base"),
        ("http://[::1]:80/x", "http://[::1]:80/x"),
    ],
)
def test_an_address_loses_its_last_slash(text: str, clean: str) -> None:
    assert address(text) == clean


@pytest.mark.parametrize(
    "value",
    [
        "hooks.example.com",
        "ftp://x.example",
        "https://",
        "https:///path",
        "https://x.example?",
        "https://x.example/#top",
        "https://x.example:99999",
        "https://x.example:0",
        "https://[::1",
        "https://x.exa mple",
        "https://x.example\n",
        "https://ex\u00e4mple.com",
        "https://x.example\\@y.example",
        "//x.example",
        "https://x.example/a/..",
        "https://x.example/./a",
        "https://x.example/a/%2e%2E/b",
        17,
        "",
    ],
)
def test_what_is_no_address_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        address(value)


def test_a_password_in_an_address_is_refused_and_not_shown() -> None:
    with pytest.raises(ValueError, match="user name or a password") as caught:
        address("https://me:hunter2@x.example")
    assert "hunter2" not in str(caught.value)


def test_networks_are_addresses_or_ranges() -> None:
    assert [network(text) for text in ("10.0.0.0/8", "::1")] == ["10.0.0.0/8", "::1"]
    for wrong in ("*", "proxy.example", "10.0.0.1/8", 5):
        with pytest.raises(ValueError, match=r"\w"):
            network(wrong)
