"""A picture that is something else besides is told apart; what some tools write behind a picture is not."""

from __future__ import annotations

import io
import zipfile

import pytest
from PIL import Image

from receiver.errors import ForeignRefused
from receiver.lib.pictures import examine

KINDS = ("PNG", "JPEG", "WEBP", "GIF")


def a_picture(kind: str, frames: int = 1) -> bytes:
    file = io.BytesIO()
    several = [Image.effect_noise((40, 30), 50 + number).convert("RGB") for number in range(frames)]
    several[0].save(file, kind, **({"save_all": True, "append_images": several[1:]} if frames > 1 else {}))
    return file.getvalue()


def an_archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x.html", "<script>alert(1)</script>")
    return file.getvalue()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("behind", "words"),
    [
        (b"\n<html><script>alert(1)</script>", "a page or XML"),
        (b"\0\0<?php system($_GET['x']);", "a page or XML"),
        (an_archive(), "a ZIP archive"),
        (b"junk" + an_archive(), "a ZIP archive"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"MZ\x90\0", "a program"),
        (b"#!/bin/sh\n", "a script"),
    ],
)
def test_what_else_a_file_is_makes_it_no_picture(kind: str, behind: bytes, words: str) -> None:
    with pytest.raises(ForeignRefused, match=f"a picture and {words} at once") as refused:
        examine(a_picture(kind) + behind)
    assert refused.value.code == "not_a_picture"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("behind", [b"", b"\0" * 2000, b"\n", b"SEFH\x6a\0\0\0 of a camera"])
def test_what_means_nothing_to_others_is_left_alone(kind: str, behind: bytes) -> None:
    assert examine(a_picture(kind) + behind).width == 40


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP"])
def test_the_end_of_a_moving_picture_is_found(kind: str) -> None:
    moving = a_picture(kind, frames=4)
    assert examine(moving).height == 30
    with pytest.raises(ForeignRefused, match="at once"):
        examine(moving + b"<html>")
