"""The switches of a pretend vendor as they are typed."""

from __future__ import annotations

import pytest

from receiver.cli.switches import SwitchWrong, share, switched
from receiver.pretend.options import Shares, VendorOptions


@pytest.mark.parametrize(
    ("text", "part"), [("20%", 0.2), ("0.5%", 0.005), ("100%", 1), ("always", 1), ("", 1), ("on", 1), ("off", 0)]
)
def test_a_share_is_read(text: str, part: float) -> None:
    assert share(text) == pytest.approx(part)


@pytest.mark.parametrize("text", ["20", "101%", "-1%", "sometimes", "%"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(SwitchWrong, match="is no share"):
        share(text)


def test_a_switch_is_thrown_and_taken_back() -> None:
    options = switched(VendorOptions(), "lose", "20%")
    assert (options.lose, options.shares) == (True, {"lose": 0.2})
    options = switched(options, "late", "5@50%")
    assert (options.late, options.shares["late"], options.lose) == (5, 0.5, True)
    options = switched(options, "fail", "Banned: a@b")
    assert (options.fail, options.shares["fail"]) == ("Banned: a@b", 1)
    options = switched(options, "order-failure", "500-taken@5%")
    assert (options.order_fault, options.shares["order_fault"]) == ("500-taken", 0.05)
    options = switched(options, "lose", "off")
    assert options.lose is False
    assert switched(options, "fail", "off").fail is None
    assert switched(options, "off", "") == VendorOptions()


@pytest.mark.parametrize(
    ("name", "text"), [("loose", "20%"), ("late", "soon"), ("duplicates", "0"), ("order-failure", "418"), ("lose", "5")]
)
def test_what_is_no_switch_or_no_value_says_what_would_be(name: str, text: str) -> None:
    with pytest.raises(SwitchWrong):
        switched(VendorOptions(), name, text)


@pytest.mark.parametrize(("part", "struck"), [(0.2, 20), (0.1, 10), (0.5, 50), (1.0, 100), (0.0, 0), (0.33, 33)])
def test_of_a_hundred_as_many_are_struck_as_the_share_says(part: float, struck: int) -> None:
    shares = Shares()
    options = VendorOptions(lose=True, shares={"lose": part})
    hits = [shares.strikes("lose", options) for _ in range(100)]
    assert sum(hits) == struck


def test_without_a_share_a_switch_always_strikes() -> None:
    assert all(Shares().strikes("late", VendorOptions(late=1)) for _ in range(3))
