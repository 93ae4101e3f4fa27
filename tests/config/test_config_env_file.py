"""The file of environment variables beside the configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.parts import HANDLERS, PROVIDERS, loaded, only, problems, written
from receiver.config import Config, load
from receiver.config.environment.env_file import LARGEST, EnvFile, read_env_file
from receiver.config.findings import Findings

#: Whatever ENV is, these are not in it.
TWO = """
[sources.journey]
provider = "journeyapi"
api_key = "env:THE_KEY"
secrets = ["env:THE_SECRET"]
"""


def variables(folder: Path, text: str) -> dict[str, str]:
    (folder / ".env").write_text(text, "utf-8", newline="")
    findings = Findings()
    found = read_env_file(None, folder, findings)
    assert findings.problems == []
    return dict(found.values)


def secrets_of(config: Config) -> list[str]:
    return [secret.reveal() for secret in config.sources["journey"].all_secrets]


def test_the_env_file_beside_the_configuration_is_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("THE_KEY=japi_live_2\nTHE_SECRET='hook secret'\n")
    config = loaded(tmp_path, TWO)
    assert secrets_of(config) == ["hook secret", "japi_live_2"]
    assert tmp_path / ".env" in config.secret_files


def test_the_environment_wins(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("THE_KEY=of-the-file\nTHE_SECRET=of-the-file\n")
    assert secrets_of(loaded(tmp_path, TWO, {"THE_KEY": "of-the-environment"})) == [
        "of-the-file",
        "of-the-environment",
    ]


def test_another_file_can_be_named_and_then_the_usual_one_is_not_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("THE_KEY=usual\nTHE_SECRET=usual\n")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "own.env").write_text("THE_KEY=own\n")
    text = 'env_file = "deep/own.env"\n' + TWO
    (found,) = problems(tmp_path, text)
    assert (found.where, "'THE_SECRET' is not set" in found.wrong) == ("sources.journey.secrets[0]", True)
    assert str(tmp_path / "deep" / "own.env") in found.remedy
    config = loaded(tmp_path, text, {"THE_SECRET": "s"})
    assert secrets_of(config) == ["s", "own"]
    assert config.secret_files == (tmp_path / "deep" / "own.env",)
    absolute = f'env_file = "{tmp_path}/deep/own.env"\n' + TWO
    assert secrets_of(loaded(tmp_path, absolute, {"THE_SECRET": "s"})) == ["s", "own"]


def test_without_such_a_file_nothing_is_missed_unless_it_is_named(tmp_path: Path) -> None:
    env = {"THE_KEY": "k", "THE_SECRET": "s"}
    assert secrets_of(loaded(tmp_path, TWO, env)) == ["s", "k"]
    (found,) = problems(tmp_path, 'env_file = "gone.env"\n' + TWO, env)
    assert (found.where, found.wrong) == ("env_file", f"there is no file {tmp_path}/gone.env")
    assert only(tmp_path, "env_file = 5\n").remedy == "write text in quotes"


def test_what_is_set_nowhere_may_be_set_in_either_place(tmp_path: Path) -> None:
    first, _ = problems(tmp_path, TWO, {})
    assert first.remedy == f"set it where gridhook is started, or write it into {tmp_path}/.env"
    (tmp_path / ".env").write_text("THE_KEY=\nTHE_SECRET=s")
    (empty,) = problems(tmp_path, TWO, {})
    assert empty.wrong == f"the variable 'THE_KEY' in {tmp_path}/.env is empty"
    assert "put the real one there" in empty.remedy


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=plain", "plain"),
        ("export A=plain", "plain"),
        ("A = plain ", "plain"),
        ('A="in quotes"', "in quotes"),
        ("A='in quotes'", "in quotes"),
        ('A="a \\"b\\" c"', 'a "b" c'),
        ("A='\"kept\"'", '"kept"'),
        ("A=whsec_ab+/c=", "whsec_ab+/c="),
        ("A=a$B${C}", "a$B${C}"),
        ("A=a#b # a remark", "a#b"),
        ("A=1\nA=2", "2"),
        ("\ufeffA=1\r\n", "1"),
    ],
)
def test_values_are_read_as_the_usual_libraries_do(tmp_path: Path, line: str, value: str) -> None:
    assert variables(tmp_path, line) == {"A": value}


def test_remarks_blank_lines_and_names_alone_are_no_variables(tmp_path: Path) -> None:
    assert variables(tmp_path, "# A=1\n\n   \nB\nC=\n") == {"C": ""}


def test_quotes_within_quotes_are_meant(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("THE_KEY='\"k\"'\nTHE_SECRET=s\n")
    assert secrets_of(loaded(tmp_path, TWO)) == ["s", '"k"']


def test_every_line_that_cannot_be_read_is_told_without_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text('THE_KEY=k\n\n\nX=\'hush\nTHE_SECRET=s\nY="hush" hush\n')
    first, second = problems(tmp_path, TWO)
    assert [first.where, second.where] == ["env_file"] * 2
    assert [first.wrong, second.wrong] == [f"line {n} of {tmp_path}/.env cannot be read" for n in (4, 6)]
    assert "hush" not in str(first) + str(second)


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        (b"A=\xff\xfe", "is not UTF-8"),
        (b"A=1\n" * LARGEST, f"is larger than {LARGEST} bytes"),
        (None, "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_used_is_a_mistake(tmp_path: Path, content: bytes | None, wrong: str) -> None:
    if content is None:
        (tmp_path / ".env").mkdir()
    else:
        (tmp_path / ".env").write_bytes(content)
    (found,) = problems(tmp_path, TWO, {"THE_KEY": "k", "THE_SECRET": "s"})
    assert (found.where, wrong in found.wrong) == ("env_file", True)
    config = load(written(tmp_path, TWO), {}, PROVIDERS, HANDLERS, "optional")
    assert list(config.sources) == ["journey"], "who needs no secrets needs no file with them"


def test_a_name_with_a_nul_is_a_mistake_and_no_traceback(tmp_path: Path) -> None:
    assert only(tmp_path, 'env_file = "a\\u0000b"\n').where == "env_file"


def test_its_repr_shows_no_value(tmp_path: Path) -> None:
    assert "hush" not in repr(EnvFile(path=tmp_path / ".env", values={"A": "hush"}))
