from __future__ import annotations

import pytest

from receiver.lib.pictures.links import link_worth, picture_link

KEY = b"k" * 32
NOW_S = 1_795_000_000


def parts(link: str) -> tuple[str, str, str, str]:
    path, _, query = link.partition("?")
    _, _, job_id, index = path.split("/")
    until, _, mac = query.removeprefix("until=").partition("&mac=")
    return job_id, index, until, mac


LINK = parts(picture_link(KEY, "job_1", 2, NOW_S + 60))


def test_a_link_opens_its_picture_until_it_is_over() -> None:
    assert link_worth(KEY, *LINK, NOW_S) == "open"
    assert link_worth(KEY, *LINK, NOW_S + 60) == "over"
    assert link_worth(b"o" * 32, *LINK, NOW_S) == "forged"


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("other", ["", "3", "job_2", str(NOW_S + 61), "ä", "\udcff", "1" * 5000])
def test_no_altered_link_opens_anything(place: int, other: str) -> None:
    altered = list(LINK)
    altered[place] = other
    assert link_worth(KEY, altered[0], altered[1], altered[2], altered[3], NOW_S) == "forged"


def test_no_part_can_be_moved_into_another() -> None:
    job_id, index, until, mac = parts(picture_link(KEY, "job_1", 12, NOW_S + 60))
    assert link_worth(KEY, job_id, f"{index}\0{until}", "", mac, NOW_S) == "forged"
