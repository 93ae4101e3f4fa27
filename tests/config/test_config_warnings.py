"""What is well written, but hardly was meant: a warning, no refusal."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.parts import JOURNEY, LOG, loaded


def warnings_of(folder: Path, text: str) -> list[str]:
    head = '[server]\nadmin_token = "env:GRIDHOOK_ADMIN_TOKEN"\n'
    return list(loaded(folder, text + ("" if "[server]" in text else "\n" + head)).warnings)


def test_without_a_public_url_vendors_cannot_reach_us(tmp_path: Path) -> None:
    config = loaded(tmp_path, JOURNEY + "[server]\nport = 9000\nadmin_token = 'env:GRIDHOOK_ADMIN_TOKEN'")
    assert config.public_url == "http://127.0.0.1:9000"
    assert len(config.warnings) == 1
    assert "no vendor can reach" in config.warnings[0]


def test_copies_for_everybody_want_a_public_url(tmp_path: Path) -> None:
    archive = f'{JOURNEY}webhooks = false\n[sinks.pictures]\nhandler = "archive"\nto = "pictures"\npublic = true\n'
    found = "".join(warnings_of(tmp_path, archive))
    assert "sinks.pictures.public: links to its copies begin with http://127.0.0.1:8000" in found
    assert "links" not in "".join(warnings_of(tmp_path, archive.replace("= true", "= false")))
    assert "links" not in "".join(warnings_of(tmp_path, 'public_url = "https://x.example"\n' + archive))


def test_sources_that_are_only_polled_need_no_public_url(tmp_path: Path) -> None:
    assert warnings_of(tmp_path, JOURNEY + "webhooks = false") == []


def test_a_vendor_that_posts_to_https_only_is_warned_of(tmp_path: Path) -> None:
    source = '[sources.v]\nprovider = "vendor"\nsalt = "s"\napi_key = "k"\n'
    assert "https:// only" in warnings_of(tmp_path, 'public_url = "http://x.example"\n' + source)[0]
    assert warnings_of(tmp_path, 'public_url = "https://x.example"\n' + source) == []


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (JOURNEY + 'token = "short"', "can be guessed"),
        (JOURNEY + 'deadline = "30s"', "given up before"),
        (JOURNEY + "prices = { upscal = 1 }", 'did you mean "upscale"?'),
        ('[sources.x]\nprovider = "journeyapi"\n', "no request can ever be verified"),
        (JOURNEY + "[server]\n", "admin_token is missing"),
        (JOURNEY + "[server]\nadmin_token = 'short'", "can be guessed"),
        ("", "nothing can be received"),
        (JOURNEY + "[[rules]]\nwhen = { action = 'upscal' }\nto = 'log'\n" + LOG, 'did you mean "upscale"?'),
    ],
)
def test_what_was_hardly_meant_is_warned_of(tmp_path: Path, text: str, word: str) -> None:
    found = warnings_of(tmp_path, 'public_url = "https://x.example"\n' + text)
    assert len(found) == 1
    assert word in found[0]
