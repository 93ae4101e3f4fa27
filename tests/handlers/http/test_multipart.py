"""Forms with files: what an independent reader makes of them, and that the same form is the same bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from handlers.http.multipart import FormFile, form_body
from receiver.pretend.platforms.channel.forms import read_form


@given(
    text=st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=50), body=st.binary(max_size=300)
)
def test_what_goes_in_comes_out(text: str, body: bytes) -> None:
    form = form_body({"caption": text}, {"photo": FormFile(name="picture.png", type="image/png", body=body)})
    read = read_form(form.content_type, form.body)
    assert (read.files["photo"].name, read.files["photo"].body) == ("picture.png", body)
    assert read.fields["caption"].strip() == text.strip()


def test_a_name_cannot_end_its_header() -> None:
    file = FormFile(name='a"\r\nx: y', type="image/png", body=b"1")
    body = form_body({}, {'f"\r\n': file}).body
    assert b'name="f%22%0D%0A"; filename="a%22%0D%0Ax: y"' in body


def test_the_same_form_is_the_same_bytes() -> None:
    files = {"photo": FormFile(name="p.png", type="image/png", body=b"x" * 99)}
    assert form_body({"a": "1"}, files) == form_body({"a": "1"}, files)
