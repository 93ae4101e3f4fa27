"""Who may look and decide, and on which port: what `[server]` says of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.parts import JOURNEY, loaded, only
from receiver.config.settings import taken_over

HEAD = JOURNEY + '[server]\nadmin_token = "an-admin-token-of-some-length"\n'


def test_a_viewer_and_a_port_for_admins_are_read(tmp_path: Path) -> None:
    config = loaded(tmp_path, HEAD + 'admin_port = 8001\nviewer_token = "a-viewer-token-of-some-length"')
    assert config.server.admin_port == 8001
    assert config.server.viewer_token is not None
    assert "a-viewer-token" not in repr(config)


@pytest.mark.parametrize(
    ("text", "where", "word"),
    [
        (HEAD + "port = 8001\nadmin_port = 8001", "server.admin_port", "same as port"),
        (HEAD + "admin_port = 0", "server.admin_port", "at least 1"),
        (HEAD + "viewer_token = 'an-admin-token-of-some-length'", "server.viewer_token", "same as admin_token"),
        (HEAD + "user_header = 'X-Forwarded-User'", "server.user_header", "without trusted_proxies"),
        (HEAD + "trusted_proxies = ['127.0.0.1']\nuser_header = 'a b'", "server.user_header", "name of a header"),
        (JOURNEY + "[server]\nviewer_token = 'a-viewer-token-of-some-length'", "server.viewer_token", "without admin"),
    ],
)
def test_what_would_lock_out_or_let_in_is_a_mistake(tmp_path: Path, text: str, where: str, word: str) -> None:
    found = only(tmp_path, text)
    assert found.where == where
    assert word in str(found)


def test_a_short_viewer_token_is_warned_of(tmp_path: Path) -> None:
    warned = loaded(tmp_path, HEAD + "viewer_token = 'short'").warnings
    assert any("viewer_token has fewer than" in one for one in warned)


def test_another_admin_port_needs_a_restart_and_another_token_none(tmp_path: Path) -> None:
    old = loaded(tmp_path, HEAD + "admin_port = 8001")
    new = loaded(tmp_path, HEAD + "admin_port = 8002\nviewer_token = 'a-viewer-token-of-some-length'")
    kept, changed = taken_over(old, new)
    assert changed == ("server.admin_port",)
    assert kept.server.admin_port == 8001
    assert kept.server.viewer_token is not None


def test_two_admin_tokens_and_the_header_of_a_proxy_are_read(tmp_path: Path) -> None:
    tokens = "admin_token = ['a-new-token-of-some-length', 'an-old-token-of-some-length']"
    proxy = "trusted_proxies = ['127.0.0.1']\nuser_header = 'X-Forwarded-User'"
    server = loaded(tmp_path, f"{JOURNEY}[server]\n{tokens}\n{proxy}").server
    assert [token.reveal() for token in server.admin_token] == [
        "a-new-token-of-some-length",
        "an-old-token-of-some-length",
    ]
    assert server.user_header == "X-Forwarded-User"


def test_one_short_token_of_two_is_warned_of(tmp_path: Path) -> None:
    warned = loaded(tmp_path, f"{JOURNEY}[server]\nadmin_token = ['short', 'an-old-token-of-some-length']").warnings
    assert any("admin_token has fewer than" in one for one in warned)
