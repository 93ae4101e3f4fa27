"""Completion by the shell: commands and their options."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

MAIN = "import sys; sys.argv[0] = 'gridhook'; from receiver.app import main; main()"


@pytest.mark.parametrize(
    ("words", "place", "found"),
    [("gridhook red", "1", ["redeliver"]), ("gridhook jobs --stat", "2", ["--status"]), ("gridhook zzz", "1", [])],
)
def test_what_was_begun_is_completed(words: str, place: str, found: list[str]) -> None:
    asked = {"_GRIDHOOK_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": place}
    told = subprocess.run(
        [sys.executable, "-c", MAIN], env={**os.environ, **asked}, capture_output=True, text=True, check=False
    )
    assert told.stderr == ""
    assert told.stdout.split() == found
    assert told.stderr == ""
