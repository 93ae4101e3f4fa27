"""What is shipped is held to the same: what `check` accepts can be served."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.parts import HANDLERS, JOURNEY, PROVIDERS, loaded, only, problems, written
from receiver.config import load


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
