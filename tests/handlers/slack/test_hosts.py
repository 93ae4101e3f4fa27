"""Which addresses that Slack names are Slack's."""

from __future__ import annotations

import pytest

from handlers.slack.hosts import is_slacks

SLACK = "https://slack.com/api"


@pytest.mark.parametrize(
    ("url", "api"),
    [
        ("https://files.slack.com/upload/v1/ABC", SLACK),
        ("https://hooks.slack.com/actions/T/x", SLACK),
        ("wss://wss-primary.slack.com/link/?ticket=1", SLACK),
        ("https://FILES.SLACK.COM:443/upload", SLACK),
        ("https://files.slack-gov.com/upload", "https://slack-gov.com/api"),
        ("https://files.slack.com/upload", "http://gateway.internal:8080/slack/api"),
        ("http://127.0.0.1:4001/upload", "http://127.0.0.1:4000/api"),
        ("ws://localhost:4001/link", "http://127.0.0.1:4000/api"),
        ("https://slack.test:8443/upload", "https://slack.test:8443/api"),
    ],
)
def test_what_is_slacks_own(url: str, api: str) -> None:
    assert is_slacks(url, api)


@pytest.mark.parametrize(
    "url",
    [
        "http://files.slack.com/upload",
        "ws://wss-primary.slack.com/link",
        "https://files.slack.com:8443/upload",
        "https://slack.com.evil.example/x",
        "https://evilslack.com/x",
        "https://files.slack.com@evil.example/x",
        "https://x@files.slack.com/x",
        "https://evil.example\\@files.slack.com/x",
        "https://evil.example/.slack.com",
        "https://evil.example#.slack.com",
        "https://169.254.169.254/latest/meta-data",
        "https://127.0.0.1/x",
        "http://[::1]/x",
        "//files.slack.com/x",
        "files.slack.com/x",
        "file:///etc/passwd",
        "https://files.slack.com:99999/x",
        "https://[x",
        "https://",
        "",
    ],
)
def test_what_is_not(url: str) -> None:
    assert not is_slacks(url, SLACK)
