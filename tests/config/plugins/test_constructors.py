"""Plug-ins: whatever their constructors raise, and all mistakes of their options, are told with the key."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.plugins.plugin_parts import sink_problems


@pytest.mark.parametrize(
    ("raised", "wrong"),
    [
        ("ValueError('no, thanks')", "no, thanks"),
        ("TypeError('what is this')", "TypeError: what is this"),
        ("KeyError('shout')", "KeyError: 'shout'"),
        ("SystemExit(3)", "SystemExit: 3"),
        ("BaseException('anything')", "BaseException: anything"),
    ],
)
def test_whatever_a_constructor_raises_is_a_mistake_of_its_sink(tmp_path: Path, raised: str, wrong: str) -> None:
    (found,) = sink_problems(
        tmp_path,
        f"""
        from receiver.contracts import Handler
        class Mine(Handler):
            def __init__(self, options):
                raise {raised}
            async def deliver(self, outgoing, context):
                return None
        """,
    )
    assert (found.where, found.wrong) == ("sinks.mine", wrong)


SEVERAL = """
    from typing import Annotated
    from receiver.contracts import Handler, SecretUrl
    from receiver.errors import OptionError
    def short(text):
        if len(text) > 3:
            raise ValueError("is too long")
    class Mine(Handler):
        class Options(msgspec.Struct, kw_only=True):
            url: SecretUrl
            word: Annotated[str, msgspec.Meta(extra={"check": short})] = ""
            times: int = 1
        def __init__(self, options):
            raise ExceptionGroup("all", [
                OptionError("url", "is told once only", "-"),
                OptionError("places.first", "is nowhere", "go there"),
                OptionError("", "nothing fits together", "start again"),
            ])
        async def deliver(self, outgoing, context):
            return None
"""


def test_all_mistakes_of_one_sink_are_told_each_once_with_its_key(tmp_path: Path) -> None:
    found = sink_problems(tmp_path, SEVERAL, 'url = "ftp://x.example"\nword = "long"\nretry = ["x"]\nword_ = 1')
    assert [(one.where, one.wrong) for one in found] == [
        ("sinks.mine.retry[0]", "'x' is not a duration"),
        ("sinks.mine.word_", "unknown key"),
        ("sinks.mine.url", "is not an http:// or https:// address with a host"),
        ("sinks.mine.word", "is too long"),
        ("sinks.mine.places.first", "is nowhere"),
        ("sinks.mine", "nothing fits together"),
    ]


def test_what_may_only_be_wrong_because_a_key_was_left_out_is_not_told(tmp_path: Path) -> None:
    found = sink_problems(tmp_path, SEVERAL, 'url = "https://x.example"\ntimes = "often"')
    assert [one.where for one in found] == ["sinks.mine.times", "sinks.mine.url", "sinks.mine.places.first"]
