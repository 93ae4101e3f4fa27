"""`[network]`, and the environment variables that speak where it is silent."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.parts import ENV, JOURNEY, loaded, only
from receiver.config.settings import taken_over
from receiver.contracts import CallNetwork
from receiver.lib.signatures import Secret
from support.certificates import PrivateAuthority

NETWORK = JOURNEY + '[network]\nproxy = "http://ann:sesame@proxy.example:3128"\n'


def network(folder: Path, text: str = JOURNEY, **env: str) -> CallNetwork:
    return loaded(folder, text, ENV | env).network


def warned(folder: Path, **env: str) -> list[str]:
    return [warning for warning in loaded(folder, JOURNEY, ENV | env).warnings if "environment variable" in warning]


def test_calls_go_out_directly_unless_something_says_otherwise(tmp_path: Path) -> None:
    assert network(tmp_path) == CallNetwork()


def test_a_proxy_of_the_file_is_for_all_calls_and_comes_before_the_environment(tmp_path: Path) -> None:
    proxy = Secret("http://ann:sesame@proxy.example:3128")
    found = network(tmp_path, NETWORK, HTTPS_PROXY="http://other:1", NO_PROXY="corp.example, 10.0.0.0/8,")
    assert found == CallNetwork(http_proxy=proxy, https_proxy=proxy, no_proxy=("corp.example", "10.0.0.0/8"))
    assert "sesame" not in repr(found)


def test_a_proxy_of_the_file_may_stand_in_the_environment_like_any_secret(tmp_path: Path) -> None:
    found = network(tmp_path, JOURNEY + '[network]\nproxy = "env:PROXY"\n', PROXY="https://p.example")
    assert found.https_proxy == Secret("https://p.example")


def test_the_environment_names_proxies_as_it_does_for_other_programs(tmp_path: Path) -> None:
    found = network(tmp_path, https_proxy="http://a:1", HTTPS_PROXY="http://b:2", HTTP_PROXY="c:3")
    assert found == CallNetwork(http_proxy=Secret("http://c:3"), https_proxy=Secret("http://a:1"))
    both = Secret("http://d:4")
    assert network(tmp_path, ALL_PROXY="http://d:4") == CallNetwork(http_proxy=both, https_proxy=both)
    assert network(tmp_path, HTTPS_PROXY="") == CallNetwork()


def test_a_proxy_of_the_environment_that_cannot_be_used_is_a_warning(tmp_path: Path) -> None:
    assert network(tmp_path, ALL_PROXY="socks5://ann:sesame@h:1") == CallNetwork()
    (warning,) = warned(tmp_path, ALL_PROXY="socks5://ann:sesame@h:1")
    assert "ALL_PROXY" in warning
    assert "sesame" not in warning


def test_private_authorities_come_from_the_file_or_else_from_the_environment(
    tmp_path: Path, authority: PrivateAuthority
) -> None:
    given = str(authority.ca_file)
    assert network(tmp_path, SSL_CERT_FILE=given).ca_file == authority.ca_file
    (tmp_path / "own.pem").write_bytes(authority.ca_file.read_bytes())
    text = JOURNEY + '[network]\nca_file = "own.pem"\n'
    assert network(tmp_path, text, SSL_CERT_FILE=given).ca_file == tmp_path / "own.pem"


@pytest.mark.parametrize(("content", "word"), [("no certificate", "without a certificate"), (None, "cannot be read")])
def test_a_file_of_the_environment_that_cannot_be_used_is_a_warning(
    tmp_path: Path, content: str | None, word: str
) -> None:
    file = tmp_path / "bundle.pem"
    if content is not None:
        file.write_text(content)
    (warning,) = warned(tmp_path, SSL_CERT_FILE=str(file))
    assert word in warning
    assert network(tmp_path, SSL_CERT_FILE=str(file)).ca_file is None


def test_a_broken_certificate_is_found_before_it_is_needed(tmp_path: Path) -> None:
    (tmp_path / "own.pem").write_text("-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----\n")
    found = only(tmp_path, JOURNEY + '[network]\nca_file = "own.pem"\n')
    assert found.where == "network.ca_file"
    assert "cannot be used" in found.wrong


def test_another_network_needs_a_restart(tmp_path: Path) -> None:
    before, after = loaded(tmp_path, JOURNEY), loaded(tmp_path, NETWORK)
    kept, changed = taken_over(before, after)
    assert (kept.network, changed) == (before.network, ("network",))


def test_the_file_of_variables_names_proxies_too_and_the_environment_wins(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("HTTPS_PROXY=http://a:1\nHTTP_PROXY=http://b:2\n")
    (tmp_path / ".env").chmod(0o600)
    found = network(tmp_path, HTTP_PROXY="http://c:3")
    assert found == CallNetwork(http_proxy=Secret("http://c:3"), https_proxy=Secret("http://a:1"))
