"""What is refused, with its place: all of it at once."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from config.parts import JOURNEY, LOG, loaded, only, problems

MANY: Final = """
publik_url = "https://x.example"
database = "mysql://u@host/db"
time_zone = "Mars/Olympus"
retention = "30 days"

[alerts]
to = ["team"]

[server]
port = 70000
max_body = "huge"

[sources.Journey]
provider = "journeyapi"

[sources.journey]
provider = "journeyapi"
secrets = ["env:HOOK_SECRET", "env:GONE"]
timeout = "0s"
prices = { pick = 0.1 }
budget = { credits = 1, usd = 1, per = "day" }

[sources.other]
provider = "journeyapo"

[sinks.team]
handler = "slack"
concurrency = "four"

[sinks.backend]
handler = "webhook"
url = ""
rate = "often"

[[rules]]
name = "a"
when = { typ = "job.completed" }
to = "teem"

[[rules]]
name = "a"
when = { type = "job.done" }
to = "team"

[[rules]]
name = "c"
when = { source = "journey", action = "pick" }
then = { action = "upscale", kind = "huge" }

[[rules]]
name = "nothing"
"""


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    found = problems(tmp_path, MANY)
    assert [problem.where for problem in found] == [
        "publik_url",
        "alerts",
        "retention",
        "server.port",
        "server.max_body",
        "sources.Journey",
        "sources.journey.secrets[1]",
        "sources.journey.timeout",
        "sources.journey.prices.pick",
        "sources.journey.budget",
        "sources.other.provider",
        "sinks.team.concurrency",
        "sinks.team",
        "sinks.backend.rate",
        "sinks.backend.url",
        "sinks.backend.secret",
        "rules[0].when.typ",
        "rules[0].to",
        "rules[1].when.type",
        "sources.journey.api_key",
        "rules[2].then.kind",
        "rules[3]",
        "rules",
        "database",
        "time_zone",
    ]
    assert all(problem.wrong and problem.remedy for problem in found)


@pytest.mark.parametrize(
    ("line", "where", "word"),
    [
        ('public_url = "hooks.example.com"', "public_url", "http:// or https://"),
        ('public_url = "https://u:p@x.example"', "public_url", "user name"),
        ('database = "mysql://x"', "database", "not the address of a SQLite file"),
        ('database = "sqlite:///"', "database", "names no file"),
        ('database = "sqlite:///:memory:"', "database", "names no file"),
        ('database = "sqlite:///x.db?mode=ro"', "database", "names no file"),
        ('database = "postgresql+asyncpg://h/d"', "database", "nor of a PostgreSQL server"),
        ("database = 5", "database", "is not text"),
        ('time_zone = "../etc/passwd"', "time_zone", "not a time zone"),
        ('network = "none"', "network", "not a table"),
        ('[network]\nproxi = "http://p:3128"', "network.proxi", "unknown key"),
        ('[network]\nproxy = "socks5://p:1080"', "network.proxy", "is not the http:// or https:// address"),
        ('[network]\nproxy = "http://p:3128/path"', "network.proxy", "has more than a host and a port"),
        ('[network]\nproxy = "http://p :3128"', "network.proxy", "holds characters"),
        ('[network]\nproxy = "http://p:99999"', "network.proxy", "is not the http:// or https:// address"),
        ('[network]\nca_file = "nowhere.pem"', "network.ca_file", "cannot be read (No such file or directory)"),
        ('[network]\nca_file = "gridhook.toml"', "network.ca_file", "names a file without a certificate"),
        ('[network]\nallow = ["10.0.0.0/8", "lan"]', "network.allow[1]", "not an IP address"),
        ('[network]\nallow = ["10.1.2.3/8"]', "network.allow[0]", "not an IP address"),
        ('sources = "all"', "sources", "not a table"),
        ('[rules]\nname = "x"', "rules", "not a list of tables"),
        ("rules = [1]", "rules[0]", "not a table"),
        ("[server]\nhost = ''", "server.host", "is not a name"),
        ('[server]\nadmin_token = ""', "server.admin_token", "is empty"),
        ('[server]\ntrusted_proxies = ["10.0.0.1", "*"]', "server.trusted_proxies[1]", "not an IP address"),
        ('[server]\nmax_body = "1 B"', "server.max_body", "cannot stand here"),
        ("[server]\nmax_connections = 3", "server.max_connections", "cannot stand here"),
        ('[server]\nmax_connections = "4096"', "server.max_connections", "cannot stand here"),
        ('[server]\nkeep_alive = "0s"', "server.keep_alive", "cannot stand here"),
        ("[server]\nkeep_alive = 75", "server.keep_alive", "is not a duration"),
        ('[server]\nmax_unread = "lots"', "server.max_unread", "is not a size"),
        ('[server]\nmax_body = "9 MiB"\nmax_unread = "8 MiB"', "server.max_unread", "is smaller than max_body"),
        ("[server]\nport = true", "server.port", "cannot stand here"),
    ],
)
def test_a_wrong_line_at_the_top_is_told(tmp_path: Path, line: str, where: str, word: str) -> None:
    found = only(tmp_path, line)
    assert found.where == where
    assert word in found.wrong


#: Whatever they may be, a URL does not lead to the same place with one of these at its end, or is cut in two.
NO_TOKENS = (".", "..", "/", "a/b", "%2e%2e", "%2E", "a%2fb", "a?b", "a#b", "a b", "a:b@c", "\\\\", "a;b", "a" * 201)


@pytest.mark.parametrize(
    "text", ["a-token-of-some-length", "...", "..a-token-of-some-length", "~" * 200, "callbackcallback"]
)
def test_a_token_that_is_one_segment_of_a_path_is_right(tmp_path: Path, text: str) -> None:
    token = loaded(tmp_path, f'{JOURNEY}token = "{text}"\n').sources["journey"].token
    assert token is not None
    assert token.reveal() == text


@pytest.mark.parametrize(
    ("line", "where", "word"),
    [
        ('token = "callback"', "token", "cannot stand in a path"),
        *((f'token = "{text}"', "token", "cannot stand in a path") for text in NO_TOKENS),
        ('token = ""', "token", "is empty"),
        ('token = "  "', "token", "is empty"),
        ('token = " a-token-of-some-length"', "token", "no HTTP header can carry"),
        ('token = "a\\nb"', "token", "no HTTP header can carry"),
        ('old_api_keys = "schl\u00fcssel"', "old_api_keys", "no HTTP header can carry"),
        ('base_url = "https://x.example/a/../b"', "base_url", "has . or .. in its path"),
        ('base_url = "https://x.example?y=1"', "base_url", "query"),
        ('poll = { after = "1s", evry = "1s" }', "poll.evry", "unknown key"),
        ('poll = { every = "0s" }', "poll.every", "cannot stand here"),
        ('timeout = "2h"', "timeout", "cannot stand here"),
        ("timeout = 30", "timeout", "not a duration"),
        ('deadline = "31d"', "deadline", "cannot stand here"),
        ("concurrency = 0", "concurrency", "cannot stand here"),
        ('webhooks = "no"', "webhooks", "cannot stand here"),
        ('prices = { pick = "-1" }', "prices.pick", "not an amount"),
        ("budget = { credits = 1.5, per = 'day' }", "budget.credits", "written as text"),
        ("budget = { credits = 1 }", "budget.per", "is missing"),
        ("budget = { credits = 1, per = 'year' }", "budget.per", "cannot stand here"),
        ("budget = { per = 'day' }", "budget", "either credits or usd"),
        ("old_api_keys = ['']", "old_api_keys[0]", "is empty"),
    ],
)
def test_a_wrong_line_in_a_source_is_told(tmp_path: Path, line: str, where: str, word: str) -> None:
    found = only(tmp_path, JOURNEY + line)
    assert found.where == f"sources.journey.{where}"
    assert word in found.wrong


@pytest.mark.parametrize("name", ["Journey", "-x", '"a b"', "'..'", "x" * 64, '"a/b"', "'caf\u00e9'", '""'])
def test_a_name_that_cannot_stand_in_a_path_is_refused(tmp_path: Path, name: str) -> None:
    found = problems(tmp_path, f'[sources.{name}]\nprovider = "journeyapi"\n[sinks.{name}]\nhandler = "log"\n')
    assert [problem.wrong for problem in found] == ["is not a name for a source", "is not a name for a sink"]


@pytest.mark.parametrize(
    ("provider", "word"),
    [
        ("journey", "there is no 'journey' here"),
        ("no.such.module:Thing", "cannot be imported"),
        ("receiver.errors:Nothing", "has no 'Nothing'"),
        ("receiver.errors:ConfigError", "has no Options"),
        ("receiver.lib.times:stamp", "is not a class"),
        ("handlers.log:Log", "has no seal, parse"),
        (":", "cannot be imported"),
        ("..:x", "cannot be imported"),
    ],
)
def test_a_provider_that_is_none_is_a_problem_and_no_traceback(tmp_path: Path, provider: str, word: str) -> None:
    found = problems(tmp_path, f'[sources.x]\nprovider = "{provider}"\n')
    assert {one.where for one in found} == {"sources.x.provider"}
    assert any(word in one.wrong for one in found)


def test_a_module_that_fails_while_it_is_loaded_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_plugin_of_a_test.py").write_text("raise RuntimeError('not today')")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = only(tmp_path, "[sinks.x]\nhandler = 'broken_plugin_of_a_test:X'\n")
    assert found.where == "sinks.x.handler"
    assert "RuntimeError: not today" in found.wrong


def test_what_a_provider_says_of_its_own_keys_is_told(tmp_path: Path) -> None:
    text = '[sources.v]\nprovider = "vendor"\nsalt = "s"\nrounds = 10\nsecrets = "s"'
    assert only(tmp_path, text).wrong == "rounds must be 9 or less"
    found = problems(tmp_path, '[sources.v]\nprovider = "vendor"\nround = 1\nsecrets = "s"')
    assert [(one.where, one.remedy) for one in found] == [
        ("sources.v.round", 'did you mean "rounds"?'),
        ("sources.v.salt", 'write a secret: "env:NAME", "file:/path" or the text itself'),
    ]


def test_keys_of_one_provider_are_unknown_to_another(tmp_path: Path) -> None:
    assert only(tmp_path, JOURNEY + "rounds = 1").wrong == "unknown key"


def test_a_source_with_a_mistake_makes_no_second_problem_in_the_rules(tmp_path: Path) -> None:
    text = """
        [sources.journey]
        provider = "journeyapi"
        api_key = "env:GONE"
        [[rules]]
        when = { source = "journey", provider = "journeyapi", action = "pick" }
        then = { action = "upscale", source = "journey" }
    """
    assert only(tmp_path, text).where == "sources.journey.api_key"


def test_a_sink_with_a_mistake_makes_no_second_problem_in_the_rules(tmp_path: Path) -> None:
    assert only(tmp_path, JOURNEY + '[sinks.x]\nhandler = "lob"\n[[rules]]\nto = "x"').where == "sinks.x.handler"


def test_text_is_an_unknown_key_where_the_handler_has_none(tmp_path: Path) -> None:
    assert only(tmp_path, JOURNEY + LOG + 'text = "hello"').wrong == "unknown key"


def test_too_many_waits_are_refused(tmp_path: Path) -> None:
    assert "more than 50" in only(tmp_path, JOURNEY + LOG + f"retry = {['1s'] * 51}").wrong
