"""Whole configurations that others write: no mistake is found in them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from cli.parts import bare
from receiver.app import read_config
from support.certificates import PrivateAuthority

REPLICAS: Final = Path(__file__).parent.parent / "fixtures" / "examples" / "replicas.toml"
SECRETS: Final = {
    "GRIDHOOK_ADMIN_TOKEN": "a-token-of-some-length-1",
    "GRIDHOOK_ADMIN_TOKEN_OLD": "a-token-of-some-length-2",
    "APIFRAME_KEY": "a-key-of-some-length",
}


def replicas(folder: Path, authority: PrivateAuthority) -> Path:
    """The example with what belongs beside it."""
    file = folder / "gridhook.toml"
    file.write_bytes(REPLICAS.read_bytes())
    (folder / "private-ca.pem").write_bytes(authority.ca_file.read_bytes())
    (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in SECRETS.items()))
    (folder / ".env").chmod(0o600)
    return file


def test_replicas_on_one_postgresql(tmp_path: Path, authority: PrivateAuthority) -> None:
    config = read_config(replicas(tmp_path, authority), {})
    assert config.database == "postgresql://gridhook@db.example.com/gridhook"
    assert (config.requests_retention, config.progress_retention) == (30 * 86_400, 2 * 86_400)
    assert (config.pictures_retention, config.retention) == (365 * 86_400, 365 * 86_400)


def test_a_database_that_cannot_be_reached_is_told_and_is_no_mistake_of_the_file(
    tmp_path: Path, authority: PrivateAuthority
) -> None:
    file = replicas(tmp_path, authority)
    file.write_text(file.read_text().replace("db.example.com", "127.0.0.1:9"))
    result = bare("check", "--config", str(file))
    assert result.exit_code == 1
    assert "is right, but its database cannot be used" in result.stdout
    assert "database postgresql://127.0.0.1:9/gridhook" in result.stdout


def test_a_database_that_is_not_set_is_a_mistake_for_every_command(tmp_path: Path) -> None:
    """None goes on with a file beside the configuration that nobody meant."""
    file = tmp_path / "gridhook.toml"
    for written, wrong in (("env:NOWHERE_SET", "'NOWHERE_SET' is not set"), ("file:none", "none cannot be read")):
        file.write_text(f'database = "{written}"\n')
        for command in (["jobs"], ["status"], ["prune", "--older-than", "1d"], ["migrate"], ["backup", "x.db"]):
            result = bare(*command, "--config", str(file))
            assert result.exit_code == 2, result.output
            assert f"database: the {'environment variable' if 'env' in written else 'file'}" in result.stderr
            assert wrong in result.stderr
    assert not (tmp_path / "gridhook.db").exists()
