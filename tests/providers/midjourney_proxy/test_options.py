"""The keys of a midjourney-proxy account, as `check` reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from providers.midjourney_proxy.parts import BASE
from receiver.config import Config, load
from receiver.errors import ConfigError
from receiver.providers import PROVIDERS

ACCOUNT = 'public_url = "https://hooks.example.com"\n[sources.own]\nprovider = "midjourney-proxy"\napi_key = "k"\n'


def read(folder: Path, text: str) -> Config:
    file = folder / "gridhook.toml"
    file.write_text(ACCOUNT + text)
    return load(file, {}, PROVIDERS, {})


def test_where_and_which_it_is_must_be_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, "")
    assert {problem.where for problem in caught.value.problems} == {"sources.own.flavour", "sources.own.base_url"}


def test_each_mistake_in_them_is_told_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, 'flavour = "plus"\nbase_url = "10.0.0.5:8080"\n')
    assert [problem.where for problem in caught.value.problems] == ["sources.own.base_url", "sources.own.flavour"]


def test_the_address_is_taken_without_the_slash_at_its_end(tmp_path: Path) -> None:
    source = read(tmp_path, f'flavour = "novicezk"\nbase_url = "{BASE}/"\n').sources["own"]
    assert (source.base_url, source.provider.name) == (BASE, "midjourney-proxy")
