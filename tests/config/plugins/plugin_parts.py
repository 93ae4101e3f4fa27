"""What the tests of plug-ins share: a plug-in beside the file, and the mistakes that are told of it."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from config.parts import JOURNEY, problems
from receiver.errors import Problem


def plugin(folder: Path, code: str) -> None:
    (folder / "my_plugin.py").write_text("from __future__ import annotations\nimport msgspec\n" + dedent(code))


def sink_problems(folder: Path, code: str, keys: str = "") -> list[Problem]:
    plugin(folder, code)
    return problems(folder, f'{JOURNEY}[sinks.mine]\nhandler = "my_plugin:Mine"\n{keys}')


def source_problems(folder: Path, code: str, keys: str = "") -> list[Problem]:
    plugin(folder, code)
    return problems(folder, f'[sources.mine]\nprovider = "my_plugin:Mine"\nsecrets = "s"\n{keys}')
