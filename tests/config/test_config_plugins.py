"""Plug-ins: classes from anywhere, held to their contract; and what `check` accepts can be served."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import get_type_hints

import pytest

from config.parts import HANDLERS, JOURNEY, PROVIDERS, loaded, only, problems, written
from receiver.config import load
from receiver.contracts import DeliveryContext, Handler, Provider, Source
from receiver.errors import Problem
from receiver.providers.shared.dialect import Dialect


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Plug-ins of one test are none of another's."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    known = set(sys.modules)
    yield
    for name in set(sys.modules) - known:
        del sys.modules[name]


def plugin(folder: Path, code: str) -> None:
    (folder / "my_plugin.py").write_text("from __future__ import annotations\nimport msgspec\n" + dedent(code))


def sink_problems(folder: Path, code: str, keys: str = "") -> list[Problem]:
    plugin(folder, code)
    return problems(folder, f'{JOURNEY}[sinks.mine]\nhandler = "my_plugin:Mine"\n{keys}')


def source_problems(folder: Path, code: str, keys: str = "") -> list[Problem]:
    plugin(folder, code)
    return problems(folder, f'[sources.mine]\nprovider = "my_plugin:Mine"\nsecrets = "s"\n{keys}')


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


# --- the constructor -------------------------------------------------------------------------------------------------


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


# --- as a new user would ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "where", "wrong", "remedy"),
    [
        ('handler = "slack"', "", "has neither url nor token", 'write url = "env:NAME"'),
        ('handler = "slack"\nurl = "not a url"', ".url", "holds characters", "write it whole"),
        ('handler = "slack"\nurl = "hooks.example.com/x"', ".url", "is not an http:// or https://", "write it whole"),
        ('handler = "slack"\ntoken = "x"', ".channel", "is missing beside token", "channel = "),
        ('handler = "slack"\nchannel = "C1"', ".token", "is missing beside channel", "token = "),
        ('handler = "slack"\nurl = "https://x.example"\ntoken = "x"', ".url", "stands beside", "keep url"),
        ('handler = "slack"\ntoken = "x"\nchannel = "C"\napi_url = "x"', ".api_url", "is not an http", "write it"),
        (
            'handler = "slack"\ntoken = "x"\nchannel = "C"\napi_url = "https://x.example/api?a=b"',
            ".api_url",
            "has a query",
            "a path is put behind it",
        ),
        ('handler = "slack"\nurl = "https://x.example/a/../b"', ".url", "has . or .. in its path", "without them"),
        (
            'handler = "slack"\nurl = "https://x.example"\ntext = "{prompt}"',
            ".text",
            "column 1: {prompt} is plain text",
            "write {{ job.prompt }}",
        ),
        (
            'handler = "slack"\nurl = "https://x.example"\ntext = "{{ job.promt }}"',
            ".text",
            "column 4: there is no job.promt",
            'did you mean "prompt"?',
        ),
        ('handler = "webhook"\nurl = "ftp://x.example"\nsecret = "env:BACKEND_SECRET"', ".url", "is not an http", ""),
        ('handler = "webhook"\nurl = "https://x.example"\nsecret = "whsec_x"', ".secret", "not base64", "whsec_"),
        ('handler = "webhook"\nurl = "https://x.example"\nsecret = "plain"', ".secret", "does not begin", "whsec_"),
        (
            'handler = "webhook"\nurl = "https://x.example"\nsecret = ["whsec_c2hvcnQ=", "env:BACKEND_SECRET"]',
            ".secret",
            "holds 5 bytes",
            "whsec_",
        ),
        (
            'handler = "webhook"\nurl = "https://x.example"\nsecret = "env:BACKEND_SECRET"\ncontent_type = "text/json"',
            ".content_type",
            "'text/json' cannot stand here",
            '"application/json", "application/cloudevents+json"',
        ),
        ('handler = "http"\nurl = "x"', ".url", "is not an http", "write it"),
        (
            'handler = "http"\nurl = "https://x.example"\nbody = "{prompt}"',
            ".body",
            "is plain text",
            "write {{ job.prompt }}",
        ),
        (
            'handler = "http"\nurl = "https://x.example"\nbody = \'{"a": "{{ job.prompt }}"}\'',
            ".body",
            "is no JSON for a job whose texts hold quotes",
            "tojson",
        ),
        (
            'handler = "http"\nurl = "https://x.example"\nheaders = { host = "x" }',
            ".headers.host",
            "is not the name",
            "",
        ),
        ('handler = "ntfy"\nurl = "https://ntfy.sh/"', ".url", "names no topic", "ntfy.sh/TOPIC"),
        ('handler = "teams"\nurl = "https://x.example"\ntext = "{{ job.x }}"', ".text", "there is no job.x", ""),
        ('handler = "file"\npath = ""', ".path", "cannot stand here", ""),
        ('handler = "file"\npath = "x"\nrotate = "1 B"', ".rotate", "cannot stand here", "at least 1024"),
        ('handler = "exec"\ncommand = []', ".command", "is empty", "write it as a list"),
        ('handler = "exec"\ncommand = "x"\nenv = { "A=B" = "x" }', ".env", "is no name of a variable", "STUDIO"),
        (
            'handler = "email"\nsmtp = "smtps://a:hush@x"\nfrom = "a@b"\nto = "c@d"',
            ".smtp",
            "has a password in it",
            "write password",
        ),
        (
            'handler = "email"\nsmtp = "smtps://x"\nfrom = "a"\nto = "c@d"',
            ".from",
            "is not an address",
            "ada@example.com",
        ),
    ],
)
def test_what_would_end_serve_ends_check(tmp_path: Path, keys: str, where: str, wrong: str, remedy: str) -> None:
    found = only(tmp_path, f"{JOURNEY}[sinks.team]\n{keys}\n")
    assert found.where == f"sinks.team{where}"
    assert wrong in found.wrong
    assert remedy in found.remedy


def test_a_sink_whose_secret_is_not_needed_is_left_out_without_a_mistake(tmp_path: Path) -> None:
    text = """
        [sinks.bot]
        handler = "slack"
        token = "env:GONE"
        channel = "C1"
        [sinks.hook]
        handler = "slack"
        url = "env:GONE"
        [sinks.backend]
        handler = "webhook"
        url = "https://x.example"
        secret = "env:GONE"
    """
    assert load(written(tmp_path, JOURNEY + text), {}, PROVIDERS, HANDLERS, "optional").sinks == {}


def test_no_secret_stands_in_a_mistake(tmp_path: Path) -> None:
    text = '[sinks.a]\nhandler = "slack"\nurl = "ftp://x/hush"\n[sinks.b]\nhandler = "webhook"\nurl = "hush"\n'
    assert "hush" not in str(problems(tmp_path, text + 'secret = "whsec_hush"'))


def test_two_secrets_are_a_rotation_and_three_are_a_mistake(tmp_path: Path) -> None:
    sink = '[sinks.b]\nhandler = "webhook"\nurl = "https://x.example"\nsecret = [{}]\n'
    one = '"env:BACKEND_SECRET"'
    assert loaded(tmp_path, JOURNEY + sink.format(", ".join([one, one]))).sinks
    assert "has 3 secrets" in only(tmp_path, JOURNEY + sink.format(", ".join([one] * 3))).wrong


def test_a_tolerance_is_a_duration_within_bounds(tmp_path: Path) -> None:
    described = """
        [sources.other]
        provider = "receiver.providers.generic:Generic"
        secrets = ["a-secret-of-some-length"]
        verify = { scheme = "hmac-sha256-hex", tolerance = "2d" }
    """
    problem = only(tmp_path, described)
    assert problem.where == "sources.other.verify.tolerance"
    assert "duration" in problem.remedy


MANY = """
    publik_url = "https://x.example"
    [server]
    prot = 80
    host = " "
    [sources.journey]
    provider = "journeyapi"
    api_key = "env:GONE"
    secrets = "s"
    token = "a/b"
    [sources.other]
    provider = "receiver.providers.generic:Generic"
    paths = { id = [], status = "a..b" }
    words = { queued = ["x"], failed = ["x"] }
    verify = { header = "x y" }
    [sinks.chat]
    handler = "slack"
    text = "{prompt} {status}"
    [sinks.backend]
    handler = "webhook"
    url = "ftp://x.example"
    secret = "whsec_x"
    timout = "1s"
    [[rules]]
    name = ""
    to = "chatt"
    when = { typ = "job.done" }
    [[rules]]
    when = { type = "job.failed", action = "pick", source = "journey" }
    then = { action = "upscale", kind = "3x", index = 9, within = "1h", then = [{ kind = "2x" }, 5] }
"""


def test_nothing_hides_another_mistake(tmp_path: Path) -> None:
    assert [problem.where for problem in problems(tmp_path, MANY)] == [
        "publik_url",
        "server.prot",
        "server.host",
        "sources.journey.api_key",
        "sources.journey.token",
        "sources.other.verify.header",
        "sources.other.paths.status",
        "sources.other.paths.id",
        "sources.other.words",
        "sinks.chat.text",
        "sinks.chat.text",
        "sinks.chat",
        "sinks.backend.timout",
        "sinks.backend.url",
        "sinks.backend.secret",
        "rules[0].name",
        "rules[0].when.typ",
        "rules[0].to",
        "rules[1].when.type",
        "rules[1].then.within",
        "rules[1].then.index",
        "rules[1].then.kind",
        "rules[1].then.then[0].action",
        "rules[1].then.then[1]",
    ]
