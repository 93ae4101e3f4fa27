"""Secrets from the environment, from files, and as they stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from receiver.config.environment.secret_values import SecretWrong, read_secret


def test_a_secret_comes_from_the_environment(tmp_path: Path) -> None:
    assert read_secret("env:KEY", {"KEY": "abc"}, tmp_path).reveal() == "abc"


def test_a_literal_secret_is_itself(tmp_path: Path) -> None:
    assert read_secret("abc", {}, tmp_path).reveal() == "abc"


@pytest.mark.parametrize("content", [b"abc", b"abc\n", b"abc\r\n"])
def test_one_line_break_at_the_end_of_a_file_is_not_part_of_the_secret(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key").write_bytes(content)
    assert read_secret(f"file:{tmp_path}/key", {}, Path("/")).reveal() == "abc"
    assert read_secret("file:key", {}, tmp_path).reveal() == "abc"


@pytest.mark.parametrize("content", [b"", b"\n", b"  \n", b"abc\n\n", b"two\nlines\n", b" abc", b"\xff\xfe", b"a\x00b"])
def test_a_file_without_one_usable_line_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(SecretWrong):
        read_secret("file:key", {}, tmp_path)


def test_a_huge_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("a" * 100_000)
    with pytest.raises(SecretWrong, match="longer than"):
        read_secret("file:key", {}, tmp_path)


@pytest.mark.parametrize("path", ["file:/nowhere/at/all", "file:", "file:/"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, path: str) -> None:
    with pytest.raises(SecretWrong, match="cannot be read"):
        read_secret(path, {}, tmp_path)


def test_a_variable_that_is_not_set_and_one_that_is_empty_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(SecretWrong, match="'GONE' is not set"):
        read_secret("env:GONE", {}, tmp_path)
    with pytest.raises(SecretWrong, match="'BLANK' is empty"):
        read_secret("env:BLANK", {"BLANK": ""}, tmp_path)


@pytest.mark.parametrize("value", ["", " ", "\t", "a\nb", "a ", "schl\u00fcssel", "\u200b", 5, True, ["a"], {"a": "b"}])
def test_an_empty_or_unsendable_secret_is_refused(tmp_path: Path, value: object) -> None:
    with pytest.raises(SecretWrong):
        read_secret(value, {}, tmp_path)


@pytest.mark.parametrize("text", ['"hunter2"', "'hunter2'", '""', "''"])
def test_quotes_that_came_along_through_the_environment_or_a_file_are_a_mistake(tmp_path: Path, text: str) -> None:
    """`docker --env-file` keeps them, `echo '"x"' > key` too; what stands in the configuration is meant so."""
    with pytest.raises(SecretWrong, match="'KEY' has quotes around it") as caught:
        read_secret("env:KEY", {"KEY": text}, tmp_path)
    assert "docker --env-file" in caught.value.remedy
    (tmp_path / "key").write_text(text + "\n")
    with pytest.raises(SecretWrong, match="key has quotes around it") as beside:
        read_secret("file:key", {}, tmp_path)
    assert "hunter2" not in str(caught.value) + caught.value.remedy + str(beside.value) + beside.value.remedy


@pytest.mark.parametrize("text", ['"', "'half", "half'", "it's", "\"mixed'"])
def test_a_quote_alone_belongs_to_the_secret(tmp_path: Path, text: str) -> None:
    assert read_secret("env:KEY", {"KEY": text}, tmp_path).reveal() == text
    assert read_secret('"quoted"', {}, tmp_path).reveal() == '"quoted"'


def test_a_refusal_does_not_show_the_secret(tmp_path: Path) -> None:
    with pytest.raises(SecretWrong) as caught:
        read_secret("env:KEY", {"KEY": "hunter2\nhunter2"}, tmp_path)
    assert "hunter2" not in caught.value.wrong + caught.value.remedy + str(caught.value)
