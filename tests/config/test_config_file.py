"""The configuration file as a whole: what is read, and what a file that cannot be read is answered."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from config.parts import ENV, HANDLERS, JOURNEY, LOG, PROVIDERS, Vendor, loaded, only, problems, written
from handlers.webhook import Webhook
from receiver.config import (
    Budget,
    ServerSettings,
    load,
)
from receiver.config.settings import setup_of
from receiver.errors import ConfigError
from receiver.lib.signatures import Secret
from receiver.model.questions import Question
from receiver.model.rules import Rule
from receiver.providers.journeyapi import JourneyAPI

DESIGN: Final = """
public_url = "https://hooks.example.com"
database   = "sqlite:///gridhook.db"

[server]
admin_token = "env:GRIDHOOK_ADMIN_TOKEN"
max_body    = "8 MiB"

[sources.journey]
provider    = "journeyapi"
api_key     = "env:JOURNEYAPI_KEY"
secrets     = ["env:HOOK_SECRET", "env:HOOK_SECRET_OLD"]
budget      = { credits = 200, per = "day" }
concurrency = 5

[sinks.team]
handler = "slack"
url     = "env:SLACK_WEBHOOK_URL"

[sinks.backend]
handler = "webhook"
url     = "https://app.example.com/hooks"
secret  = "env:BACKEND_SECRET"

[[rules]]
name = "auto-hd"
when = { type = "job.completed", action = "pick" }
then = { action = "upscale", kind = "2x" }

[[rules]]
when = { type = ["job.completed", "job.failed", "job.unsure", "job.held"] }
to   = ["team", "backend"]
"""

POSTER: Final = """
[[rules]]
name = "poster"
when = { type = "job.completed", action = "imagine", tags = { project = "poster" } }
then = { action = "pick", index = "ask", ask = "team", within = "24h", default = 1,
         then = { action = "upscale", kind = "subtle" } }
