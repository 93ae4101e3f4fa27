"""Plug-ins: classes from anywhere, held to their contract."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import get_type_hints

import pytest

from config.parts import JOURNEY, loaded
from config.plugins.plugin_parts import plugin, sink_problems, source_problems
from receiver.contracts import DeliveryContext, Handler, Provider, Source
from receiver.providers.shared.dialect import Dialect

# --- plug-ins from nothing -------------------------------------------------------------------------------------------


def test_a_sink_beside_the_file_inherits_everything_but_its_delivery(tmp_path: Path) -> None:
    plugin(
        tmp_path,
        """
        from receiver.contracts import Handler
        class Mine(Handler):
            async def deliver(self, outgoing, context):
                return None
        """,
    )
    sink = loaded(tmp_path, f'{JOURNEY}[sinks.mine]\nhandler = "my_plugin:Mine"\n').sinks["mine"]
    assert (sink.concurrency, sink.rate, sink.handler_name) == (16, None, "my_plugin:Mine")


def test_a_sink_that_inherits_nothing_but_has_everything_is_a_sink(tmp_path: Path) -> None:
    plugin(
        tmp_path,
        """
        class Mine:
            class Options(msgspec.Struct):
                shout: bool = False
            default_rate = 2
            default_concurrency = 7
            default_timeout = 15.0
            archives = False
            def __init__(self, options):
                self.shout = options.shout
            async def deliver(self, outgoing, context):
                return None
        """,
    )
    sink = loaded(tmp_path, f'{JOURNEY}[sinks.mine]\nhandler = "my_plugin:Mine"\nshout = true\n').sinks["mine"]
    assert (sink.concurrency, sink.rate) == (7, 2)
    assert vars(sink.handler) == {"shout": True}


def test_a_vendor_that_only_posts_is_a_handful_of_lines(tmp_path: Path) -> None:
    plugin(
        tmp_path,
        """
        from receiver.model.jobs import Report
        from receiver.providers.shared.dialect import Dialect
        class Mine(Dialect):
            name = "mine"
            def parse(self, value, headers):
                return [Report(provider_job_id=value["id"], status=value["status"])]
        """,
    )
    source = loaded(tmp_path, '[sources.mine]\nprovider = "my_plugin:Mine"\nsecrets = "s"\n').sources["mine"]
    (report,) = source.provider.parse({"id": "a", "status": "completed"}, {})
    assert (report.provider_job_id, source.provider.name) == ("a", "mine")
    assert "only receives" in str(source.provider.refusal("imagine", {}, None))


def test_a_module_beside_the_file_hides_none_of_ours(tmp_path: Path) -> None:
    (tmp_path / "handlers.py").write_text("raise RuntimeError('the wrong one')")
    (tmp_path / "json.py").write_text("raise RuntimeError('the wrong one')")
    plugin(
        tmp_path,
        """
        import json
        from receiver.contracts import Handler
        class Mine(Handler):
            async def deliver(self, outgoing, context):
                return None
        """,
    )
    assert loaded(tmp_path, f'{JOURNEY}[sinks.mine]\nhandler = "my_plugin:Mine"\n').sinks


# --- the class -------------------------------------------------------------------------------------------------------


def test_a_provider_with_half_of_the_methods_is_told_the_other_half(tmp_path: Path) -> None:
    (found,) = source_problems(
        tmp_path,
        """
        class Mine:
            class Options(msgspec.Struct): pass
            def __init__(self, options): pass
            def seal(self, request, source): return "absent"
            def parse(self, value, headers): return []
            def refusal(self, action, params, parent): return None
            def order(self, order, source, prepared): return None
            def answered(self, order, answer, now): return None
            def query(self, jobs, source): return None
            def read(self, answer, jobs): return []
        """,
    )
    assert found.where == "sources.mine.provider"
    for method in ("local", "prepare", "cancel", "next_actions", "price"):
        assert method in found.wrong


def methods(contract: type) -> list[str]:
    return [name for name, member in vars(contract).items() if inspect.isfunction(member) and name[0] != "_"]


@pytest.mark.parametrize("method", methods(Provider))
def test_each_method_of_the_contract_is_one_that_a_provider_must_have(tmp_path: Path, method: str) -> None:
    (found,) = source_problems(
        tmp_path,
        f"""
        from receiver.providers.shared.dialect import Dialect
        class Mine(Dialect):
            name = "mine"
            def parse(self, value, headers):
                return []
            {method} = None
        """,
    )
    assert method in found.wrong


@pytest.mark.parametrize("name", [name for name in get_type_hints(Provider) if name != "Options"])
def test_each_attribute_of_the_contract_is_one_that_a_provider_must_have_right(tmp_path: Path, name: str) -> None:
    (found,) = source_problems(
        tmp_path,
        f"""
        from receiver.providers.shared.dialect import Dialect
        class Mine(Dialect):
            name = "mine"
            {name} = {{5: 5}}
            def parse(self, value, headers):
                return []
        """,
    )
    assert found.where == "sources.mine"
    assert f"has a {name} that is not" in found.wrong


def test_an_attribute_that_is_nowhere_is_told(tmp_path: Path) -> None:
    (found,) = source_problems(
        tmp_path,
        """
        from receiver.providers.shared.dialect import Dialect
        class Mine(Dialect):
            def parse(self, value, headers):
                return []
        """,
    )
    assert "has no name" in found.wrong


@pytest.mark.parametrize(
    ("method", "word"),
    [
        ("def deliver(self, outgoing, context): pass", "deliver is not async"),
        ("async def deliver(self, outgoing): pass", "deliver takes (self, outgoing)"),
        ("async def deliver(self, outgoing, context, more): pass", "deliver takes"),
        ("async def deliver(self, *, outgoing, context): pass", "deliver takes"),
        ("deliver = 5", "has no deliver"),
        ("pass", "has no deliver"),
        (
            "async def deliver(self, outgoing, context): pass\n    def __init__(self, options, transport): pass",
            "__init__ takes (self, options, transport)",
        ),
        ("async def deliver(self, outgoing, context): pass\n    def __init__(self): pass", "__init__ takes (self)"),
        ("async def deliver(self, outgoing, context): pass\n    Options = dict", "has no Options"),
    ],
)
def test_what_gridhook_cannot_call_as_it_does_is_told(tmp_path: Path, method: str, word: str) -> None:
    code = f"from receiver.contracts import Handler\nclass Mine(Handler):\n    {method}\n"
    (found,) = sink_problems(tmp_path, code)
    assert found.where == "sinks.mine.handler"
    assert word in found.wrong


@pytest.mark.parametrize(
    "method",
    [
        "async def deliver(self, one, two): pass",
        "async def deliver(self, outgoing, context, more=None): pass",
        "async def deliver(self, *args): pass",
        "@staticmethod\n    async def deliver(outgoing, context): pass",
        "@classmethod\n    async def deliver(cls, outgoing, context): pass",
    ],
)
def test_what_gridhook_can_call_is_taken_however_it_is_written(tmp_path: Path, method: str) -> None:
    plugin(tmp_path, f"from receiver.contracts import Handler\nclass Mine(Handler):\n    {method}\n")
    assert loaded(tmp_path, f'{JOURNEY}[sinks.mine]\nhandler = "my_plugin:Mine"\n').sinks


def test_a_provider_does_no_io_so_its_methods_are_not_async(tmp_path: Path) -> None:
    (found,) = source_problems(
        tmp_path,
        """
        from receiver.providers.shared.dialect import Dialect
        class Mine(Dialect):
            name = "mine"
            async def parse(self, value, headers):
                return []
        """,
    )
    assert "parse is async" in found.wrong


def test_the_contracts_say_what_they_are_called_with() -> None:
    assert list(inspect.signature(Handler.deliver).parameters) == ["self", "outgoing", "context"]
    assert list(inspect.signature(Handler.__init__).parameters) == ["self", "options"]
    assert list(inspect.signature(Provider.__init__).parameters) == ["self", "options"]
    assert DeliveryContext.__struct_fields__ == ("transport", "foreign", "sink", "folder", "clock", "timeout")
    assert Provider in Dialect.__mro__
    assert Source.__struct_fields__[1] == "provider"
