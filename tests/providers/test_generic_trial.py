"""What a description finds in a body, path by path."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from receiver.errors import Unmapped
from receiver.providers.generic.options import Options
from receiver.providers.generic.trial import jobs_in, path_trials


def described(**keys: Any) -> Options:
    return msgspec.convert(keys, Options)


def found(job: Any, name: str, *paths: str) -> list[tuple[str, list[Any], bool]]:
    trials = path_trials(job, described(paths={name: list(paths)}))
    return [(one.path, one.found, one.used) for one in trials if one.name == name]


def test_of_several_paths_the_first_that_leads_to_something_usable_is_used() -> None:
    job = {"a": "", "b": "done", "c": "also"}
    assert found(job, "status", "x", "a", "b", "c") == [
        ("x", [], False),
        ("a", [""], False),
        ("b", ["done"], True),
        ("c", ["also"], False),
    ]


def test_what_can_be_used_depends_on_what_it_is_for() -> None:
    assert found({"p": "45 %"}, "progress", "p") == [("p", ["45 %"], True)]
    assert found({"e": "success"}, "error", "e") == [("e", ["success"], False)]
    assert found({"u": "ftp://x"}, "grid", "u") == [("u", ["ftp://x"], False)]
    assert found({"i": 5}, "index", "i") == [("i", [5], True)]
    assert found({"i": 0}, "index", "i") == [("i", [0], True)]
    assert found({"i": -1}, "index", "i") == [("i", [-1], False)]
    assert found({"i": ["https://a/1.png"]}, "images", "i[*]", "i") == [
        ("i[*]", ["https://a/1.png"], True),
        ("i", [["https://a/1.png"]], False),
    ]


def test_each_job_of_a_post_is_tried() -> None:
    assert jobs_in({"data": [1, 2]}, described(each=["data[*]"])) == [1, 2]
    assert jobs_in({"data": [1, 2]}, described()) == [{"data": [1, 2]}]
    with pytest.raises(Unmapped):
        jobs_in({}, described(each=["data[*]"]))