"""

BOT: Final = 'token = "xoxb-1"\nchannel = "C0123456789"\nsigning_secret = "a-signing-secret"'


# --- what is read ----------------------------------------------------------------------------------------------------


def test_what_senders_may_hold_is_bounded_without_a_word_and_can_be_changed(tmp_path: Path) -> None:
    server = loaded(tmp_path, 'public_url = "https://hooks.example.com"').server
    assert (server.max_body, server.max_unread) == (8 * 1024**2, 64 * 1024**2)
    assert (server.max_connections, server.keep_alive) == (4096, 75.0)
    told = '[server]\nmax_body = "2 MiB"\nmax_unread = "3 MiB"\nmax_connections = 100\nkeep_alive = "2m"'
    server = loaded(tmp_path, told).server
    assert (server.max_body, server.max_unread) == (2 * 1024**2, 3 * 1024**2)
    assert (server.max_connections, server.keep_alive) == (100, 120.0)


def test_the_example_of_the_design_loads(tmp_path: Path) -> None:
    config = loaded(tmp_path, DESIGN)
    journey = config.sources["journey"]
    assert config.public_url == "https://hooks.example.com"
    assert config.database == f"sqlite:///{tmp_path}/gridhook.db"
    assert config.folder == tmp_path
    assert config.server == ServerSettings(admin_token=(Secret("admin-token-of-some-length"),))
    assert journey.provider.name == "journeyapi"
    assert journey.base_url == JourneyAPI.base_url
    assert [secret.reveal() for secret in journey.secrets] == ["new-secret", "old-secret"]
    assert config.budgets == {"journey": Budget(amount=Decimal(200), unit="credits", per="day")}
    assert config.rules[0].name == "auto-hd"
    assert config.rules[0].then[0].params == {"kind": "2x"}
    assert config.rules[1].to == ("team", "backend")
    assert config.warnings == ()


def test_a_sink_takes_what_it_does_not_say_from_its_handler(tmp_path: Path) -> None:
    config = loaded(tmp_path, DESIGN)
    team, backend = config.sinks["team"], config.sinks["backend"]
    assert (team.handler_name, team.rate, team.concurrency) == ("slack", 1.0, 1)
    assert (backend.rate, backend.concurrency, backend.timeout) == (None, 16, 15.0)
    assert list(backend.retry) == [5, 30, 120, 600, 3600, 21_600, 86_400]
    assert isinstance(backend.handler, Webhook)


def test_an_archive_and_the_networks_of_pictures_are_read(tmp_path: Path) -> None:
    text = """
        [network]
        allow = ["10.1.0.0/16"]
        [sinks.bucket]
        handler = "archive"
        to = "s3://bucket/prefix"
        endpoint = "https://s3.example.com"
        region = "eu-central-1"
        access_key_id = "env:HOOK_SECRET"
        secret_access_key = "env:HOOK_SECRET_OLD"
        max_bytes = "32 MiB"
        tiles = false
        [sinks.pictures]
        handler = "archive"
        to = "pictures"
    """
    config = loaded(tmp_path, JOURNEY + text)
    assert config.network.allow == ("10.1.0.0/16",)
    assert setup_of(config).archives == ("bucket", "pictures")
    assert (config.sinks["pictures"].timeout, config.sinks["pictures"].concurrency) == (120.0, 2)


@pytest.mark.parametrize(
    ("keys", "where"),
    [
        ('to = "ftp://x"', "sinks.pictures.to"),
        ('to = "s3://"', "sinks.pictures.to"),
        ('to = "s3://bucket/../other"', "sinks.pictures.to"),
        ('to = ""', "sinks.pictures.to"),
        ('to = "pictures"\nmax_bytes = "1 B"', "sinks.pictures.max_bytes"),
        ('to = "pictures"\nregion = "eu"', "sinks.pictures.region"),
        ('to = "s3://b"\nendpoint = "http://minio:9000"', "sinks.pictures.endpoint"),
    ],
)
def test_what_is_wrong_with_an_archive_is_told(tmp_path: Path, keys: str, where: str) -> None:
    (found,) = problems(tmp_path, JOURNEY + f'[sinks.pictures]\nhandler = "archive"\n{keys}')
    assert found.where == where


def test_what_a_sink_says_counts_more_than_its_handler(tmp_path: Path) -> None:
    text = LOG + 'rate = "30/m"\nconcurrency = 9\ntimeout = "1s"\nretry = "3s"\n'
    sink = loaded(tmp_path, JOURNEY + text).sinks["log"]
    assert (sink.rate, sink.concurrency, sink.timeout, sink.retry) == (0.5, 9, 1.0, (3.0,))
    assert loaded(tmp_path, JOURNEY + LOG + "retry = []").sinks["log"].retry == ()


def test_every_key_of_a_source_is_read(tmp_path: Path) -> None:
    text = """
        [sources.v]
        provider = "vendor"
        salt = "env:HOOK_SECRET"
        rounds = 5
        base_url = "http://127.0.0.1:9/api/"
        api_key = "k"
        old_api_keys = ["k0"]
        secrets = "s"
        token = "a-token-of-some-length"
        timeout = "5s"
        webhooks = false
        poll = { after = "2s", every = "1s" }
        deadline = "1h"
        confirm = false
        concurrency = 2
        prices = { pick = "2.5", upscale = 4 }
        budget = { usd = "5.00", per = "month" }
    """
    config = loaded(tmp_path, text)
    source = config.sources["v"]
    provider: object = source.provider.inner  # type: ignore[attr-defined]  # behind its guard
    assert isinstance(provider, Vendor)
    assert provider.options == Vendor.Options(salt=Secret("new-secret"), rounds=5)
    assert source.base_url == "http://127.0.0.1:9/api"
    assert (source.api_key, source.old_api_keys, source.secrets) == (Secret("k"), (Secret("k0"),), (Secret("s"),))
    assert source.token == Secret("a-token-of-some-length")
    assert (source.timeout, source.poll_after, source.poll_every, source.deadline) == (5, 2, 1, 3600)
    assert (source.webhooks, source.confirm, source.concurrency) == (False, False, 2)
    assert source.prices == {"pick": Decimal("2.5"), "upscale": Decimal(4)}
    assert config.budgets["v"] == Budget(amount=Decimal("5.00"), unit="USD", per="month")


def test_a_database_is_relative_to_the_file_or_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "conf").mkdir()
    written(tmp_path / "conf", 'database = "sqlite:///data/../x.db"')
    assert load("conf/gridhook.toml", {}, PROVIDERS, HANDLERS).database == f"sqlite:///{tmp_path}/conf/x.db"
    assert loaded(tmp_path, 'database = "sqlite:////var/x.db"').database == "sqlite:////var/x.db"


def test_a_class_can_be_named_by_its_path(tmp_path: Path) -> None:
    text = """
        [sources.a]
        provider = "receiver.providers.journeyapi:JourneyAPI"
        [sources.b]
        provider = "by-path"
        [sinks.c]
        handler = "handlers.log:Log"
    """
    config = loaded(tmp_path, text)
    assert {source.provider.name for source in config.sources.values()} == {"journeyapi"}
    assert config.sinks["c"].handler_name == "handlers.log:Log"


def test_a_byte_order_mark_is_no_obstacle(tmp_path: Path) -> None:
    file = written(tmp_path, "")
    file.write_bytes(b"\xef\xbb\xbf" + JOURNEY.encode())
    assert list(load(file, {}, PROVIDERS, HANDLERS).sources) == ["journey"]


def test_no_secret_shows_in_the_repr_of_a_configuration(tmp_path: Path) -> None:
    shown = repr(loaded(tmp_path, DESIGN))
    assert not [value for value in ENV.values() if value in shown]


# --- the file itself -------------------------------------------------------------------------------------------------


def test_a_missing_file_points_to_init(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="gridhook init"):
        load(tmp_path / "gridhook.toml", {}, PROVIDERS, HANDLERS)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path, {}, PROVIDERS, HANDLERS)


def test_a_syntax_error_is_told_with_line_and_column(tmp_path: Path) -> None:
    found = only(tmp_path, 'public_url = "https://x.example"\ndatabase = sqlite\n')
    assert (found.where, found.wrong) == ("line 2, column 12", "Invalid value")


def test_a_table_in_braces_may_go_over_several_lines(tmp_path: Path) -> None:
    assert only(tmp_path, "x = { a = 1,\n b = 2,\n}").where == "x"


def test_a_syntax_error_at_the_end_has_a_place_too(tmp_path: Path) -> None:
    assert only(tmp_path, 'x = 1\ny = "abc').where == "line 2, column 9"


def test_bytes_that_are_no_utf8_are_told_with_their_line(tmp_path: Path) -> None:
    file = written(tmp_path, "")
    file.write_bytes(b'x = 1\ny = "\xff"\n')
    with pytest.raises(ConfigError, match="line 2: is not UTF-8"):
        load(file, {}, PROVIDERS, HANDLERS)


def test_the_message_names_file_key_mistake_and_remedy(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, JOURNEY + 'secretes = "x"')
    assert str(caught.value) == (
        f"{tmp_path}{os.sep}gridhook.toml: 1 problem(s)\n"
        '  sources.journey.secretes: unknown key\n    -> did you mean "secrets"?'
    )


def test_a_rule_may_ask_only_sinks_that_have_buttons(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, DESIGN + POSTER)
    assert found.where == "rules[2].then.ask"
    assert "has no buttons" in found.wrong
    bot = DESIGN.replace('url     = "env:SLACK_WEBHOOK_URL"', BOT)
    asked = loaded(tmp_path, bot + POSTER).rules[2].then[0].ask
    assert asked == Question(sinks=("team",), within_s=86_400, default=1)


def test_a_rule_is_kept_as_it_was_meant(tmp_path: Path) -> None:
    text = JOURNEY + LOG + '[[rules]]\nname = "x"\nwhen = { tags = { a = "b*" } }\nto = ["log", "log"]\n'
    rule = Rule(name="x", when={"tags": {"a": "b*"}}, to=("log",))
    assert loaded(tmp_path, text).rules == (rule,)
